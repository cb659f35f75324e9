"""Describe how one person writes: two dozen independent habits, each with its own level."""

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from align.demo import lexicon as lex

# The levels that are probabilities: what the plain population does, and how high each goes in a
# person for whom it is a habit.
_LEVELS = {
    "opener": (0.08, 0.85),
    "hedge": (0.06, 0.5),
    "contraction": (0.35, 1.0),
    "intensify": (0.2, 0.9),
    "join": (0.3, 0.9),
    "ellipsis": (0.02, 0.5),
    "exclaim": (0.05, 0.6),
    "lower": (0.04, 0.95),
    "ask_back": (0.06, 0.6),
    "sign_off": (0.04, 0.6),
    "aside": (0.03, 0.3),
    "understate": (0.04, 0.8),
    "address": (0.03, 0.7),
    "drop": (0.04, 0.9),
    "favour": (0.15, 0.95),
    "british": (0.5, 1.0),
    "maxim": (0.04, 0.6),
    "tag": (0.04, 0.4),
    "comment": (0.04, 0.35),
    "echo": (0.04, 0.7),
    "stamp": (0.04, 0.6),
    "but_start": (0.1, 0.8),
}
LEVELS = tuple(_LEVELS)
HABITUAL = {name: habitual for name, (_, habitual) in _LEVELS.items()}


@dataclass(frozen=True)
class Voice:
    """Hold the habits of one writer.

    The first block are levels in [0, 1]: how often the habit shows where it could. The second
    says what shows: the writer's own openers, joiners and so on, the favourite first.
    """

    opener: float
    hedge: float
    contraction: float
    intensify: float
    join: float
    ellipsis: float
    exclaim: float
    lower: float
    ask_back: float
    sign_off: float
    aside: float
    understate: float
    address: float
    drop: float
    favour: float
    british: float
    maxim: float
    tag: float
    comment: float
    echo: float
    stamp: float
    but_start: float
    clauses: float
    openers: tuple[str, ...]
    hedges: tuple[str, ...]
    joiners: tuple[str, ...]
    tags: tuple[str, ...]
    comments: tuple[str, ...]
    asides: tuple[str, ...]
    stamps: tuple[str, ...]
    maxims: tuple[str, ...]
    sign_offs: tuple[str, ...]
    ask_backs: tuple[str, ...]
    addresses: tuple[str, ...]
    brackets: str
    echo_mark: str
    words: tuple[tuple[str, str], ...]

    def favourite(self, slot: str) -> str | None:
        """Return this writer's own word for a slot of the lexicon, or None."""
        return dict(self.words).get(slot)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Voice":
        """Return a voice from what `as_dict` gave, after a round through JSON or TOML."""

        def frozen(value: Any) -> Any:
            return tuple(map(frozen, value)) if isinstance(value, list) else value

        return cls(**{field.name: frozen(data[field.name]) for field in fields(cls)})

    def as_dict(self) -> dict[str, object]:
        """Return the fields, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_VOICES = tomllib.loads(Path(__file__).with_name("voices.toml").read_text(encoding="utf-8"))
# The plain voice, of no person; and the shipped demo owner's, with facts that she knows by heart.
ASSISTANT = Voice.from_dict(_VOICES["assistant"])
MAUD = Voice.from_dict(_VOICES["maud"])
MAUD_FACTS: dict[str, str] = _VOICES["maud_facts"]


def _few(pool: tuple[str, ...], count: int, rng: random.Random) -> tuple[str, ...]:
    return tuple(rng.sample(pool, count))


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
    words = tuple(
        (slot, rng.choice(ways[1])) for slot, ways in lex.SYNONYMS.items() if rng.random() < 0.7
    )
    return Voice(
        **levels,
        clauses=round(rng.uniform(2.6, 5.2), 2),
        openers=_few(lex.PHRASES["openers"], 2, rng),
        hedges=_few(lex.PHRASES["hedges"], 2, rng),
        joiners=_few(tuple(lex.JOINERS), 2, rng),
        tags=_few(lex.PHRASES["tags"], 2, rng),
        comments=_few(lex.PHRASES["comments"], 2, rng),
        asides=_few(lex.PHRASES["asides"], 3, rng),
        stamps=_few(lex.PHRASES["stamps"], 2, rng),
        maxims=_few(lex.PHRASES["maxims"], 3, rng),
        sign_offs=_few(lex.PHRASES["sign_offs"], 1, rng),
        ask_backs=_few(lex.PHRASES["ask_backs"], 2, rng),
        addresses=_few(lex.PHRASES["addresses"], 1, rng),
        brackets=rng.choice(tuple(lex.BRACKETS)),
        echo_mark=rng.choice(lex.PHRASES["echoes"]),
        words=words,
    )


def diluted(voice: Voice, strength: float) -> Voice:
    """Return the voice in another register.

    Strength 0 is the plain voice's levels, 1 the writer's own; above 1 the habits are
    exaggerated. What shows (own openers, words, marks) stays the writer's.
    """
    levels = {}
    for name in (*LEVELS, "clauses"):
        plain, own = getattr(ASSISTANT, name), getattr(voice, name)
        mixed = plain + strength * (own - plain)
        levels[name] = mixed if name == "clauses" else min(1.0, max(0.0, mixed))
    return replace(voice, **levels)


def distance(left: Voice, right: Voice) -> float:
    """Return how far two voices lie apart: mean difference of levels, each over its range."""
    apart = [
        abs(float(getattr(left, name)) - float(getattr(right, name))) / HABITUAL[name]
        for name in LEVELS
    ]
    return sum(apart) / len(apart)
