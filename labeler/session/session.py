"""The session: which pair is asked, what is answered, what is taken back. No screen, no keys.

Every act is one committed event of the store before anything else is shown; undo and redo are
events too, so they reach back across restarts.
"""

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from align import __version__
from align.choices.selection import ORDERS, checkpoint_number
from align.errors import UserError
from align.store.askable_pairs import AskablePairs
from align.store.connection import transaction, wait_at_most
from align.store.drafts import Drafts
from align.store.events import EventKind
from align.store.pairs import Purpose
from labeler.session.acts import Decision, EventId
from labeler.session.counts import Counts
from labeler.session.marking import Marking
from labeler.session.question import Question, Side
from labeler.session.queue import Queue
from labeler.session.undo_history import UndoHistory

if TYPE_CHECKING:
    from labeler.session.past import Past, PastPairs

Answer = Literal["left", "right", "both", "neither"]
SkipReason = Literal["bad prompt", "both broken", "too private"]


class Session(Marking):
    """One run of the labeler over the pairs of one store.

    Args:
        conn: The owner's store; it is written on every act.
        order: Name of the queue's order.
        seed: Of order and sides; the one of the owner's last question by default.
        purpose: Pairs for training, or those of the arena.
        clock: Seconds, for how long a decision took.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        order: str = "fresh",
        seed: int | None = None,
        purpose: Purpose = "train",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conn, self._order, self._clock = conn, order, clock
        self.drafts = Drafts(conn)
        self.given: list[Decision] = []  # in this session, without what was taken back
        self._given_here: dict[EventId, tuple[str, str]] = {}  # the checkpoints that answered
        # Of these, answers to pairs that had been answered before the session.
        self.changed: set[EventId] = set()
        self._pool = AskablePairs(conn, purpose)
        self._extent = self._pool.extent()
        self._history = UndoHistory(conn, purpose)
        self._choices = self._history.choices
        seeds = (seed, self._history.seed, secrets.randbelow(2**31))
        self.seed = next(known for known in seeds if known is not None)
        self._counts = Counts(self._pool, ORDERS[order], self._choices)
        self._queue = Queue(
            conn, self._pool, ORDERS[order], self.seed, self._choices, repeats=purpose == "train"
        )
        self._queue.advance()
        self._shown_at = clock()

    @property
    def question(self) -> Question | None:
        """What is asked now, or None when nothing waits."""
        return self._queue.question

    @property
    def decisions(self) -> list[Decision]:
        """The current answers, skips and repeats of all sessions, oldest first."""
        return self._choices.decisions

    @property
    def total(self) -> int:
        """How many pairs the store holds."""
        return self._counts.total

    @property
    def answered(self) -> int:
        """How many pairs have the owner's answer; a skip or a repeat is none."""
        return len(self._choices.answers)

    @property
    def left(self) -> int:
        """How many pairs wait for an answer."""
        return self._counts.left()

    @property
    def left_out(self) -> dict[str, int]:
        """How many pairs are not asked, by reason."""
        return self._counts.left_out()

    def compare_suspects(self) -> None:
        """Compare the texts of all pairs that may be near-identical, so that they are counted."""
        for pair in self._pool.walk(None, ""):
            if pair.is_suspect:
                self._pool.near_identical(pair)

    def checkpoints(self) -> list[str]:
        """Return the names of the checkpoints that answered in this session, oldest first."""
        names = {name for decision in self.given for name in self._given_here[decision.id]}
        return sorted(names, key=lambda name: (checkpoint_number(name), name))

    def wait_for_store(self, seconds: float) -> None:
        """Let an act fail that has waited so long for another program that writes to the store."""
        wait_at_most(self._conn, seconds)

    def shown(self) -> None:
        """Count the time of a decision from now on: the question has just come to be seen."""
        self._shown_at = self._clock()

    def answer(self, answer: Answer, *, clear: bool = False, late: float = 0.0) -> None:
        """Commit the answer to the question, and only then move on.

        Args:
            answer: The side, or both, or neither.
            clear: Whether it was a clear case.
            late: For how many seconds the key has waited, which are no part of the decision.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        question = self._expect_question()
        sides = {"left": question.left_is, "right": question.right_is}
        outcome = {"outcome": sides.get(answer, str(answer)), **({"clear": True} if clear else {})}
        if question.repeat_of is None:
            self._decide("choice", outcome, late)
        else:
            self._decide("repeat", {**outcome, "of": question.repeat_of}, late)

    def rewrite(self, text: str, of: Side | None) -> None:
        """Commit what the owner would have written, and only then move on.

        Args:
            text: The owner's own answer; it is right, and both others are not.
            of: The answer that it started from, as shown.

        Raises:
            UserError: There is no text, or it could not be committed; the question stays.
        """
        question = self._expect_question()
        if not text.strip():
            raise UserError("rewrite", "there is no text", "Write an answer, or go back")
        again = {} if question.repeat_of is None else {"repeat_of": question.repeat_of}
        self._decide("rewrite", {"text": text, "of": question.answer_on(of), **again})

    @property
    def revisited(self) -> Decision | None:
        """The decision that stands of the question's pair, where the owner came back to it."""
        question = self.question
        if question is None or question.repeat_of is not None:
            return None
        answers = self._choices.answers.get(question.pair.id)
        return answers[-1] if answers else None

    def revisit(self, decision: Decision) -> None:
        """Show a pair that was decided, so that it can be seen and decided anew."""
        self._queue.revisit(decision)

    def pasts(self) -> "list[Past]":
        """Return all decisions with their pairs, the newest first."""
        return self._past.all()

    def past(self, decision: Decision) -> "Past":
        """Return a decision with its pair and marks."""
        return self._past.of(decision)

    @cached_property
    def _past(self) -> "PastPairs":
        from labeler.session.past import PastPairs  # not needed before the first pair

        return PastPairs(self._conn, self._choices)

    def go_on(self) -> None:
        """Leave a pair that was revisited as it is."""
        self._queue.advance()
        self._shown_at = self._clock()

    def skip(self, reason: SkipReason | None = None, *, late: float = 0.0) -> None:
        """Commit that the question was passed over; it is asked again after all others.

        A pair that had come back is dropped. `late` as in `answer`.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        question = self._expect_question()
        of = {} if question.repeat_of is None else {"of": question.repeat_of}
        self._decide("skip", {**of, **({"reason": reason} if reason else {})}, late)

    def undo(self) -> str | None:
        """Take the last act back, also of an earlier session, and show its pair.

        Returns:
            What was taken back, in a few words; None where there was nothing.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        with self._committing():
            act = self._history.undo()
            if act is None:
                return None
            if not (isinstance(act, Decision) and act.mends):
                self._queue.go_back(act)
        if isinstance(act, Decision):
            self._drop(act)
            self.given += [
                d for d in self.decisions if d.id == act.mends and d.id in self._given_here
            ]
        return act.words

    def redo(self) -> str | None:
        """Do again what was taken back last, and go on from there.

        Returns:
            What was done again, in a few words; None where there was nothing.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        with self._committing():
            act = self._history.redo()
            if act is None:
                return None
            self._queue.go_back(act)
            if isinstance(act, Decision):
                self._queue.leave(act)
        if isinstance(act, Decision) and act.id in self._given_here:
            self.given = [*(d for d in self.given if d.id != act.mends), act]
        return act.words

    def _drop(self, decision: Decision) -> None:
        self.given = [given for given in self.given if given.id != decision.id]

    def _expect_question(self) -> Question:
        question = self.question
        if question is None:
            raise LookupError("no pair is waiting")
        return question

    def _decide(self, kind: EventKind, payload: Mapping[str, Any], late: float = 0.0) -> None:
        """Commit a decision on the question, with how it was shown, and move on."""
        question = self._expect_question()
        payload = {
            **payload,
            "left": question.left_is,
            "ms": max(0, round((self._clock() - self._shown_at - late) * 1000)),
            "selection": self._order if self.revisited is None else "history",
            "selection_seed": self.seed,
            "probability": question.pick.probability,
            "version": __version__,
        }
        old = self.revisited if kind in ("choice", "rewrite") else None
        with self._committing():
            if old is None:
                decision = self._history.do(kind, question.pair.id, payload)
                assert isinstance(decision, Decision)
            else:
                decision = self._history.mend(old, kind, question.pair.id, payload)
            self._queue.leave(decision)
        if old is not None:
            if old.id not in self._given_here or old.id in self.changed:
                self.changed.add(decision.id)
            self._drop(old)
        self._given_here[decision.id] = question.pair.checkpoint_a, question.pair.checkpoint_b
        self.given.append(decision)

    @contextlib.contextmanager
    def _committing(self) -> Iterator[None]:
        """Commit all of a block's acts and show what comes next, or leave everything as it was."""
        question, front = self._queue.question, self._queue.front
        try:
            with transaction(self._conn):
                extent = self._pool.extent()
                if extent != self._extent:  # pairs have come
                    self._counts.forget()
                    self._queue.restart()
                    self._extent = extent
                yield
        except BaseException:
            self._history.read()
            self._queue.question, self._queue.front = question, front
            self._queue.restart()
            raise
        if self.question is not question:
            self._shown_at = self._clock()
