"""The levels of privacy, what each allows, and which one each kind of source starts with.

Nobody else compares levels, in Python or in SQL, or knows as what number the store keeps one.
"""

from collections.abc import Iterable
from typing import Literal

Level = Literal["open", "train-only", "sealed"]

# From the least private to the most: the store keeps a level as its place in this row.
LEVELS: tuple[Level, ...] = ("open", "train-only", "sealed")
TRAINABLE: tuple[Level, ...] = ("open", "train-only")
SENDABLE: tuple[Level, ...] = ("open",)

# What a source's records start with, where owner.yaml says nothing else.
DEFAULT_LEVELS: dict[str, Level] = {
    "documents": "open",
    "blog": "open",
    "x": "open",
    "question-answers": "open",
    "interviews": "open",
    "messages": "train-only",
    "whatsapp": "train-only",
    "telegram": "train-only",
    "discord": "train-only",
    "slack": "train-only",
    "mail": "train-only",
    "chatgpt": "train-only",
    "claude": "train-only",
    "journal": "sealed",
}


def trainable(level: Level) -> bool:
    """Tell whether it may be trained on."""
    return level in TRAINABLE


def may_travel(level: Level) -> bool:
    """Tell whether it may leave for another machine of the owner's, in a pack or an export."""
    return level in TRAINABLE


def may_be_sent(level: Level) -> bool:
    """Tell whether it may be sent to somebody else's machine."""
    return level in SENDABLE


def trainable_sql(column: str) -> str:
    """Return the SQL that tells of a column with levels what may be trained on."""
    return f"{column} < {stored('sealed')}"


def may_travel_sql(column: str) -> str:
    """Return the SQL that tells of a column with levels what may travel."""
    return trainable_sql(column)


def may_be_sent_sql(column: str) -> str:
    """Return the SQL that tells of a column with levels what may be sent."""
    return f"{column} = {stored('open')}"


def at_least_sql(column: str, level: Level) -> str:
    """Return the SQL that tells of a column with levels what is so private or more."""
    return f"{column} >= {stored(level)}"


def stored(level: Level) -> int:
    """Return the level as the store keeps it: the higher, the more private."""
    return LEVELS.index(level)


def from_stored(number: int) -> Level:
    """Return the level that the store keeps as a number."""
    return LEVELS[number]


def as_level(word: str) -> Level:
    """Return the word as a level; ValueError where it is none."""
    if word not in LEVELS:
        raise ValueError(f"{word!r} is no level; the levels are {', '.join(LEVELS)}")
    return LEVELS[LEVELS.index(word)]


def most_private(levels: Iterable[Level]) -> Level:
    """Return the most private of the levels; of none, `open`."""
    return max(levels, key=stored, default="open")
