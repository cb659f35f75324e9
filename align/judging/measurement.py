"""Measure a judge on the owner's own choices; where it passes, have it judge the other pairs."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from align.errors import UserError
from align.judging.calibration import Case, calibrate, fold_of
from align.judging.calibration_set import digest
from align.judging.figures import Calibration
from align.judging.judge_answers import JudgeCounts, Place, another_judge, answered, judge_pairs
from align.judging.judge_plan import Plan
from align.judging.protocol import ORDERS, Example, Judge
from align.judging.simple_rules import Shape
from align.store.events import utc_time
from align.store.gates import GateRow, add_gate, judges_tried, newest_gates
from align.store.verdicts import Instrument, Verdict

# The next run sends these again; a few of them change no measurement much.
_LOST = ("errored", "canceled", "expired")
_LOST_AT_MOST = 0.05


@dataclass
class Outcome:
    """How it went."""

    # by what drew the pairs: how far the judge agrees with the owner, and the attempt as recorded
    measured: dict[str, tuple[Calibration, GateRow]]
    measuring: JudgeCounts = field(default_factory=JudgeCounts)  # the owner's choices
    judging: JudgeCounts = field(default_factory=JudgeCounts)  # other pairs

    @property
    def open_gates(self) -> dict[str, GateRow]:
        """The gates that are open, by what drew the pairs."""
        return {drawn_by: gate for drawn_by, (_, gate) in self.measured.items() if gate.is_open}

    @property
    def cost(self) -> float:
        """USD of this run."""
        return self.measuring.cost + self.judging.cost


async def run(conn: sqlite3.Connection, judge: Judge, plan: Plan) -> Outcome:
    """Measure a judge, record what its gates say, and have the rest judged where they are open."""
    outcome = await measure(conn, judge, plan)
    opened = outcome.open_gates
    gates = {pair.pair_id: opened[pair.drawn_by] for pair in plan.pairs if pair.drawn_by in opened}
    if gates:
        context = plan.contexts[None]
        await judge_pairs(conn, judge, gates, plan.eligibility, context, outcome.judging)
    return outcome


async def measure(conn: sqlite3.Connection, judge: Judge, plan: Plan) -> Outcome:
    """Hold a judge's answers against the owner's choices, and record the attempts."""
    counts = JudgeCounts()
    questions = plan.calibration
    verdicts = await answered(conn, judge, questions, counts, "Calibrating")
    if missing := len(questions) - len(verdicts):
        # Half a measurement opens no gate, and is no attempt.
        raise UserError(
            "--budget-usd",
            f"used up with {missing:,} of {len(questions):,} answers missing to measure the judge",
            "Allow more; what was answered is kept, and not paid for again",
        )
    _check_any(judge, verdicts.values())
    named = sorted({(v.time, v.answered) for v in verdicts.values() if v.answered})
    now = named[-1][1] if named else ""
    for _, before in named:
        if before != now:
            raise another_judge(judge, before, now)
    briefing = judge.briefing(plan.contexts[None])
    instrument = Instrument(judge.name, judge.model, judge.prompt_hash, briefing, now)
    measured = {}
    for drawn_by, examples in plan.measured.items():
        cases = [_case(example, verdicts) for example in examples]
        measured[drawn_by] = _attempt(conn, instrument, drawn_by, cases, plan)
    return Outcome(measured, counts)


def _attempt(
    conn: sqlite3.Connection,
    instrument: Instrument,
    drawn_by: str,
    cases: Sequence[Case],
    plan: Plan,
) -> tuple[Calibration, GateRow]:
    """Record what a judge's answers on one checkpoint's pairs come to."""
    judge, model, prompt_hash, briefing, now = instrument
    tried = judges_tried(conn, drawn_by) | {(judge, model, prompt_hash, now)}
    # The owner is measured on the pairs that the judge is measured on.
    pairs = {case.pair_id for case in cases}
    again = [agrees for pair, agrees in plan.calibration_set.repeats if pair in pairs]
    agreement = (sum(again), len(again)) if again else None
    result = calibrate(cases, self_agreement=agreement, attempts=len(tried))
    row = GateRow(
        judge=judge,
        model=model,
        prompt_hash=prompt_hash,
        is_open=result.gate.is_open,
        weight=result.gate.weight,
        certainties=tuple(result.gate.weights),
        choices=digest(plan.calibration_set.by_checkpoint()[drawn_by]),
        report=result.to_json(),
        time=utc_time(datetime.now(UTC)),
        briefing=briefing,
        answered=now,
        drawn_by=drawn_by,
    )
    before = next((gate for gate in newest_gates(conn) if gate.of == (instrument, drawn_by)), None)
    if before and (before.choices, dict(before.report)) == (row.choices, row.report):
        # The same was measured again, which is no further attempt.
        return result, before
    add_gate(conn, row)
    return result, row


def _check_any(judge: Judge, answers: Collection[Verdict]) -> None:
    """Refuse (UserError) to measure where no answer could be used, or many were lost."""
    problems = Counter(sorted(answer.problem for answer in answers if answer.problem))
    lost = sum(problems[problem] for problem in _LOST)
    where = f"{judge.name} {judge.model}"
    if lost > _LOST_AT_MOST * len(answers):
        what = f"{lost:,} of {len(answers):,} answers were lost on the way"
        raise UserError(where, what, "Run the same command again: it asks for these alone")
    if problems.total() == len(answers):
        why = ", ".join(f"{n:,} {problem}" for problem, n in problems.most_common())
        raise UserError(where, f"no answer could be used: {why}", "Take another model or prompt")


def _case(example: Example, answers: Mapping[Place, Verdict]) -> Case:
    comparison = example.comparison
    ab, ba = (answers[comparison.pair_id, order].judgement for order in ORDERS)
    return Case(
        pair_id=comparison.pair_id,
        prompt_id=comparison.prompt_id,
        fold=fold_of(comparison.prompt_id),
        chosen=example.winner,
        shapes=(Shape.of(comparison.text_a), Shape.of(comparison.text_b)),
        ab=ab,
        ba=ba,
        is_imported=example.is_imported,
    )
