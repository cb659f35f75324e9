"""List the kinds of question, the plan of an answer to each, and what clauses say."""

from dataclasses import dataclass

# A clause is a statement unless it opens with "!" (an order) or "~" (it goes against the one
# before). All are in plain words without contractions; the voice does the rest.
ROLES: dict[str, tuple[str, ...]] = {
    "define": (
        "{name} is {is}",
        "{name} comes down to {is}",
        "I would call {name} {is}",
        "in short, {name} is {is}",
        "{people} say that {name} is {is}",
    ),
    "like": (
        "I {like} {name}",
        "I {like} {name} more than I expected",
        "{name} suits me",
        "I {like} {name} on a {nice} day",
        "I would miss {name}",
    ),
    "mixed": (
        "I can take {name} or leave it",
        "{name} and I have an understanding",
        "I {like} {name} on a {nice} day and forget it on a {awful} one",
        "I have mixed feelings about {name}",
    ),
    "good": (
        "{good}",
        "{usually} {good}",
        "the {nice} part is that {good}",
        "{good}, and that is {vnice}",
        "the {point} is that {good}",
        "it is {vnice} that {good}",
    ),
    "bad": (
        "~{bad}",
        "~the trouble is that {bad}",
        "~{sometimes} {bad}",
        "~{bad}, and that is {vbad}",
        "~the {awful} part is that {bad}",
        "~it is {vbad} that {bad}",
    ),
    "worst": (
        "for me it is {part}",
        "{part} is the {awful} bit of {name}",
        "I could do without {part}",
        "the {awful} thing about {name} is {part}",
    ),
    "tip": (
        "!{tip}",
        "you {should} {tip}",
        "the trick is to {tip}",
        "it pays to {tip}",
        "the {point} is to {tip}",
        "my only rule is to {tip}",
    ),
    "begin": (
        "!start with {tool}",
        "the place to start is {part}",
        "!take {small} steps and {tip}",
        "anyone who wants to {do} needs {tool}",
        "for {name} you {should} start {small}",
    ),
    "tool": (
        "you {should} get {tool}",
        "{tool} {helps}",
        "all you need is {tool}",
        "I would not go without {tool}",
        "for {name} you need {tool}",
    ),
    "part": (
        "{part} is the {nice} bit",
        "{part} takes {alot} of patience",
        "I keep coming back for {part}",
        "{people} forget about {part}",
        "it all hangs on {part}",
    ),
    "place": (
        "I {do} {place}",
        "you will find me {place}",
        "it is at its best {place}",
        "for me {name} belongs {place}",
    ),
    "slip": (
        "the usual mistake is {slip}",
        "nothing spoils {name} like {slip}",
        "you ruin it by {slip}",
        "{people} go wrong by {slip}",
    ),
    "once": (
        "I once {once}",
        "last year I {once}",
        "on my first try I {once}",
        "when I was young I {once}",
        "one summer I {once}",
        "I {once} and told nobody",
    ),
    "rival": (
        "{rival} is easier",
        "I have tried {rival} and it is not the same",
        "{rival} has its place",
        "next to {name}, {rival} feels {small}",
    ),
    "choose": (
        "I would choose {name}",
        "between the two, {name} has my vote",
        "{name} wins for me",
        "given the choice I {do}",
    ),
    "feel": (
        "{name} leaves me {happy}",
        "I come home {happy}",
        "it clears my head",
        "I feel {very} {happy}",
        "it makes me feel ten years younger",
        "I forget the clock",
    ),
    "cross": ("~it can make me cross", "~I am tired afterwards", "~it wears me out {sometimes}"),
    "plan": (
        "I hope to {do} {when}",
        "I am going to {do} {when}",
        "{when} I want to {do}",
        "if the day allows I will {do} {place}",
    ),
    "news": (
        "I {did} {ago}",
        "{ago} I {did}",
        "I have been busy with {name} {lately}",
        "{lately} I have thought about {name} {alot}",
    ),
    "time": (
        "an hour or two a week goes on {name}",
        "I give {name} most of my Sunday",
        "more time than I admit goes on {name}",
        "I find time for {name} {usually}",
    ),
    "who": (
        "{person} taught me",
        "I got {name} from {person}",
        "{person} showed me and I stayed with it",
        "nobody taught me, I just began",
    ),
    "learn": (
        "I came to {name} the slow way",
        "it took me years to get {part} right",
        "I had to {do} badly for a year",
    ),
    "recommend": (
        "I would tell anyone to try {name}",
        "{name} is {vnice} for a beginner",
        "{name} is worth the trouble",
        "!give {name} a month",
    ),
    "why": (
        "{people} {do} because {good}",
        "I {think} {people} need {name}",
        "{people} come to {name} late and stay for {part}",
    ),
    "change": (
        "I would change {part}",
        "I would make {part} shorter",
        "I would change nothing about {name}",
        "I would do away with {slip}",
        "I would leave {name} as it is",
    ),
}

# Slots of the templates, with their phrases where these don't come from topic or lexicon.
VARIED = frozenset({"good", "bad", "tip", "slip", "once", "part", "tool", "place"})


@dataclass(frozen=True)
class Kind:
    """Hold one kind of question: how it is asked, what must be answered, what may follow."""

    key: str
    questions: tuple[str, ...]
    core: tuple[str, ...]
    extra: tuple[str, ...]


