"""A judge's day: measured on the owner's own choices first, it goes on only if it passes."""

import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from align.choices.verdicts import Judgement, Side
from align.errors import UserError
from align.judging.calibration import Case, calibrate
from align.judging.calibration_set import CalibrationSet, OwnerContexts
from align.judging.eligibility import Eligibility
from align.judging.figures import Calibration
from align.judging.folds import fold_of
from align.judging.judge_answers import JudgeCounts, Place, answered, judge_pairs
from align.judging.protocol import ORDERS, Example, Judge, Order, Question
from align.levels import LEVELS, Level
from align.preferences.preference import side_of
from align.recipe.recipe_keys import DEFAULTS
from align.store.events import utc_time
from align.store.gates import GateRow, add_gate, attempts, gate_of, iter_gates
from align.store.verdicts import judged_pairs

# What is asked for once more by the next run; a few of these change no measurement much.
_LOST = ("errored", "canceled", "expired")
_LOST_AT_MOST = 0.05


@dataclass
class Plan:
    """What a judge would be asked.

    Attributes:
        calibration_set: The owner's choices that it may see.
        contexts: What the questions of each fold share.
        measured: The choices that it is measured on.
        pair_ids: Pairs that nobody chose of and this judge did not judge yet, in order.
        eligibility: Lets pairs through.
    """

    calibration_set: CalibrationSet
    contexts: OwnerContexts
    measured: list[Example]
    pair_ids: list[str]
    eligibility: Eligibility

    @property
    def calibration(self) -> list[Question]:
        """Both orders of each measured choice, with its own fold's briefing."""
        return [
            Question(each.comparison, order, self.contexts[fold_of(each.comparison.prompt_id)])
            for each in self.measured
            for order in ORDERS
        ]


@dataclass
class Outcome:
    """How it went.

    Attributes:
        calibration: How far the judge agrees with the owner.
        gate: The attempt, as it is recorded.
        attempts: How many attempts of this owner are recorded, with this one.
        measuring: What was asked to calibrate.
        judging: What was asked of other pairs.
    """

    calibration: Calibration
    gate: GateRow
    attempts: int
    measuring: JudgeCounts = field(default_factory=JudgeCounts)
    judging: JudgeCounts = field(default_factory=JudgeCounts)

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
    measuring = JudgeCounts()
    questions = plan.calibration
    said = await answered(conn, judge, questions, measuring, "Calibrating")
    if missing := len(questions) - len(said):
        # Half a measurement opens no gate, and is no attempt.
        raise UserError(
            "--budget-usd",
            f"used up with {missing:,} of {len(questions):,} answers missing to measure the judge",
            "Allow more; what was answered is kept, and not paid for again",
        )
    for each in plan.measured:
        measuring.conclude(*(_said(each, order, said) for order in ORDERS))
    _check_any(judge, [_said(each, order, said) for each in plan.measured for order in ORDERS])
    before = gate_of(conn, judge.name, judge.model, judge.prompt_hash)
    tried = attempts(conn) + (before is None)
    cases = [_case(each, said) for each in plan.measured]
    result = calibrate(cases, self_agreement=plan.calibration_set.self_agreement, attempts=tried)
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
    return Outcome(result, row, sum(1 for _ in iter_gates(conn)), measuring)


def waiting_pairs(
    conn: sqlite3.Connection, judge: Judge, levels: Collection[Level], limit: int | None = None
) -> list[str]:
    """Return the pairs that this judge could be asked, those of the newest twin first.

    Pairs that somebody chose of are none: a choice beats any verdict. Nor are those of prompts
    that training holds out: no verdict is measured against.
    """
    marks = ",".join("?" * len(levels))
    rows = conn.execute(
        "SELECT a.pair_id, a.prompt_id FROM askable a JOIN known_pairs p ON p.id = a.pair_id "
        "WHERE a.purpose = 'train' AND NOT a.empty AND p.split = 'train' "
        f"AND p.level IN ({marks}) "
        "AND a.pair_id NOT IN (SELECT pair_id FROM current_choices) "
        "ORDER BY a.checkpoint_number DESC, a.pair_id",
        [LEVELS.index(level) for level in levels],
    ).fetchall()
    known = judged_pairs(conn, judge.name, judge.model, judge.prompt_hash)
    held_out = DEFAULTS["dpo"]["held_out"]
    found = [
        pair for pair, prompt in rows if pair not in known and side_of(prompt, held_out) == "train"
    ]
    return found[:limit]


def _check_any(judge: Judge, answers: Collection[Judgement]) -> None:
    """Refuse to measure by half of the answers, or by none: that is no attempt.

    Raises:
        UserError: No answer could be used, or many were lost.
    """
    problems = Counter(said.problem for said in answers if said.problem)
    passing = sum(problems[each] for each in _LOST)
    if passing > _LOST_AT_MOST * len(answers):
        raise UserError(
            f"{judge.name} {judge.model}",
            f"{passing:,} of {len(answers):,} answers were lost on the way",
            "Run the same command again: it asks for these alone",
        )
    if problems.total() == len(answers):
        why = ", ".join(f"{n:,} {problem}" for problem, n in problems.most_common())
        raise UserError(f"{judge.name} {judge.model}", f"no answer could be used: {why}",
                        "Take another model or prompt")  # fmt: skip


def _is_same(before: GateRow, row: GateRow) -> bool:
    """Tell whether the same was measured again, which is no further attempt."""
    return before.choices == row.choices and dict(before.report) == dict(row.report)


def _said(example: Example, order: Order, said: dict[Place, Judgement]) -> Judgement:
    return said[example.comparison.pair_id, order]


def _case(example: Example, said: dict[Place, Judgement]) -> Case:
    comparison = example.comparison
    ab, ba = (_said(example, order, said) for order in ORDERS)
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
