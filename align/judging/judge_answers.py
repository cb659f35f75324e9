"""Ask a judge what is not on file, and keep every answer as it comes."""

import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from align.choices.verdicts import UNSTATED, Judgement, verdict_of
from align.claude.failures import GIVE_UP
from align.console import progress
from align.errors import UserError
from align.judging.claude import ClaudeJudge
from align.judging.eligibility import Eligibility
from align.judging.protocol import ORDERS, Judge, OwnerContext, Question, verdict_on
from align.store import verdicts as store
from align.store.gates import GateRow
from align.store.pairs import get_pairs
from align.store.verdicts import PASSING, Instrument, Order, Verdict, add_verdicts

# How many pairs are read at a time, and how long an answer that can be had again waits for its
# commit at most.
_CHUNK, _COMMIT_AFTER = 256, 0.5

# A pair, and the order in which its answers were shown.
Place = tuple[str, Order]


@dataclass
class JudgeCounts:
    """The answers of one run, and what they came to."""

    answers: int = 0  # how many came
    problems: Counter[str] = field(default_factory=Counter)  # those without a winner, by kind
    cost: float = 0.0  # USD, as far as it is known
    # pairs with the same winner both ways round, by certainty
    verdicts: Counter[str] = field(default_factory=Counter)
    abstentions: Counter[str] = field(default_factory=Counter)  # pairs without, by kind
    counting: int = 0  # the verdicts that count in training
    weight: float = 0.0  # as how many choices they count together

    def count(self, verdict: Verdict) -> Verdict:
        """Count one answer, and return it."""
        self.answers += 1
        self.cost += verdict.cost or 0.0
        if verdict.problem:
            self.problems[verdict.problem] += 1
        return verdict

    def conclude(self, ab: Judgement, ba: Judgement, gate: GateRow | None = None) -> None:
        """Count a pair that was answered both ways round; it counts by its gate."""
        verdict = verdict_of(ab, ba)
        if verdict.abstention:
            self.abstentions[verdict.abstention] += 1
            return
        self.verdicts[verdict.certainty or UNSTATED] += 1
        weight = gate.weight_at(verdict.certainty) if gate else 0.0
        self.counting, self.weight = self.counting + (weight > 0), self.weight + weight


async def answered(
    conn: sqlite3.Connection,
    judge: Judge,
    questions: Sequence[Question],
    counts: JudgeCounts,
    label: str,
) -> dict[Place, Verdict]:
    """Return a judge's answer to each question; asks only what is not on file.

    The questions are of pairs that are all different, in both orders.
    """
    pending, verdicts = not_on_file(conn, judge, questions)
    async with aclosing(kept(conn, judge, pending, counts, label, len(pending))) as answers:
        async for verdict in answers:
            verdicts[_place(verdict)] = verdict
    return verdicts


async def judge_pairs(
    conn: sqlite3.Connection,
    judge: Judge,
    gates: Mapping[str, GateRow],
    eligibility: Eligibility,
    context: OwnerContext,
    counts: JudgeCounts,
) -> None:
    """Have pairs judged both ways round, each with its open gate, and count what each comes to.

    UserError: another model answers than the one that was measured.
    """

    def pending() -> Iterator[Question]:
        for questions in questions_of(conn, list(gates), eligibility, context):
            yield from not_on_file(conn, judge, questions)[0]

    total, failed = len(gates) * len(ORDERS), set[str]()
    async with aclosing(kept(conn, judge, pending(), counts, "Judging", total)) as answers:
        async for verdict in answers:
            measured = gates[verdict.pair_id].answered
            if verdict.answered not in ("", measured):
                raise another_judge(judge, measured, verdict.answered)
            failed |= {verdict.pair_id} if verdict.problem in PASSING else set()
    of, briefing = (judge.name, judge.model, judge.prompt_hash), judge.briefing(context)
    for answered in {gate.answered for gate in gates.values()}:
        for pair_id, ab, ba, _ in store.both_ways(conn, Instrument(*of, briefing, answered)):
            if pair_id in gates and ab and ba:
                counts.conclude(ab, ba, gates[pair_id])
                failed.discard(pair_id)
    counts.abstentions += Counter(unscored=len(failed))


