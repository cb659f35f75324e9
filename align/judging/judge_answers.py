"""Ask a judge what is not on file, and keep every answer as it comes."""

import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from align.choices.verdicts import Judgement, verdict_of
from align.claude.failures import GIVE_UP
from align.console import progress
from align.judging.claude import ClaudeJudge
from align.judging.eligibility import Eligibility
from align.judging.protocol import ORDERS, Answer, Judge, LateAnswer, Order, OwnerContext, Question
from align.store.events import utc_time
from align.store.pairs import get_pairs
from align.store.verdicts import Verdict, add_verdicts, verdicts_of_requests

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

    def count(self, answer: Answer | LateAnswer) -> None:
        """Count one answer."""
        self.answers += 1
        self.cost += answer.cost or 0.0
        if answer.judgement.problem:
            self.problems[answer.judgement.problem] += 1

    def conclude(self, ab: Judgement, ba: Judgement) -> None:
        """Count a pair that was answered both ways round."""
        verdict = verdict_of(ab, ba)
        if verdict.abstention:
            self.abstentions[verdict.abstention] += 1
        else:
            self.verdicts[verdict.certainty or "unknown"] += 1


async def answered(
    conn: sqlite3.Connection,
    judge: Judge,
    questions: Sequence[Question],
    counts: JudgeCounts,
    label: str,
) -> dict[Place, Judgement]:
    """Return a judge's judgement of each question; asks only what is not on file.

    The questions are of pairs that are all different, in both orders.
    """
    pending, judgements = not_on_file(conn, judge, questions)
    async with aclosing(kept(conn, judge, pending, counts, label, len(pending))) as answers:
        async for answer in answers:
            judgements[_place(answer.question)] = answer.judgement
    return judgements


async def judge_pairs(
    conn: sqlite3.Connection,
    judge: Judge,
    pair_ids: Sequence[str],
    eligibility: Eligibility,
    context: OwnerContext,
    counts: JudgeCounts,
) -> None:
    """Have pairs judged both ways round, and count what each comes to."""
    half: dict[str, dict[Order, Judgement]] = {}

    def conclude(place: Place, judgement: Judgement) -> None:
        pair, order = place
        both = half.setdefault(pair, {})
        both[order] = judgement
        if len(both) == len(ORDERS):
            counts.conclude(both["ab"], both["ba"])
            del half[pair]

    def pending() -> Iterator[Question]:
        for questions in questions_of(conn, pair_ids, eligibility, context):
            waiting, known = not_on_file(conn, judge, questions)
            for place, judgement in known.items():
                conclude(place, judgement)
            yield from waiting

    total = len(pair_ids) * len(ORDERS)
    async with aclosing(kept(conn, judge, pending(), counts, "Judging", total)) as answers:
        async for answer in answers:
            conclude(_place(answer.question), answer.judgement)


def not_on_file(
    conn: sqlite3.Connection, judge: Judge, questions: Sequence[Question]
) -> tuple[list[Question], dict[Place, Judgement]]:
    """Return the questions without an answer on file, and the judgements of the others.

    Two pairs of the same words are one question. The judgement of one is kept for the other too.
    """
    ids = [judge.request_id(question) for question in questions]
    on_file = verdicts_of_requests(conn, ids)
    if len(on_file) >= GIVE_UP and all(verdict.problem for verdict in on_file.values()):
        # Not one of so many was of use: whoever answered then was no judge.
        on_file = {}
    pending, judgements, copies = [], {}, []
    for request, question in zip(ids, questions, strict=True):
        verdict = on_file.get(request)
        if verdict is None:
            pending.append(question)
            continue
        pair, order = place = _place(question)
        judgements[place] = (
            verdict.judgement if verdict.order == order else verdict.judgement.turned()
        )
        if pair != verdict.pair_id:
            copies.append(_verdict(judge, Answer(question, judgements[place], cost=0.0)))
    if copies:
        add_verdicts(conn, copies)
    return pending, judgements


async def collect(
    conn: sqlite3.Connection, judge: ClaudeJudge, *, cancel: bool = False
) -> JudgeCounts:
    """Keep what batches of an earlier run bring, once they end; or `cancel` them first."""
    counts, waiting = JudgeCounts(), list[Verdict]()

    def keep(untaken: Sequence[Answer | LateAnswer] = ()) -> None:
        add_verdicts(conn, waiting)
        waiting.clear()

    async with aclosing(judge.left_behind(keep, cancel=cancel)) as answers:
        async for answer in answers:
            waiting.append(_verdict(judge, answer))
            counts.count(answer)
    return counts


async def kept(
    conn: sqlite3.Connection,
    judge: Judge,
    questions: Iterable[Question],
    counts: JudgeCounts,
    label: str,
    total: int,
) -> AsyncGenerator[Answer, None]:
    """Yield a judge's answers; each is committed within half a second, or when it says so."""
    waiting: list[Verdict] = []
    committed = time.monotonic()

    def keep(untaken: Sequence[Answer | LateAnswer] = ()) -> None:
        nonlocal committed
        for answer in untaken:
            counts.count(answer)
        add_verdicts(conn, [*waiting, *(_verdict(judge, answer) for answer in untaken)])
        waiting.clear()
        committed = time.monotonic()

    line: Any = None
    try:
        async with aclosing(judge.answers(questions, keep)) as answers:
            async for answer in answers:
                waiting.append(_verdict(judge, answer))
                counts.count(answer)
                if time.monotonic() - committed > _COMMIT_AFTER:
                    keep()
                if isinstance(answer, Answer):
                    # Begun with the first answer: a batch's wait says nothing of the rate.
                    line = line or progress(itertools.count(), total, label, unit="answers")
                    next(line)
                    yield answer
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


def _place(question: Question) -> Place:
    return question.comparison.pair_id, question.order


def _verdict(judge: Judge, answer: Answer | LateAnswer) -> Verdict:
    if isinstance(answer, LateAnswer):
        pair, order, request = answer.pair_id, answer.order, answer.request
        prompt_hash = answer.prompt_hash
    else:
        pair, order = answer.question.comparison.pair_id, answer.question.order
        request, prompt_hash = judge.request_id(answer.question), judge.prompt_hash
    return Verdict.new(
        pair_id=pair,
        judge=judge.name,
        model=judge.model,
        order=order,
        prompt_hash=prompt_hash,
        request=request,
        winner=answer.judgement.winner,
        certainty=answer.judgement.certainty,
        problem=answer.judgement.problem,
        cost=answer.cost,
        time=utc_time(datetime.now(UTC)),
    )
