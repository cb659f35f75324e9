"""Marks beside the answer: private, a note, what is wrong with an answer."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from align.store.events import EventKind
from labeler.session.acts import Mark
from labeler.session.current_choices import CurrentChoices
from labeler.session.question import Flag, Marks, Question, Side
from labeler.session.undo_history import UndoHistory


class Marking:
    """What of a session puts marks on the question's pair, each one committed event."""

    _history: UndoHistory
    _choices: CurrentChoices

    @property
    @abstractmethod
    def question(self) -> Question | None:
        """What is asked now, or None when nothing waits."""

    @abstractmethod
    def _expect_question(self) -> Question: ...

    @abstractmethod
    def _committing(self) -> AbstractContextManager[None]: ...

    @property
    def marks(self) -> Marks:
        """The marks of the question's pair."""
        question = self.question
        if question is None:
            return Marks()
        return Marks.of(question, self._choices.marks.get(question.pair.id, ()))

    def toggle_private(self) -> bool:
        """Commit that the pair never leaves the machine, or no more; return whether it is private.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        return self._toggle("private", {}, lambda mark: mark.kind == "private")

    def toggle_flag(self, flag: Flag, side: Side | None) -> bool:
        """Commit that facts or voice are wrong on a side, or no more; return whether they are.

        Each says of the other that it is right, so the other one is switched off there.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        letter = self._expect_question().answer_on(side)
        payload = {"flag": flag, "side": letter}
        return self._toggle(
            "flag",
            payload,
            lambda mark: mark.flag == (flag, letter),
            lambda mark: mark.flag is not None and mark.flag[1] == letter,
        )

    def set_note(self, text: str) -> None:
        """Commit a note to the pair in place of the one before; an empty text removes it.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        question = self._expect_question()
        if text != self.marks.note:
            with self._committing():
                self._history.do("note", question.pair.id, {"text": text})

    def _toggle(
        self,
        kind: EventKind,
        payload: Mapping[str, Any],
        same: Callable[[Mark], bool],
        excluded: Callable[[Mark], bool] = lambda mark: False,
    ) -> bool:
        """Commit a mark, or switch off all that are the same; return whether it stands.

        Those that it excludes are switched off with it.
        """
        question = self._expect_question()
        with self._committing():
            marks = self._choices.marks.get(question.pair.id, ())
            stands = not any(map(same, marks))
            for mark in [m for m in marks if same(m) or (stands and excluded(m))]:
                self._history.switch_off(mark)
            if stands:
                self._history.do(kind, question.pair.id, payload)
        return stands
