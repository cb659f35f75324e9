"""Marks: what the owner says of a pair beside an answer, as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from labeler.session.history import Mark
from labeler.session.queue import Question

Side = Literal["left", "right"]
Flag = Literal["facts", "voice"]


@dataclass(frozen=True)
class Marks:
    """What stands of a pair beside its answer.

    Attributes:
        private: Whether it never leaves the machine.
        note: The owner's words, empty where there are none.
        flags: What is wrong, and on which side as shown; None for the pair as a whole.
    """

    private: bool = False
    note: str = ""
    flags: frozenset[tuple[Flag, Side | None]] = frozenset()


def marks_of(question: Question, marks: Sequence[Mark]) -> Marks:
    """Return what marks say of a question's pair; the newest note counts."""
    notes = [mark.text for mark in marks if mark.kind == "note"]
    return Marks(
        private=any(mark.kind == "private" for mark in marks),
        note=notes[-1] if notes else "",
        flags=frozenset(
            (flag, side)
            for flag in get_args(Flag)
            for side in (*get_args(Side), None)
            if any(mark.flag == (flag, letter_of(question, side)) for mark in marks)
        ),
    )


def letter_of(question: Question, side: Side | None) -> str | None:
    """Return the answer that is shown on a side; None for the pair as a whole."""
    return {"left": question.left_is, "right": question.right_is, None: None}[side]
