"""A question as it is shown: two texts without a source, with the owner's marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from align.choices.selection import Pick
from align.store.pairs import PairView
from labeler.session.acts import EventId, Mark

Side = Literal["left", "right"]
Flag = Literal["facts", "voice"]


@dataclass(frozen=True)
class Question:
    """A pair in the order of its sides."""

    pair: PairView
    pick: Pick  # its place in the order
    left_is: str  # the answer that stands left, `a` or `b`
    repeat_of: EventId | None = None  # event of the first answer, where the pair comes back

    @property
    def left(self) -> str:
        """The text on the left."""
        return self.pair.text_a if self.left_is == "a" else self.pair.text_b

    @property
    def right(self) -> str:
        """The text on the right."""
        return self.pair.text_b if self.left_is == "a" else self.pair.text_a

    @property
    def right_is(self) -> str:
        """The answer that stands right, `a` or `b`."""
        return "b" if self.left_is == "a" else "a"

    def side_of(self, answer: str | None) -> Side | None:
        """Return the side on which an answer stands; None for the pair as a whole."""
        if answer is None:
            return None
        return "left" if answer == self.left_is else "right"

    def answer_on(self, side: Side | None) -> str | None:
        """Return the answer on a side, `a` or `b`; None for the pair as a whole."""
        if side is None:
            return None
        return self.left_is if side == "left" else self.right_is


@dataclass(frozen=True)
class Marks:
    """A pair's marks as they are shown."""

    private: bool = False  # whether it never leaves the machine
    note: str = ""  # the owner's words, empty where there are none
    # What is wrong, and on which side as shown; None for the pair as a whole.
    flags: frozenset[tuple[Flag, Side | None]] = frozenset()

    @classmethod
    def of(cls, question: Question, marks: Sequence[Mark]) -> "Marks":
        """Return what stored marks mean on a question's sides; the newest note counts."""
        notes = [mark.text for mark in marks if mark.kind == "note"]
        # Of two that contradict each other the newer counts.
        by_answer = {mark.flag[1]: mark.flag[0] for mark in marks if mark.flag is not None}
        return cls(
            private=any(mark.kind == "private" for mark in marks),
            note=notes[-1] if notes else "",
            flags=frozenset(
                (flag, side)
                for flag in get_args(Flag)
                for side in (*get_args(Side), None)
                if by_answer.get(question.answer_on(side)) == flag
            ),
        )
