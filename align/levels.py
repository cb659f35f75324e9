"""The three levels of privacy, and the level that each kind of source starts with."""

from collections.abc import Iterable
from typing import Literal

Level = Literal["open", "train-only", "sealed"]

# From the least private to the most: the store keeps a level as its place in this row.
LEVELS: tuple[Level, ...] = ("open", "train-only", "sealed")

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


def as_level(word: str) -> Level:
    """Return the word as a level.

    Raises:
        ValueError: It is none.
    """
    if word not in LEVELS:
        raise ValueError(f"{word!r} is no level; the levels are {', '.join(LEVELS)}")
    return LEVELS[LEVELS.index(word)]


def most_private(levels: Iterable[Level]) -> Level:
    """Return the most private of the levels; of none, `open`."""
    return max(levels, key=LEVELS.index, default="open")
