"""What is private where a text goes, and what a detector says of one that repeats it."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeVar

from align.levels import LEVELS, SENDABLE, TRAINABLE, Level

M = TypeVar("M")
Why = Level | Literal["private"]
# A text's mark is its level as it is stored; above all levels stands what the owner marked.
WHY: tuple[Why, ...] = (*LEVELS, "private")


class Match(NamedTuple):
    """What of a text is private, without its words."""

    why: Why  # how private it is: `private` is a pair that the owner marked
    words: int = 0  # how many in a row; 0 where it was found by its letters
    letters: int = 0  # else how many in a row

    @property
    def length(self) -> str:
        """How much is repeated, as it is told."""
        return f"{self.words} words" if self.words else f"{self.letters} letters"


class Detector(Protocol):
    """Finds what repeats writing that must not leave."""

    def match(self, text: str) -> object | None:
        """Return what of the text is private, or None."""
        ...

    def refresh(self) -> None:
        """Take in what became private since."""
        ...


def repeated(match: Callable[[str], M | None], texts: Sequence[str]) -> M | None:
    """Return what is private of texts that follow one another, as the turns of a conversation.

    What one begins another may end: they are looked at apart, all in a row, and every other one.
    """
    rows = (" ".join(texts), " ".join(texts[::2]), " ".join(texts[1::2])) if len(texts) > 1 else ()
    found = map(match, dict.fromkeys((*texts, *rows)))
    return next((hit for hit in found if hit is not None), None)


class Scope(NamedTuple):
    """What is private where a text goes."""

    least: Level  # from which level on writing is private
    # Whether pairs are private text too. Their answers are a model's: where none is sent away, it
    # may say again what it said.
    pairs: bool
    quotes: bool  # whether eight words are private even where open writing quotes them
    excused: tuple[Level, ...]  # whose writing makes 24 characters of sealed writing no secret


# Sent to somebody else, shown by a model on this machine, or carried to another of the owner's.
SENT = Scope("train-only", pairs=True, quotes=False, excused=SENDABLE)
SHOWN = Scope("train-only", pairs=False, quotes=False, excused=TRAINABLE)
CARRIED = Scope("sealed", pairs=False, quotes=True, excused=TRAINABLE)
