"""Measure a judge on the owner's own choices; where it passes, have it judge the other pairs."""

import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from align.choices.verdicts import Judgement, Side
from align.errors import UserError
from align.judging.calibration import Case, calibrate, fold_of
from align.judging.figures import Calibration
from align.judging.judge_answers import JudgeCounts, Place, answered, judge_pairs
from align.judging.judge_plan import Plan
from align.judging.protocol import ORDERS, Example, Judge
from align.store.events import utc_time
from align.store.gates import GateRow, add_gate, attempts, gate_of, iter_gates

# The next run sends these again; a few of them change no measurement much.
_LOST = ("errored", "canceled", "expired")
_LOST_AT_MOST = 0.05


@dataclass
class Outcome:
    """How it went."""

    calibration: Calibration  # how far the judge agrees with the owner
    gate: GateRow  # the attempt, as it is recorded
    attempts: int  # how many attempts of this owner are recorded, with this one
    measuring: JudgeCounts = field(default_factory=JudgeCounts)  # the owner's choices
    judging: JudgeCounts = field(default_factory=JudgeCounts)  # other pairs

    @property
    def cost(self) -> float:
        """USD of this run."""
        return self.measuring.cost + self.judging.cost


async def run(conn: sqlite3.Connection, judge: Judge, plan: Plan) -> Outcome:
    """Measure a judge, record what the gate says, and where it is open have the rest judged."""
    outcome = await measure(conn, judge, plan)
    if outcome.gate.is_open:
        context = plan.contexts[None]
        await judge_pairs(conn, judge, plan.pair_ids, plan.eligibility, context, outcome.judging)
    return outcome


async def measure(conn: sqlite3.Connection, judge: Judge, plan: Plan) -> Outcome:
    """Hold a judge's answers against the owner's choices, and record the attempt."""
    counts = JudgeCounts()
    questions = plan.calibration
    answers = await answered(conn, judge, questions, counts, "Calibrating")
    if missing := len(questions) - len(answers):
        # Half a measurement opens no gate, and is no attempt.
        raise UserError(
            "--budget-usd",
            f"used up with {missing:,} of {len(questions):,} answers missing to measure the judge",
            "Allow more; what was answered is kept, and not paid for again",
        )
    cases = [_case(example, answers) for example in plan.measured]
    for case in cases:
        assert case.ab is not None and case.ba is not None
        counts.conclude(case.ab, case.ba)
    _check_any(judge, list(answers.values()))
    before = gate_of(conn, judge.name, judge.model, judge.prompt_hash)
    tried = attempts(conn) + (before is None)
    agreement = plan.calibration_set.self_agreement
    result = calibrate(cases, self_agreement=agreement, attempts=tried)
    row = GateRow.new(
        judge=judge.name,
        model=judge.model,
        prompt_hash=judge.prompt_hash,
        is_open=result.gate.is_open,
        weight=result.gate.weight,
        certainties=result.gate.certainties,
        choices=plan.calibration_set.digest,
        report=result.to_json(),
        time=utc_time(datetime.now(UTC)),
    )
    if before is not None and _is_same(before, row):
        row = before
    else:
        add_gate(conn, row)
    return Outcome(result, row, sum(1 for _ in iter_gates(conn)), counts)


def _check_any(judge: Judge, answers: Collection[Judgement]) -> None:
    """Refuse (UserError) to measure where no answer could be used, or many were lost."""
    problems = Counter(answer.problem for answer in answers if answer.problem)
    lost = sum(problems[problem] for problem in _LOST)
    where = f"{judge.name} {judge.model}"
    if lost > _LOST_AT_MOST * len(answers):
        raise UserError(
            where,
            f"{lost:,} of {len(answers):,} answers were lost on the way",
            "Run the same command again: it asks for these alone",
        )
    if problems.total() == len(answers):
        # Of as many by name: answers come in any order.
        ordered = sorted(problems.items(), key=lambda item: (-item[1], item[0]))
        why = ", ".join(f"{n:,} {problem}" for problem, n in ordered)
        raise UserError(where, f"no answer could be used: {why}", "Take another model or prompt")


def _is_same(before: GateRow, row: GateRow) -> bool:
    """Tell whether the same was measured again, which is no further attempt."""
    return before.choices == row.choices and dict(before.report) == dict(row.report)


def _case(example: Example, answers: dict[Place, Judgement]) -> Case:
    comparison = example.comparison
    ab, ba = (answers[comparison.pair_id, order] for order in ORDERS)
    return Case(
        pair_id=comparison.pair_id,
        prompt_id=comparison.prompt_id,
        fold=fold_of(comparison.prompt_id),
        chosen=example.winner,
        longer=_longer(comparison.text_a, comparison.text_b),
        ab=ab,
        ba=ba,
    )


def _longer(text_a: str, text_b: str) -> Side | None:
    """Return the answer with more words, or where they have as many, more characters."""
    length_a, length_b = ((len(text.split()), len(text)) for text in (text_a, text_b))
    return None if length_a == length_b else "a" if length_a > length_b else "b"