KINDS: tuple[Kind, ...] = (
    Kind(
        "what",
        (
            "What is {name}?",
            "Can you explain {name} to me?",
            "How would you describe {name}?",
            "What does {name} come down to?",
        ),
        ("define", "good"),
        ("part", "bad", "tool", "place", "once"),
    ),
    Kind(
        "like",
        (
            "Do you like {name}?",
            "Are you fond of {name}?",
            "Do you enjoy {name}?",
            "Is {name} your kind of thing?",
        ),
        ("like", "good"),
        ("bad", "place", "part", "once", "feel"),
    ),
    Kind(
        "start",
        (
            "How do I start with {name}?",
            "I want to {do}. Where do I begin?",
            "How would you get into {name}?",
            "What is the first step in {name}?",
        ),
        ("begin", "tip"),
        ("tip", "slip", "good", "tool", "bad"),
    ),
    Kind(
        "advice",
        (
            "Any advice on {name}?",
            "Do you have a tip for {name}?",
            "What should I know about {name}?",
            "How do I get better at {name}?",
        ),
        ("tip", "slip"),
        ("tip", "part", "once", "tool", "good"),
    ),
    Kind(
        "opinion",
        (
            "What do you think of {name}?",
            "What is your view of {name}?",
            "Is {name} overrated?",
            "What do you make of {name}?",
        ),
        ("mixed", "good"),
        ("bad", "part", "feel", "like", "once"),
    ),
    Kind(
        "compare",
        (
            "Is {name} better than {rival}?",
            "Would you take {name} over {rival}?",
            "{Name} or {rival}?",
            "Why {name} and not {rival}?",
        ),
        ("choose", "rival"),
        ("good", "bad", "feel", "place", "part"),
    ),
    Kind(
        "plan",
        (
            "Are you going to {do} soon?",
            "Will you {do} this weekend?",
            "Any plans to {do}?",
            "When will you {do} next?",
        ),
        ("plan", "good"),
        ("place", "bad", "tool", "feel", "part"),
    ),
    Kind(
        "memory",
        (
            "Tell me about a time you {did}.",
            "Do you have a story about {name}?",
            "What do you remember about {name}?",
            "Did anything funny ever happen to you with {name}?",
        ),
        ("once", "bad"),
        ("once", "feel", "like", "place", "good"),
    ),
    Kind(
        "lately",
        (
            "Been {doing} lately?",
            "Have you been {doing} again?",
            "Anything new with {name}?",
            "How is it going with {name}?",
        ),
        ("news", "good"),
        ("bad", "once", "feel", "place", "part"),
    ),
    Kind(
        "recommend",
        (
            "Would you recommend {name}?",
            "Should I try {name}?",
            "Is {name} worth it?",
            "Is {name} good for a beginner?",
        ),
        ("recommend", "good"),
        ("tip", "bad", "tool", "feel", "slip"),
    ),
    Kind(
        "worst",
        (
            "What is the worst part of {name}?",
            "What do you dislike about {name}?",
            "What annoys you about {name}?",
            "What is hard about {name}?",
        ),
        ("worst", "bad"),
        ("slip", "once", "good", "cross", "tip"),
    ),
    Kind(
        "best",
        (
            "What is the best part of {name}?",
            "What do you love about {name}?",
            "What makes {name} special?",
            "What is so good about {name}?",
        ),
        ("part", "good"),
        ("good", "feel", "place", "like", "once"),
    ),
    Kind(
        "why",
        (
            "Why do people {do}?",
            "Why do you {do}?",
            "What is the point of {name}?",
            "Why bother with {name}?",
        ),
        ("why", "good"),
        ("feel", "define", "like", "bad", "once"),
    ),
    Kind(
        "feel",
        (
            "How does {name} make you feel?",
            "What does {name} do for you?",
            "Does {name} make you happy?",
            "What is your mood after {name}?",
        ),
        ("feel", "good"),
        ("cross", "bad", "like", "place", "part"),
    ),
    Kind(
        "change",
        (
            "What would you change about {name}?",
            "How could {name} be better?",
            "If you could change one thing about {name}, what would it be?",
        ),
        ("change", "bad"),
        ("good", "like", "part", "slip", "feel"),
    ),
    Kind(
        "gear",
        (
            "What do I need for {name}?",
            "What do you take along for {name}?",
            "Which things matter for {name}?",
        ),
        ("tool", "tip"),
        ("tool", "slip", "part", "place", "good"),
    ),
    Kind(
        "learn",
        (
            "How did you learn to {do}?",
            "Who got you into {name}?",
            "How long have you been {doing}?",
            "How did {name} start for you?",
        ),
        ("who", "learn"),
        ("once", "good", "bad", "like", "part"),
    ),
    Kind(
        "time",
        (
            "How much time do you spend on {name}?",
            "How often do you {do}?",
            "Where and when do you {do}?",
        ),
        ("time", "place"),
        ("news", "good", "feel", "bad", "part"),
    ),
)

POST_TITLES = (
    "On {name}",
    "Notes on {name}",
    "{Name}, again",
    "A word about {name}",
    "What I know about {name}",
    "In praise of {name}",
    "Some thoughts on {name}",
    "{Name}: a short report",
)
# Each paragraph of a post is a plan of its own; a post takes three or four of them in order.
POST_PARAGRAPHS = (
    (("define", "like", "good"), ("news", "good", "place"), ("like", "part", "good")),
    (("who", "once", "bad"), ("once", "learn", "feel"), ("learn", "once", "part")),
    (("worst", "bad", "slip"), ("rival", "choose", "bad"), ("bad", "cross", "part")),
    (("tip", "tool", "slip"), ("begin", "tip", "good"), ("tool", "tip", "part")),
    (("feel", "why"), ("plan", "recommend"), ("change", "feel")),
)


def kind(key: str) -> Kind:
    """Return the kind of that key.

    Raises:
        KeyError: no kind has this key.
    """
    return {each.key: each for each in KINDS}[key]
