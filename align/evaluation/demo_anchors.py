"""A demo owner's anchors: the invented world knows other people, and what its owner would say."""

import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

from align.demo.grammar import answer, question
from align.demo.kinds import KINDS
from align.demo.owners import OWN_REGISTER, in_some_register
from align.demo.simulated_owner import SimulatedOwner
from align.demo.topics import distinctive, stem, topic_of, topic_words, topics, words
from align.demo.voice import ASSISTANT, Voice, diluted, random_voice
from align.evaluation.owner_texts import Message
from align.evaluation.reference_texts import Anchors, Verdict
from align.evaluation.voice_judge import Written
from align.evaluation.win_rates import LOSS, TIE, WIN
from align.paths import owner_dir

FILE = "simulated.json"
# Other people whom the judge is fitted against, others on whom it is tried, answers of each.
PEOPLE, PEOPLE_HELD_OUT, ANSWERS = 80, 30, 8
# What the simulated owner looks at, in the terms of align.text.style.
CHOSEN_BY = frozenset(
    {
        "semicolons", "dashes", "hedges", "interjection first", "first word",
        "sentence length", "short sentences", "intensifiers",
    }
)  # fmt: skip
NEUTRAL = 120
OWN = 400


def simulated_file(owner: str) -> Path | None:
    """Return the file of the owner's simulated choices, or None where the owner is real."""
    path = owner_dir(owner) / FILE
    return path if path.is_file() else None


def with_demo_world(anchors: Anchors, path: Path, seed: int = 0) -> Anchors:
    """Add to an owner's anchors what the demo world knows of him and of others."""
    simulated = SimulatedOwner.load(path)
    people = _people(PEOPLE + PEOPLE_HELD_OUT, seed)
    return replace(
        anchors,
        others=_answers_of(people[:PEOPLE], seed),
        others_held_out=_answers_of(people[PEOPLE:], seed + 1),
        neutral=_neutral(seed),
        topical=topic_words(),
        on_topic=speaks_of,
        simulated=_verdict(simulated),
        own_register=_own_register(simulated.voice, seed),
        chosen_by=CHOSEN_BY,
        kind="demo",
    )


def speaks_of(prompt: str, text: str) -> bool | None:
    """Tell whether a text speaks of the prompt's topic and of no other more; None without topic."""
    asked = _topic_of(prompt)
    if asked is None:
        return None
    stems = {stem(word) for word in words(text)}
    own = len(stems & distinctive(asked))
    return own > 0 and all(len(stems & distinctive(each.key)) <= own for each in topics())


@cache
def _topic_of(prompt: str) -> str | None:
    return topic_of(prompt)


def _people(count: int, seed: int) -> list[Voice]:
    rng = random.Random(f"other people {seed}")
    return [random_voice(rng.randrange(2**31)) for _ in range(count)]


def _answers_of(people: list[Voice], seed: int) -> list[Written]:
    """Return what others answer, in registers as mixed as an owner's."""
    rng = random.Random(f"other people's answers {seed}")
    found = []
    for voice in people:
        for _ in range(ANSWERS):
            topic, kind = rng.choice(topics()), rng.choice(KINDS)
            asked = question(topic, kind, rng)
            found.append(Written(answer(topic, kind, in_some_register(voice, rng), rng), asked))
    return found


def _neutral(seed: int) -> list[tuple[Message, ...]]:
    rng = random.Random(f"neutral {seed}")
    found: list[tuple[Message, ...]] = []
    for _ in range(NEUTRAL):
        topic, kind = rng.choice(topics()), rng.choice(KINDS)
        asked = {"role": "user", "content": question(topic, kind, rng)}
        said = {"role": "assistant", "content": answer(topic, kind, ASSISTANT, rng)}
        found.append((asked, said))
    return found


def _own_register(voice: Voice, seed: int) -> list[str]:
    rng = random.Random(f"own register {seed}")
    own = diluted(voice, OWN_REGISTER)
    return [answer(rng.choice(topics()), rng.choice(KINDS), own, rng) for _ in range(OWN)]


def _verdict(simulated: SimulatedOwner) -> Verdict:
    outcome = {"left": WIN, "right": LOSS, "both": TIE, "neither": TIE}

    def choose(prompt: str, first: str, second: str, case: int) -> float:
        # Each case has its own luck and sides, whatever else is judged.
        rng = random.Random(json.dumps([case, prompt, first, second]))
        if rng.random() < 0.5:
            return outcome[simulated.choose(prompt, first, second, rng)]
        return 1 - outcome[simulated.choose(prompt, second, first, rng)]

    return choose
