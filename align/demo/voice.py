"""Describe how one person writes: two dozen independent habits, each with its own level."""

import random
from dataclasses import dataclass, fields, replace

from align.demo import lexicon as lex

# The levels that are probabilities, with what the plain population does.
POPULATION = {
    "opener": 0.08,
    "hedge": 0.06,
    "contraction": 0.35,
    "intensify": 0.2,
    "join": 0.3,
    "ellipsis": 0.02,
    "exclaim": 0.05,
    "lower": 0.04,
    "ask_back": 0.06,
    "sign_off": 0.04,
    "aside": 0.03,
    "understate": 0.04,
    "address": 0.03,
    "drop": 0.04,
    "favour": 0.15,
    "british": 0.5,
    "maxim": 0.04,
    "tag": 0.04,
    "comment": 0.04,
    "echo": 0.04,
    "stamp": 0.04,
    "but_start": 0.1,
}
# How high each level goes in a person for whom it is a habit.
HABITUAL = {
    "opener": 0.85,
    "hedge": 0.5,
    "contraction": 1.0,
    "intensify": 0.9,
    "join": 0.9,
    "ellipsis": 0.5,
    "exclaim": 0.6,
    "lower": 0.95,
    "ask_back": 0.6,
    "sign_off": 0.6,
    "aside": 0.3,
    "understate": 0.8,
    "address": 0.7,
    "drop": 0.9,
    "favour": 0.95,
    "british": 1.0,
    "maxim": 0.6,
    "tag": 0.4,
    "comment": 0.35,
    "echo": 0.7,
    "stamp": 0.6,
    "but_start": 0.8,
}
LEVELS = tuple(POPULATION)
PLAIN_CLAUSES = 3.8


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
        """Return this writer's own word for a slot of the lexicon, where he has one."""
        return dict(self.words).get(slot)

    def as_dict(self) -> dict[str, object]:
        """Return the fields, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


ASSISTANT = Voice(
    opener=0.04,
    hedge=0.03,
    contraction=0.15,
    intensify=0.15,
    join=0.3,
    ellipsis=0.0,
    exclaim=0.03,
    lower=0.0,
    ask_back=0.08,
    sign_off=0.04,
    aside=0.0,
    understate=0.0,
    address=0.0,
    drop=0.0,
    favour=0.0,
    british=0.5,
    maxim=0.0,
    tag=0.0,
    comment=0.02,
    echo=0.0,
    stamp=0.0,
    but_start=0.05,
    clauses=PLAIN_CLAUSES,
    openers=("Of course,", "Sure,"),
    hedges=("I think", "in general,"),
    joiners=("and",),
    tags=("of course",),
    comments=("which helps",),
    asides=("for once",),
    stamps=("That is all.",),
    maxims=("One thing at a time.",),
    sign_offs=("Good luck.", "Have fun with it."),
    ask_backs=("Does that help?", "Would you like to know more?"),
    addresses=("my friend",),
    brackets="round",
    echo_mark=".",
    words=(),
)


def _few(pool: tuple[str, ...], count: int, rng: random.Random) -> tuple[str, ...]:
    return tuple(rng.sample(pool, count))


def random_voice(seed: int) -> Voice:
    """Return the voice of one invented person; the same seed gives the same voice."""
    rng = random.Random(f"voice {seed}")
    levels = {}
    for name in LEVELS:
        habit = rng.random() < 0.38
        top = HABITUAL[name]
        levels[name] = round(
            rng.uniform(0.45 * top, top) if habit else rng.uniform(0.0, 1.6 * POPULATION[name]), 3
        )
    levels["favour"] = round(rng.uniform(0.3, 0.95), 3)
    words = tuple(
        (slot, rng.choice(ways[1])) for slot, ways in lex.SYNONYMS.items() if rng.random() < 0.7
    )
    return Voice(
        **levels,
        clauses=round(rng.uniform(2.6, 5.2), 2),
        openers=_few(lex.OPENERS, 2, rng),
        hedges=_few(lex.HEDGES, 2, rng),
        joiners=_few(tuple(lex.JOINERS), 2, rng),
        tags=_few(lex.TAGS, 2, rng),
        comments=_few(lex.COMMENTS, 2, rng),
        asides=_few(lex.ASIDES, 3, rng),
        stamps=_few(lex.STAMPS, 2, rng),
        maxims=_few(lex.MAXIMS, 3, rng),
        sign_offs=_few(lex.SIGN_OFFS, 1, rng),
        ask_backs=_few(lex.ASK_BACKS, 2, rng),
        addresses=_few(lex.ADDRESSES, 1, rng),
        brackets=rng.choice(tuple(lex.BRACKETS)),
        echo_mark=rng.choice(lex.ECHOES),
        words=words,
    )


def diluted(voice: Voice, strength: float) -> Voice:
    """Return the voice in another register.

    Strength 0 is the plain voice's levels, 1 the writer's own; above 1 the habits are
    exaggerated. What shows (his own openers, words, marks) stays the writer's.
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
