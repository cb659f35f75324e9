"""The session: which pair is asked, what is answered, what is taken back. No screen, no keys.

Every answer is one committed event of the store before the next question exists; undo is an
event too, so it reaches back across restarts.
"""

import secrets
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from align import __version__
from align.selection import (
    POLICIES,
    Candidate,
    Pick,
    checkpoint_number,
    flaw_of,
    left_side,
)
from align.store.events import append_event
from align.store.pairs import PairView, iter_pairs
from labeler.history import Done, standing

Answer = Literal["left", "right", "both", "neither"]


@dataclass(frozen=True)
class Question:
    """A pair as it is shown: two texts without a source, in the sides' order."""

    pair: PairView
    pick: Pick
    left_is: str

    @property
    def left(self) -> str:
        """Return the answer on the left."""
        return self.pair.text_a if self.left_is == "a" else self.pair.text_b

    @property
    def right(self) -> str:
        """Return the answer on the right."""
        return self.pair.text_b if self.left_is == "a" else self.pair.text_a


class Session:
    """One sitting of the owner before the pairs of one store.

    Args:
        conn: The owner's store; it is written on every answer.
        policy: Name of the selection policy.
        seed: Of order and sides; the one that the owner's last choice was made with by default.
        clock: Seconds, for how long a decision took.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        policy: str = "fresh",
        seed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conn, self._policy, self._clock = conn, policy, clock
        self._pairs = {pair.id: pair for pair in iter_pairs(conn)}
        self._history = [done for done in standing(conn) if done.pair_id in self._pairs]
        seeds = [seed, *(done.seed for done in reversed(self._history)), secrets.randbelow(2**31)]
        self.seed = next(known for known in seeds if known is not None)
        self.given: list[Done] = []  # in this sitting, without what was taken back
        self._fill()
        self._shown_at = clock()

    def _fill(self) -> None:
        """Order what has no answer: first what was never shown, then what was skipped."""
        answered = self._answered()
        skips = [done.pair_id for done in self._history if done.outcome == "skip"]
        skipped = list(dict.fromkeys(reversed(skips)))[::-1]  # by each pair's last skip
        order = POLICIES[self._policy](
            [_candidate(p) for p in self._pairs.values() if p.id not in answered],
            self.seed,
            Counter(self._pairs[pair_id].prompt_id for pair_id in answered),
        )
        self.left_out = dict(order.left_out)
        picks = {pick.pair_id: pick for pick in order.picks}
        again = [picks.pop(pair_id) for pair_id in skipped if pair_id in picks]
        self._queue = deque([*picks.values(), *again])

    def _answered(self) -> set[str]:
        return {done.pair_id for done in self._history if done.outcome != "skip"}

    @property
    def total(self) -> int:
        """Return how many pairs the store holds."""
        return len(self._pairs)

    @property
    def answered(self) -> int:
        """Return how many pairs have the owner's answer; a skip is none."""
        return len(self._answered())

    @property
    def left(self) -> int:
        """Return how many pairs wait for an answer."""
        return len(self._queue)

    @property
    def question(self) -> Question | None:
        """Return what is asked now, or None when nothing waits."""
        if not self._queue:
            return None
        pick = self._queue[0]
        return Question(self._pairs[pick.pair_id], pick, left_side(self.seed, pick.pair_id))

    def checkpoints(self) -> list[str]:
        """Return the names of the twins that answered in this sitting, oldest first."""
        shown = [self._pairs[done.pair_id] for done in self.given]
        names = {name for pair in shown for name in (pair.checkpoint_a, pair.checkpoint_b)}
        return sorted(names, key=lambda name: (checkpoint_number(name), name))

    def answer(self, answer: Answer) -> None:
        """Commit the answer to the question, and only then move on.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        question = self._expect_question()
        right_is = "b" if question.left_is == "a" else "a"
        outcome = {"left": question.left_is, "right": right_is}.get(answer, str(answer))
        self._commit("choice", question, outcome)

    def skip(self) -> None:
        """Commit that the question was passed over; it is asked again after all others.

        Raises:
            UserError: It could not be committed; the question stays.
        """
        self._commit("skip", self._expect_question(), "skip")

    def undo(self) -> bool:
        """Take the last answer or skip back, also of an earlier sitting, and ask its pair again.

        Returns:
            Whether there was anything to take back.

        Raises:
            UserError: It could not be committed; everything stays.
        """
        if not self._history:
            return False
        last = self._history[-1]
        append_event(
            self._conn,
            kind="undo",
            actor="owner",
            pair_id=last.pair_id,
            payload={"target": [last.device, last.counter]},
        )
        self._history.pop()
        if self.given and self.given[-1] == last:
            self.given.pop()
        self._fill()
        again = next((p for p in self._queue if p.pair_id == last.pair_id), None)
        if again is not None:
            self._queue.remove(again)
        self._queue.appendleft(again or Pick(last.pair_id, 1.0))
        self._shown_at = self._clock()
        return True

    def _expect_question(self) -> Question:
        question = self.question
        if question is None:
            raise LookupError("no pair is waiting")
        return question

    def _commit(self, kind: Literal["choice", "skip"], question: Question, outcome: str) -> None:
        milliseconds = round((self._clock() - self._shown_at) * 1000)
        shown = {
            "left": question.left_is,
            "ms": milliseconds,
            "selection": self._policy,
            "selection_seed": self.seed,
            "probability": question.pick.probability,
            "version": __version__,
        }
        event = append_event(
            self._conn,
            kind=kind,
            actor="owner",
            pair_id=question.pair.id,
            payload=shown if kind == "skip" else {"outcome": outcome, **shown},
        )
        done = Done(question.pair.id, outcome, event.device, event.counter, milliseconds, self.seed)
        self._history.append(done)
        self.given.append(done)
        pick = self._queue.popleft()
        if kind == "skip":
            self._queue.append(pick)
        self._shown_at = self._clock()


def _candidate(pair: PairView) -> Candidate:
    newer = max(pair.checkpoint_a, pair.checkpoint_b, key=checkpoint_number)
    flaw = flaw_of(pair.text_a, pair.text_b, pair.similarity)
    return Candidate(pair.id, pair.prompt_id, newer, flaw)
