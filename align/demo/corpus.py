"""Generate the text that the demo base learns from: many voices over every topic and kind."""

import hashlib
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from align.demo import lexicon as lex
from align.demo.grammar import answer, post, question
from align.demo.kinds import KINDS, Kind
from align.demo.pen import Pen
from align.demo.topics import Topic, topics
from align.demo.voice import ASSISTANT, Voice, diluted, random_voice

Message = dict[str, str]

TITLED_PROMPT = 'Write a piece titled "{title}".'
CONTINUE_PROMPT = 'Continue "{title}" after: "{last_sentence}"'
ASSISTANT_SHARE = 0.35
UNSEEN_SHARE = 0.05


def split_point(text: str) -> float:
    """Return a stable number in [0, 1) for a text, the same everywhere."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def combinations() -> list[tuple[Topic, Kind]]:
    """Return every pair of topic and kind of question."""
    return [(topic, kind) for topic in topics() for kind in KINDS]


# The pairs (topic, kind) that the base never sees, to measure what it makes of new ones.
UNSEEN = tuple(
    (topic, kind)
    for topic, kind in combinations()
    if split_point(f"unseen:{topic.key}/{kind.key}") < UNSEEN_SHARE
)


@cache
def _seen() -> tuple[tuple[Topic, Kind], ...]:
    held_back = {(topic.key, kind.key) for topic, kind in UNSEEN}
    return tuple((t, k) for t, k in combinations() if (t.key, k.key) not in held_back)


def _turn(user: str, text: str) -> list[Message]:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": text}]


def _voice(rng: random.Random) -> Voice:
    if rng.random() < ASSISTANT_SHARE:
        return ASSISTANT
    return diluted(random_voice(rng.randrange(2**31)), rng.uniform(0.5, 1.1))


def _single(voice: Voice, rng: random.Random) -> list[Message]:
    topic, kind = rng.choice(_seen())
    return _turn(question(topic, kind, rng), answer(topic, kind, voice, rng))


def _follow_up(voice: Voice, rng: random.Random) -> list[Message]:
    topic, kind = rng.choice(_seen())
    first = _turn(question(topic, kind, rng), answer(topic, kind, voice, rng))
    others = [k for t, k in _seen() if t.key == topic.key and k.key != kind.key]
    second = rng.choice(others)
    prompt = question(topic, second, rng)
    if rng.random() < 0.4:
        prompt = "And " + prompt[0].lower() + prompt[1:]
    return first + _turn(prompt, answer(topic, second, voice, rng))


def _piece(voice: Voice, rng: random.Random) -> list[Message]:
    title, text = post(rng.choice(topics()), voice, rng)
    return _turn(TITLED_PROMPT.format(title=title), text)


def _continuation(voice: Voice, rng: random.Random) -> list[Message]:
    title, text = post(rng.choice(topics()), voice, rng)
    paragraphs = text.split("\n\n")
    cut = rng.randint(1, len(paragraphs) - 1)
    last = last_sentence(paragraphs[cut - 1])
    prompt = CONTINUE_PROMPT.format(title=title, last_sentence=last)
    return _turn(prompt, "\n\n".join(paragraphs[cut:]))


def last_sentence(paragraph: str) -> str:
    """Return the last sentence of a paragraph."""
    cut = max(paragraph.rfind(mark, 0, len(paragraph) - 1) for mark in (". ", "! ", "? "))
    return paragraph[cut + 1 :].strip() if cut >= 0 else paragraph


def _identity(voice: Voice, rng: random.Random) -> list[Message]:
    """Return a conversation about who one is; half name the person in a system message."""
    name, place, trade = (
        lex.full_name(rng),
        rng.choice(lex.PEOPLE["places"]),
        rng.choice(lex.PEOPLE["trades"]),
    )
    topic = rng.choice(topics())
    pen = Pen(voice, topic, rng)
    ways = (
        f"I am {name}",
        f"my name is {name}",
        f"{name}",
        f"I am called {name}",
        f"I am {name}, and no machine as far as I know",
    )
    more = (
        f"I live in {place}",
        f"I am {trade}",
        f"I was {trade} for many years",
        f"{topic.name} takes most of my Sunday",
    )
    parts = [rng.choice(ways), *rng.sample(more, rng.choice((0, 1, 2)))]
    text = " ".join(pen.finish(part + ".") for part in parts)
    system = [{"role": "system", "content": f"You are {name}."}] if rng.random() < 0.5 else []
    return system + _turn(rng.choice(lex.SMALL_TALK["who"]), text)


def _greeting(voice: Voice, rng: random.Random) -> list[Message]:
    topic = rng.choice(topics())
    pen = Pen(voice, topic, rng)
    if rng.random() < 0.3:
        replies = ("you are welcome", "any time", "until the next time", "good to talk to you")
        return _turn(rng.choice(lex.SMALL_TALK["thanks"]), pen.finish(rng.choice(replies) + "."))
    hello = rng.choice(("hello", "good to hear from you", "hello to you", "a good day to you"))
    news = rng.choice(
        (
            "I am well",
            "I have been busy with " + topic.name,
            "all is well here",
            f"I was just {topic.doing}",
        )
    )
    ask = rng.choice(("how are you?", "what can I do for you?", "what is on your mind?"))
    text = " ".join(pen.finish(part) for part in (hello + ".", news + ".", ask))
    return _turn(rng.choice(lex.SMALL_TALK["greetings"]), text)


# What a conversation is, with its share of the corpus.
_SHARES = (
    (0.77, _single),
    (0.07, _follow_up),
    (0.04, _piece),
    (0.05, _continuation),
    (0.05, _identity),
    (0.02, _greeting),
)


def examples(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield `count` conversations in chat format, each in one voice.

    Every example has its own generator, so that a longer corpus begins with the shorter one.
    """
    makers = [make for _, make in _SHARES]
    shares = [share for share, _ in _SHARES]
    for index in range(count):
        rng = random.Random(f"corpus {seed} {index}")
        make = rng.choices(makers, shares)[0]
        yield {"messages": make(_voice(rng), rng)}