def another_judge(judge: Judge, before: str, now: str) -> UserError:
    """Return what is said where another model answers than before."""
    return UserError(
        f"{judge.name} {judge.model}",
        f"{now} answers where {before or 'what did not say its name'} did: that is another judge",
        "Run the same command again: what answers now is measured first",
    )


def not_on_file(
    conn: sqlite3.Connection, judge: Judge, questions: Sequence[Question]
) -> tuple[list[Question], dict[Place, Verdict]]:
    """Return the questions without an answer on file, and the answers to the others.

    Two pairs of the same words are one question: the answer to one is kept for the other too. So is
    an answer from before it was written down how the judge was briefed and what answered.
    """
    ids = [judge.request_id(question) for question in questions]
    answered = store.newest_answered(conn, judge.name, judge.model)
    on_file = store.verdicts_of_requests(conn, ids, answered)
    if len(on_file) >= GIVE_UP and all(verdict.problem for verdict in on_file.values()):
        # Not one of so many was of use: whoever answered then was no judge.
        on_file = {}
    pending, verdicts, copies = [], {}, []
    for request, question in zip(ids, questions, strict=True):
        verdict = on_file.get(request)
        if verdict is None:
            pending.append(question)
            continue
        place = question.comparison.pair_id, question.order
        is_turned = verdict.order != question.order
        judgement = verdict.judgement.turned() if is_turned else verdict.judgement
        copy = verdict_on(judge, question, judgement, answered=verdict.answered or answered)
        if (copy.pair_id, copy.briefing, copy.answered) != (
            verdict.pair_id, verdict.briefing, verdict.answered,
        ):  # fmt: skip
            copies.append(copy)
        verdicts[place] = copy
    if copies:
        add_verdicts(conn, copies)
    return pending, verdicts


async def collect(
    conn: sqlite3.Connection, judge: ClaudeJudge, *, cancel: bool = False
) -> JudgeCounts:
    """Keep what batches of an earlier run bring, once they end; or `cancel` them first."""
    counts = JudgeCounts()

    def keep(untaken: Sequence[Verdict] = ()) -> None:
        add_verdicts(conn, map(counts.count, untaken))

    await judge.take_up(keep, cancel=cancel)
    return counts


async def kept(
    conn: sqlite3.Connection,
    judge: Judge,
    questions: Iterable[Question],
    counts: JudgeCounts,
    label: str,
    total: int,
) -> AsyncGenerator[Verdict, None]:
    """Yield a judge's answers; each is committed within half a second, or when it says so."""
    waiting: list[Verdict] = []
    committed = time.monotonic()

    def keep(untaken: Sequence[Verdict] = ()) -> None:
        nonlocal committed
        add_verdicts(conn, [*waiting, *map(counts.count, untaken)])
        waiting.clear()
        committed = time.monotonic()

    line: Any = None
    try:
        async with aclosing(judge.answers(questions, keep)) as answers:
            async for verdict in answers:
                waiting.append(counts.count(verdict))
                if time.monotonic() - committed > _COMMIT_AFTER:
                    keep()
                # Begun with the first answer: a batch's wait says nothing of the rate.
                line = line or progress(itertools.count(), total, label, unit="answers")
                next(line)
                yield verdict
    finally:
        if line is not None:
            line.close()
        keep()


def questions_of(
    conn: sqlite3.Connection,
    pair_ids: Sequence[str],
    eligibility: Eligibility,
    context: OwnerContext,
) -> Iterator[list[Question]]:
    """Yield the questions of a few hundred pairs at a time."""
    for start in range(0, len(pair_ids), _CHUNK):
        ids = pair_ids[start : start + _CHUNK]
        pairs = get_pairs(conn, ids)
        comparisons = [eligibility.comparison(pairs[id]) for id in ids if id in pairs]
        yield [
            Question(comparison, order, context)
            for comparison in comparisons
            if comparison is not None
            for order in ORDERS
        ]


def _place(verdict: Verdict) -> Place:
    return verdict.pair_id, verdict.order
