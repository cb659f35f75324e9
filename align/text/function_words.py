"""Classes of English words that carry style rather than content, and the words that are left."""

from align.text.similarity import words


def _lexicon(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _lexicon("a an the")
FIRST_PERSON = _lexicon("i me my mine myself i'm i've i'd i'll we us our ours ourselves")
SECOND_PERSON = _lexicon("you your yours yourself you're you've you'd you'll")
CONJUNCTIONS = _lexicon("and but or nor so yet because though although while if")
PREPOSITIONS = _lexicon(
    "about above across after against along among around at before behind below beneath beside"
    " between beyond by despite down during except for from in inside into like near of off on"
    " onto out outside over past per since through till to toward towards under until up upon"
    " via with within without"
)
AUXILIARIES = _lexicon(
    "am is are was were be been being do does did have has had having can could may might must"
    " shall should will would ought"
)
NEGATIONS = _lexicon("no not never none nobody nothing nowhere neither nor")
DEMONSTRATIVES = _lexicon("this that these those here there")
INTENSIFIERS = _lexicon(
    "very really quite so too rather pretty terribly awfully extremely truly absolutely totally"
    " completely utterly incredibly super highly deeply most"
)
HEDGES = (
    "perhaps", "maybe", "probably", "possibly", "apparently", "somewhat", "i think", "i guess",
    "i suppose", "i believe", "i reckon", "i feel", "i would say", "i'd say", "kind of", "sort of",
    "it seems", "seems to me", "as far as i", "more or less", "in a way", "if you ask me",
    "in general", "in my view", "in my opinion", "i daresay", "might be",
)  # fmt: skip
OTHER_FUNCTION_WORDS = _lexicon(
    "he him his himself she her hers herself it its itself it's they them their theirs themselves"
    " who whom whose which what when where why how all any both each every few many more much"
    " several some such other another one ones than then as just only even also still again"
    " once ever always often sometimes now soon almost enough well too don't doesn't didn't isn't"
    " aren't wasn't weren't won't wouldn't can't couldn't shouldn't haven't hasn't hadn't that's"
    " there's what's he's she's we're we've we'll they're they've they'll let's not"
)
FUNCTION_WORDS = (
    ARTICLES | FIRST_PERSON | SECOND_PERSON | CONJUNCTIONS | PREPOSITIONS | AUXILIARIES
    | NEGATIONS | DEMONSTRATIVES | INTENSIFIERS | OTHER_FUNCTION_WORDS
)  # fmt: skip
INTERJECTIONS = _lexicon(
    "ah aha alas aye blimey eh gosh ha hey hm hmm hello hi honestly look listen mind mm no now oh"
    " okay ok right so sure true truth well yes yeah yep nope indeed"
)
QUESTION_WORDS = _lexicon("what who where when why how which")
# Words that questions are made of: to repeat one is not to answer.
_QUESTION_VOCABULARY = frozenset(
    word
    for line in (
        "think tell like make know want get go going say said give take come way thing things",
        "people good best better worst bad great really please write piece titled continue advice",
        "like enjoy love favourite favorite recommend explain describe opinion view tip feel time",
        "times ever often lately day today ask question answer thought thoughts need worth part",
    )
    for word in line.split()
)
_NO_CONTENT = (
    FUNCTION_WORDS | INTERJECTIONS | _QUESTION_VOCABULARY | {w for h in HEDGES for w in h.split()}
)
_ENDINGS = ("ingly", "edly", "ings", "ing", "ies", "ied", "est", "ers", "er", "es", "ed", "ly",
            "s", "e", "y")  # fmt: skip


def stem(word: str) -> str:
    """Cut the commonest endings, so that forms of a word meet; three letters are always kept.

    A letter that was doubled before the ending is single again: running, run.
    """
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that say what a text is about."""
    return frozenset(stem(w) for w in words(text) if w not in _NO_CONTENT and len(w) > 2)
