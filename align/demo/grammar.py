"""Ask and answer in the demo world: a topic, a kind of question and a voice become a text."""

import random

from align.demo.kinds import POST_PARAGRAPHS, POST_TITLES, Kind
from align.demo.pen import Pen
from align.demo.topics import Topic
from align.demo.voice import Voice

HURRIED_QUESTION = 0.12


def _fill(template: str, topic: Topic, rng: random.Random) -> str:
    name = topic.name
    return template.format(
        name=name,
        Name=name[0].upper() + name[1:],
        do=topic.do,
        did=topic.did,
        doing=topic.doing,
        rival=rng.choice(topic.phrases["rival"]),
    )


def question(topic: Topic, kind: Kind, rng: random.Random) -> str:
    """Return one way of asking this kind of question about a topic."""
    text = _fill(rng.choice(kind.questions), topic, rng)
    if rng.random() < HURRIED_QUESTION:
        text = (text[0].lower() + text[1:]).rstrip("?.")
    return text


def questions(topic: Topic, kind: Kind) -> tuple[str, ...]:
    """Return every carefully written way of asking this kind of question about a topic."""
    rng = random.Random(0)
    return tuple(_fill(template, topic, rng) for template in kind.questions)


def answer(topic: Topic, kind: Kind, voice: Voice, rng: random.Random) -> str:
    """Return an answer in a voice. It names the topic or something that belongs to it."""
    pen = Pen(voice, topic, rng)
    count = max(2, round(rng.gauss(voice.clauses, 0.8)))
    extra = list(kind.extra)
    rng.shuffle(extra)
    roles = [*kind.core, *extra][:count]
    text = pen.paragraph(roles, opening=True, closing=True)
    # An answer may not consist of pronouns only: it would be on any topic.
    return text if pen.named else answer(topic, kind, voice, rng)


def post(topic: Topic, voice: Voice, rng: random.Random) -> tuple[str, str]:
    """Return title and text of a longer piece: three to five paragraphs."""
    pen = Pen(voice, topic, rng)
    title = _fill(rng.choice(POST_TITLES), topic, rng)
    chosen = sorted(rng.sample(range(len(POST_PARAGRAPHS)), rng.choice((3, 3, 4, 4, 5))))
    texts = []
    for place in chosen:
        roles = list(rng.choice(POST_PARAGRAPHS[place]))
        if voice.clauses > 3.4 and rng.random() < 0.7:
            roles.append(rng.choice(("good", "part", "place", "bad")))
        first, last = place == chosen[0], place == chosen[-1]
        texts.append(pen.paragraph(roles, opening=first, closing=last))
    return title, "\n\n".join(texts)
