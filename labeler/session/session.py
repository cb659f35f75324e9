"""The session: which pair is asked, what is answered, what is taken back. No screen, no keys.

Every act is one committed event of the store before anything else is shown; undo and redo are
events too, so they reach back across restarts.
"""

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from align import __version__
from align.choices.selection import POLICIES, checkpoint_number
from align.errors import UserError
from align.store.asking import AskablePairs
from align.store.connection import transaction
from align.store.events import EventKind
from align.store.pairs import Purpose
from labeler.session.asking import Asking
from labeler.session.counts import Counts
from labeler.session.history import Done, Mark
from labeler.session.ledger import Ledger, Writing
from labeler.session.marks import Flag, Marks, Side, letter_of, marks_of
from labeler.session.queue import Question

__all__ = ["Answer", "Flag", "Marks", "Question", "Session", "Side"]

Answer = Literal["left", "right", "both", "neither"]


class Session:
    """One sitting of the owner before the pairs of one store.

    Args:
        conn: The owner's store; it is written on every act.
        policy: Name of the selection policy.
        seed: Of order and sides; the one of the owner's last question by default.
        purpose: Pairs for training, or those of the arena.
        clock: Seconds, for how long a decision took.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        policy: str = "fresh",
        seed: int | None = None,
        purpose: Purpose = "train",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conn, self._policy, self._clock = conn, policy, clock
        self.given: list[Done] = []  # in this sitting, without what was taken back
        self._given_here: set[tuple[str, int]] = set()
        self._sources: dict[str, tuple[str, str]] = {}
        self._pool = AskablePairs(conn, purpose)
        with transaction(conn):
            self._ledger = Ledger(conn, purpose)
            self._standing = self._ledger.standing
            seeds = (seed, self._ledger.seed, secrets.randbelow(2**31))
            self.seed = next(known for known in seeds if known is not None)
            self._counts = Counts(self._pool, POLICIES[policy], self._standing)
            self._asking = Asking(
                conn, self._pool, purpose, POLICIES[policy], self.seed, self._standing
            )
            self._seen = self._pool.extent(), self._ledger.rereads
            first = self._asking.claim_next()
        self._show(first)

    @property
    def question(self) -> Question | None:
        """Return what is asked now, or None when nothing waits."""
        return self._asking.question

    @property
    def marks(self) -> Marks:
        """Return what stands of the question's pair beside an answer."""
        question = self.question
        if question is None:
            return Marks()
        return marks_of(question, self._standing.marks.get(question.pair.id, ()))

    @property
    def history(self) -> list[Done]:
        """Return what stands of all sittings' answers, skips and repeats, oldest first."""
        return self._standing.done

    @property
    def total(self) -> int:
        """Return how many pairs the store holds."""
        return self._counts.total

    @property
    def answered(self) -> int:
        """Return how many pairs have the owner's answer; a skip or a repeat is none."""
        return len(self._standing.answers)

    @property
    def left(self) -> int:
        """Return how many pairs wait for an answer."""
        return self._counts.left()

    @property
    def left_out(self) -> dict[str, int]:
        """Return how many pairs are not asked, by reason."""
        return self._counts.left_out()

    def checkpoints(self) -> list[str]:
        """Return the names of the twins that answered in this sitting, oldest first."""
        names = {name for done in self.given for name in self._sources[done.pair_id]}
        return sorted(names, key=lambda name: (checkpoint_number(name), name))

    def answer(self, answer: Answer) -> None:
        """Commit the answer to the question, and only then move on.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        question = self._expect_question()
        sides = {"left": question.left_is, "right": question.right_is}
        outcome = {"outcome": sides.get(answer, str(answer))}
        if question.repeat_of is None:
            self._done("choice", outcome)
        else:
            self._done("repeat", {**outcome, "of": question.repeat_of})

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
        self._done("rewrite", {"text": text, "of": letter_of(question, of), **again})

    def skip(self) -> None:
        """Commit that the question was passed over; it is asked again after all others.

        A pair that had come back is dropped.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        question = self._expect_question()
        self._done("skip", {} if question.repeat_of is None else {"of": question.repeat_of})

    def toggle_private(self) -> bool:
        """Commit that the pair never leaves the machine, or no more; return whether it is private.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        return self._toggle("private", {}, lambda mark: mark.kind == "private")

    def toggle_flag(self, flag: Flag, side: Side | None) -> bool:
        """Commit that facts or voice are wrong on a side, or no more; return whether they are.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        letter = letter_of(self._expect_question(), side)
        payload = {"flag": flag, "side": letter}
        return self._toggle("flag", payload, lambda mark: mark.flag == (flag, letter))

    def set_note(self, text: str) -> None:
        """Commit a note to the pair in place of the one before; an empty text removes it.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        question = self._expect_question()
        if text != self.marks.note:
            with self._writing() as writing:
                writing.do("note", question.pair.id, {"text": text})

    def undo(self) -> str | None:
        """Take the last act back, also of an earlier sitting, and show its pair.

        Returns:
            What was taken back, in a few words; None where there was nothing.

        Raises:
            UserError: It could not be committed, or another labeler shows the pair.
        """
        with self._writing() as writing:
            act = writing.undo()
            if act is None:
                return None
            question = self._asking.claim_pair_of(act)
        if isinstance(act, Done) and act.id in self._given_here:
            self.given.remove(act)
        self._show(question, leaving=question)
        return act.words

    def redo(self) -> str | None:
        """Do again what was taken back last, and go on from there.

        Returns:
            What was done again, in a few words; None where there was nothing.

        Raises:
            UserError: It could not be committed, or another labeler shows the pair.
        """
        with self._writing() as writing:
            act = writing.redo()
            if act is None:
                return None
            question = self._asking.claim_pair_of(act)
            done = act if isinstance(act, Done) else None
            following = question if done is None else self._asking.claim_next(question, done)
        if done is not None and done.id in self._given_here:
            self.given.append(done)
        self._show(following, leaving=question, done=done)
        return act.words

    def close(self) -> None:
        """Let go of the pair that is shown; what was answered is in the store already."""
        with contextlib.suppress(UserError, sqlite3.Error), transaction(self._conn):
            self._asking.release()

    def _expect_question(self) -> Question:
        question = self.question
        if question is None:
            raise LookupError("no pair is waiting")
        return question

    def _done(self, kind: EventKind, said: Mapping[str, Any]) -> None:
        """Commit what was said to the question, with how it was shown, and move on."""
        question = self._expect_question()
        payload = {
            **said,
            "left": question.left_is,
            "ms": round((self._clock() - self._shown_at) * 1000),
            "selection": self._policy,
            "selection_seed": self.seed,
            "probability": question.pick.probability,
            "version": __version__,
        }
        with self._writing() as writing:
            done = writing.do(kind, question.pair.id, payload)
            assert isinstance(done, Done)
            following = self._asking.claim_next(question, done)
        self._given_here.add(done.id)
        self.given.append(done)
        self._show(following, leaving=question, done=done)

    def _toggle(
        self, kind: EventKind, payload: Mapping[str, Any], same: Callable[[Mark], bool]
    ) -> bool:
        """Commit a mark, or switch off all that are the same; return whether it stands."""
        question = self._expect_question()
        with self._writing() as writing:
            there = [m for m in self._standing.marks.get(question.pair.id, ()) if same(m)]
            for mark in there:
                writing.switch_off(mark)
            if not there:
                writing.do(kind, question.pair.id, payload)
        return not there

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Writing]:
        """Write to the ledger, knowing what other labelers and commands did meanwhile."""
        with self._ledger.writing() as writing:
            seen = self._pool.extent(), self._ledger.rereads
            if seen != self._seen:
                self._counts.forget()
                self._asking.restart()
                self._seen = seen
            yield writing

    def _show(
        self,
        question: Question | None,
        leaving: Question | None = None,
        done: Done | None = None,
    ) -> None:
        """Put a claimed question before the owner, and look at the clock."""
        if question is not None and question is leaving is self.question:
            return  # A mark of the pair that is shown: nothing else has changed.
        self._asking.show(question, leaving, done)
        if question is not None:
            pair = question.pair
            self._sources[pair.id] = (pair.checkpoint_a, pair.checkpoint_b)
        self._shown_at = self._clock()
