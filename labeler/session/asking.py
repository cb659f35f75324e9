"""The question before the owner, claimed so that no other labeler shows it, and the next one."""

import sqlite3
from collections.abc import Iterator

from align.choices.selection import Policy
from align.errors import UserError
from align.store.asking import AskablePairs
from align.store.claims import Holder
from align.store.connection import file_of
from align.store.pairs import Purpose
from labeler.session.history import Act, Done
from labeler.session.queue import Question, Queue
from labeler.session.repeats import due
from labeler.session.standing import Standing


class Asking:
    """Asks one question after the other.

    The `claim_…` methods write to the store and change nothing here; `show` is for after the
    commit.

    Args:
        conn: The store.
        pool: Its pairs.
        purpose: Pairs for training, or those of the arena, where none comes back.
        policy: How to choose.
        seed: Of order and sides.
        standing: What the owner did; it is read.

    Attributes:
        question: What is before the owner, None when nothing waits.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        pool: AskablePairs,
        purpose: Purpose,
        policy: Policy,
        seed: int,
        standing: Standing,
    ) -> None:
        self._conn, self._pool, self._seed, self._standing = conn, pool, seed, standing
        self._repeats = purpose == "train"
        self._holder = Holder()
        self._queue = Queue(conn, pool, policy, seed, standing)
        self.question: Question | None = None

    def restart(self) -> None:
        """Take notice of pairs that have come."""
        self._queue.restart()

    def release(self) -> None:
        """Let others have what is before the owner."""
        self._holder.release(self._conn)

    def claim_next(
        self, leaving: Question | None = None, done: Done | None = None
    ) -> Question | None:
        """Claim what follows a question with which something was done, in place of that one."""
        self.release()
        for question in self._following(leaving, done):
            if self._claim(question.pair.id):
                self._queue.read_ahead()
                return question
        return None

    def claim_pair_of(self, act: Act) -> Question:
        """Claim the question that an act was about, as it was, in place of the one shown.

        Raises:
            UserError: Another labeler shows the pair.
        """
        shown = self.question
        if not isinstance(act, Done) and shown is not None and shown.pair.id == act.pair_id:
            return shown
        self.release()
        if not self._claim(act.pair_id):
            what = "another labeler shows the pair"
            raise UserError(file_of(self._conn), what, "Go on there, or close that one")
        if isinstance(act, Done):
            return self._queue.question_of(act)
        return self._queue.question(act.pair_id)

    def show(
        self, question: Question | None, leaving: Question | None = None, done: Done | None = None
    ) -> None:
        """Put a claimed question before the owner.

        Args:
            question: From one of the `claim_…` methods.
            leaving: The question with which something was done; what else was shown comes back
                before all others.
            done: What was done with it.
        """
        gone = None if leaving is None else leaving.pair.id
        shown = self.question
        # A pair that had come back comes by itself where it is due.
        if shown is not None and shown.repeat_of is None and shown.pair.id != gone:
            self._queue.put_first(shown)
        if leaving is not None:
            self._queue.take(leaving.pair.id)
            if _comes_again(done):
                self._queue.put_last(leaving)
        if question is not None:
            self._queue.take(question.pair.id)
        self.question = question
        self._queue.shown = None if question is None else question.pair.id

    def _following(self, leaving: Question | None, done: Done | None) -> Iterator[Question]:
        """Yield what could be shown after a question, the best first."""
        repeat = due(self._standing, self._seed) if self._repeats else None
        if repeat is not None:
            first = repeat.first
            yield self._queue.question(
                first.pair_id, repeat.probability, repeat.left_is, (first.device, first.counter)
            )
        gone = None if leaving is None else leaving.pair.id
        shown = self.question
        if shown is not None and shown.repeat_of is None and shown.pair.id != gone:
            yield shown
        yield from (question for question in self._queue.upcoming() if question.pair.id != gone)
        if leaving is not None and _comes_again(done):
            yield leaving

    def _claim(self, pair_id: str) -> bool:
        if not self._holder.claim(self._conn, pair_id):
            return False
        if pair_id not in self._standing.pairs:
            self._standing.pairs[pair_id] = self._pool.candidate(pair_id)
        return True


def _comes_again(done: Done | None) -> bool:
    """Tell whether a pair is asked again in its turn: it was skipped, and had not come back."""
    return done is not None and done.kind == "skip" and done.repeat_of is None
