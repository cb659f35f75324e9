"""What is asked next: the policy's order, read ahead a little, and what comes before and after it.

Before it come pairs whose answer was taken back; after it those that were skipped.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from align.choices.selection import Pick, Policy, left_side
from align.store.asking import AskablePairs
from align.store.pairs import PairView, get_pair, get_pairs
from labeler.session.history import Done, EventId
from labeler.session.standing import Standing

# Questions in memory, texts included.
AHEAD = 20


@dataclass(frozen=True)
class Question:
    """A pair as it is shown: two texts without a source, in the sides' order.

    Attributes:
        pair: The pair.
        pick: Its place in the order.
        left_is: The answer that stands left, `a` or `b`.
        repeat_of: The first answer's event, where the pair comes back.
    """

    pair: PairView
    pick: Pick
    left_is: str
    repeat_of: EventId | None = None

    @property
    def left(self) -> str:
        """Return the answer on the left."""
        return self.pair.text_a if self.left_is == "a" else self.pair.text_b

    @property
    def right(self) -> str:
        """Return the answer on the right."""
        return self.pair.text_b if self.left_is == "a" else self.pair.text_a

    @property
    def right_is(self) -> Literal["a", "b"]:
        """Return the answer that stands right."""
        return "b" if self.left_is == "a" else "a"


class Queue:
    """The questions of one sitting, in order.

    Args:
        conn: The store.
        pool: Its pairs.
        policy: How to choose.
        seed: Of order and sides.
        standing: What the owner did; it is read, never changed.

    Attributes:
        shown: The pair that is before the owner; it is in nobody's way while it waits.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        pool: AskablePairs,
        policy: Policy,
        seed: int,
        standing: Standing,
    ) -> None:
        self._conn, self._pool, self._policy, self._seed = conn, pool, policy, seed
        self.shown: str | None = None
        self._standing = standing
        self._front: list[Question] = []
        self.restart()

    def restart(self) -> None:
        """Begin the policy's order anew, as when pairs have come; what was taken back stays."""
        standing = self._standing
        self._ready: list[Question] = []
        # Questions of this sitting with their texts, those of earlier ones as they are in the log.
        held = self._held()
        self._again: dict[str, Question | Done] = {
            done.pair_id: done for done in standing.skipped() if done.pair_id not in held
        }
        self._walk = self._policy.picks(self._pool, self._seed, standing.answered)

    def upcoming(self) -> Iterator[Question]:
        """Yield what is to be asked, the next first; a look takes nothing out of the queue."""
        yield from filter(self._waits, list(self._front))
        place = 0
        while place < len(self._ready) or self._load(AHEAD):
            if self._waits(self._ready[place]):
                yield self._ready[place]
                place += 1
            else:
                del self._ready[place]
        for pair_id, skipped in list(self._again.items()):
            question = self.question_of(skipped) if isinstance(skipped, Done) else skipped
            self._again[pair_id] = question
            if self._waits(question):
                yield question

    def take(self, pair_id: str) -> None:
        """Let a pair leave the queue, wherever it waits."""
        self._front = [question for question in self._front if question.pair.id != pair_id]
        self._ready = [question for question in self._ready if question.pair.id != pair_id]
        self._again.pop(pair_id, None)

    def put_first(self, question: Question) -> None:
        """Ask a question before all others."""
        self.take(question.pair.id)
        self._front.insert(0, question)

    def put_last(self, question: Question) -> None:
        """Ask a question after all others."""
        self.take(question.pair.id)
        self._again[question.pair.id] = question

    def read_ahead(self) -> None:
        """Load questions until enough are in memory even when the next one leaves."""
        missing = AHEAD + 1 - len(self._ready)
        if missing > 0:
            self._load(missing)

    def question_of(self, done: Done) -> Question:
        """Return the question to which something was said, sides as they were."""
        probability = 1.0 if done.probability is None else done.probability
        return self.question(done.pair_id, probability, done.left, done.repeat_of)

    def question(
        self,
        pair_id: str,
        probability: float = 1.0,
        left: str | None = None,
        repeat_of: EventId | None = None,
    ) -> Question:
        """Return a question about any pair of the pool; the seed gives the sides not said."""
        pair = get_pair(self._conn, pair_id)
        if pair is None:
            raise LookupError(f"no pair {pair_id}")
        pick = Pick(pair_id, probability)
        return Question(pair, pick, left or left_side(self._seed, pair_id), repeat_of)

    def _load(self, n: int) -> bool:
        """Load the next `n` questions of the order; tell whether any was left."""
        held = self._held()
        wanted = (p for p in self._walk if p.pair_id not in held and p.pair_id not in self._again)
        picks = list(islice(wanted, n))
        pairs = get_pairs(self._conn, [pick.pair_id for pick in picks])
        for pick in picks:
            left = left_side(self._seed, pick.pair_id)
            self._ready.append(Question(pairs[pick.pair_id], pick, left))
        return bool(picks)

    def _held(self) -> set[str | None]:
        return {self.shown, *(question.pair.id for question in self._front)}

    def _waits(self, question: Question) -> bool:
        """Tell whether a pair still waits: another labeler may have answered it meanwhile."""
        limit = self._policy.a_prompt
        return question.pair.id not in self._standing.answers and (
            limit is None or self._standing.prompts[question.pair.prompt_id] < limit
        )
