"""Describe how one person writes: two dozen independent habits, each with its own level."""

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from align.demo import lexicon as lex

_DATA = tomllib.loads(Path(__file__).with_name("voices.toml").read_text(encoding="utf-8"))
# Level -> what the plain population does, and how high it goes in a person with that habit.
_LEVELS: dict[str, tuple[float, float]] = {
    name: (usual, top) for name, (usual, top) in _DATA["levels"].items()
}
LEVELS = tuple(_LEVELS)
# How many ways of each habit a random voice has, in the order in which they are drawn.
_WAYS = {
    "openers": 2, "hedges": 2, "joiners": 2, "tags": 2, "comments": 2, "asides": 3, "stamps": 2,
    "maxims": 3, "sign_offs": 1, "ask_backs": 2, "addresses": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Voice:
    """Hold the habits of one writer."""

    levels: Mapping[str, float]  # how often each habit shows where it could, in [0, 1]
    clauses: float  # of an answer, on average
    ways: Mapping[str, tuple[str, ...]]  # the writer's own openers and so on, the favourite first
    brackets: str  # around asides: a key of the lexicon's
    echo_mark: str  # after the topic's name, where an answer opens with it
    words: Mapping[str, str]  # slot of the lexicon -> the writer's own word

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Voice":
        """Return a voice from what `as_dict` gave, after a round through JSON or TOML."""
        return cls(
            {name: data[name] for name in LEVELS},
            data["clauses"],
            {name: tuple(data[name]) for name in _WAYS},
            data["brackets"],
            data["echo_mark"],
            dict(data["words"]),
        )

    def as_dict(self) -> dict[str, object]:
        """Return the levels, the ways and the rest by their names, ready for JSON."""
        rest = {"clauses": self.clauses, "brackets": self.brackets, "echo_mark": self.echo_mark}
        return {**self.levels, **self.ways, **rest, "words": list(self.words.items())}


# The plain voice, of no person; and the shipped demo owner's, with facts that she knows by heart.
ASSISTANT = Voice.from_dict(_DATA["assistant"])
MAUD = Voice.from_dict(_DATA["maud"])
MAUD_FACTS: dict[str, str] = _DATA["maud_facts"]


def random_voice(seed: int) -> Voice:
    """Return the voice of one invented person; the same seed gives the same voice."""
    rng = random.Random(f"voice {seed}")
    levels = {}
    for name, (usual, top) in _LEVELS.items():
        habit = rng.random() < 0.38
        levels[name] = round(
            rng.uniform(0.45 * top, top) if habit else rng.uniform(0.0, 1.6 * usual), 3
        )
    levels["favour"] = round(rng.uniform(0.3, 0.95), 3)
    words = {slot: rng.choice(ways[1]) for slot, ways in lex.SYNONYMS.items() if rng.random() < 0.7}
    clauses = round(rng.uniform(2.6, 5.2), 2)
    pools = {**lex.PHRASES, "joiners": tuple(lex.JOINERS)}
    ways = {name: tuple(rng.sample(pools[name], count)) for name, count in _WAYS.items()}
    brackets, echo = rng.choice(tuple(lex.BRACKETS)), rng.choice(lex.PHRASES["echoes"])
    return Voice(levels, clauses, ways, brackets, echo, words)


def diluted(voice: Voice, strength: float) -> Voice:
    """Return the voice in another register.

    Strength 0 is the plain voice's levels, 1 the writer's own; above 1 the habits are
    exaggerated. What shows (own openers, words, marks) stays the writer's.
    """

    def mixed(plain: float, own: float) -> float:
        return plain + strength * (own - plain)

    levels = {
        name: min(1.0, max(0.0, mixed(ASSISTANT.levels[name], voice.levels[name])))
        for name in LEVELS
    }
    return replace(voice, levels=levels, clauses=mixed(ASSISTANT.clauses, voice.clauses))


def distance(left: Voice, right: Voice) -> float:
    """Return how far two voices lie apart: mean difference of levels, each over its range."""
    apart = [abs(left.levels[n] - right.levels[n]) / top for n, (_, top) in _LEVELS.items()]
    return sum(apart) / len(apart)
