"""The queue: the question before the owner, and what is asked after it.

First come pairs whose answer was taken back, then the selection's order, read ahead a little, then
those that were skipped.
"""

import sqlite3
from dataclasses import replace
from itertools import islice

from align.choices.selection import Pick, QueueOrder, left_side
from align.store.askable_pairs import AskablePairs
from align.store.pairs import get_pair, get_pairs
from labeler.session.acts import Act, Decision, EventId
from labeler.session.current_choices import CurrentChoices
from labeler.session.question import Question
from labeler.session.repeats import repeat_due

# Questions in memory, texts included.
AHEAD = 20


class Queue:
    """The questions of one session.

    Args:
        conn: The store.
        pool: Its pairs.
        order: Of the pairs.
        seed: Of order and sides.
        choices: What the owner decided; it is read, and the pair of each question put down in it.
        repeats: Whether answered pairs come back.

    Attributes:
        question: What is before the owner, None when nothing waits.
        front: Questions before all others.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        pool: AskablePairs,
        order: QueueOrder,
        seed: int,
        choices: CurrentChoices,
        *,
        repeats: bool,
    ) -> None:
        self._conn, self._pool, self._order, self._seed = conn, pool, order, seed
        self._choices, self._repeats = choices, repeats
        self.question: Question | None = None
        self.front: list[Question] = []
        self.restart()

    def restart(self) -> None:
        """Begin the order anew; the question and those before all others stay."""
        held = self._held()
        self._ready: list[Question] = []
        # Questions of this session with their texts, those of earlier ones as they were decided.
        self._skipped: dict[str, Question | Decision] = {
            skip.pair_id: skip for skip in self._choices.skipped() if skip.pair_id not in held
        }
        self._walk = self._order.picks(self._pool, self._seed, self._choices.answered)

    def advance(self) -> None:
        """Show what comes next."""
        self._show(self._repeat() or self._next())
        if self.question is not None and len(self._ready) < AHEAD:
            self._load(AHEAD - len(self._ready))

    def leave(self, decision: Decision) -> None:
        """Go on from the question, which was decided; a skipped one is asked after all others."""
        question, self.question = self.question, None
        assert question is not None
        if decision.kind == "skip" and decision.repeat_of is None:
            self._skipped[question.pair.id] = question
        self.advance()

    def go_back(self, act: Act) -> None:
        """Show the question that an act was about, as it was; the one shown comes after it."""
        shown = self.question
        if shown is not None:
            if shown.pair.id == act.pair_id and not isinstance(act, Decision):
                return
            # A pair that had come back comes by itself where it is due.
            if shown.pair.id != act.pair_id and shown.repeat_of is None:
                self.front = [shown, *self.front]
        if isinstance(act, Decision):
            self._show(self._question_of(act))
        else:
            self._show(self._question(act.pair_id))

    def revisit(self, decision: Decision) -> None:
        """Show a pair that was decided, sides as they were; the one shown comes after it."""
        shown = self.question
        if shown is not None and self._waits(shown):
            self.front = [shown, *self.front]
        question = self._question_of(decision)
        self._show(replace(question, repeat_of=None))

    def _show(self, question: Question | None) -> None:
        self.question = question
        if question is None:
            return
        id = question.pair.id
        self.front = [waiting for waiting in self.front if waiting.pair.id != id]
        self._ready = [waiting for waiting in self._ready if waiting.pair.id != id]
        self._skipped.pop(id, None)
        if id not in self._choices.pairs:
            self._choices.pairs[id] = self._pool.candidate(id)

    def _repeat(self) -> Question | None:
        """Return the pair that comes back now, if one does."""
        repeat = repeat_due(self._choices, self._seed) if self._repeats else None
        if repeat is None:
            return None
        first = repeat.first
        return self._question(first.pair_id, repeat.probability, repeat.left_is, first.id)

    def _next(self) -> Question | None:
        """Return the first question that waits."""
        for question in filter(self._waits, self.front):
            return question
        while self._ready or self._load(AHEAD):
            if self._waits(self._ready[0]):
                return self._ready[0]
            del self._ready[0]
        for skipped in self._skipped.values():
            question = self._question_of(skipped) if isinstance(skipped, Decision) else skipped
            if self._waits(question):
                return question
        return None

    def _waits(self, question: Question) -> bool:
        """Tell whether a pair still waits: others of its prompt may have been answered since."""
        limit = self._order.a_prompt
        return question.pair.id not in self._choices.answers and (
            limit is None or self._choices.prompts[question.pair.prompt_id] < limit
        )

    def _question_of(self, decision: Decision) -> Question:
        """Return the question that was decided, sides as they were."""
        probability = decision.payload.get("probability")
        probability = 1.0 if probability is None else probability
        return self._question(decision.pair_id, probability, decision.left, decision.repeat_of)

    def _question(
        self,
        pair_id: str,
        probability: float = 1.0,
        left: str | None = None,
        repeat_of: EventId | None = None,
    ) -> Question:
        """Return a question about any pair of the pool; without `left` the seed gives the sides."""
        pair = get_pair(self._conn, pair_id)
        if pair is None:
            raise LookupError(f"no pair {pair_id}")
        pick = Pick(pair_id, probability)
        return Question(pair, pick, left or left_side(self._seed, pair_id), repeat_of)

    def _load(self, n: int) -> bool:
        """Load the next `n` questions of the order; tell whether any was left."""
        held = self._held()
        wanted = (p for p in self._walk if p.pair_id not in held and p.pair_id not in self._skipped)
        picks = list(islice(wanted, n))
        pairs = get_pairs(self._conn, [pick.pair_id for pick in picks])
        for pick in picks:
            left = left_side(self._seed, pick.pair_id)
            self._ready.append(Question(pairs[pick.pair_id], pick, left))
        return bool(picks)

    def _held(self) -> set[str]:
        shown = [] if self.question is None else [self.question]
        return {question.pair.id for question in (*shown, *self.front)}
