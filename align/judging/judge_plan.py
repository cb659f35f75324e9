"""From an owner's store to a judge's questions and their cost. Nothing is sent here."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from align.claude.estimates import Estimate, estimate
from align.claude.prices import Price
from align.claude.requests import Request
from align.judging.calibration import fold_of
from align.judging.calibration_set import (
    CalibrationSet,
    OwnerContexts,
    check_enough,
    load_calibration_set,
)
from align.judging.claude import ClaudeJudge
from align.judging.eligibility import Eligibility
from align.judging.gate import MINIMUM
from align.judging.judge_answers import not_on_file, questions_of
from align.judging.judge_prompt import JudgePrompt
from align.judging.owner_context import owner_profile
from align.judging.protocol import ORDERS, Example, Judge, Question
from align.levels import SENDABLE, TRAINABLE, Level
from align.owner import Owner
from align.preferences.preference import side_of
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.recipe.recipe_keys import DEFAULTS
from align.store.askable import Unchosen, unchosen_pairs
from align.store.gates import open_gates
from align.store.verdicts import Instrument, judged_pairs, newest_answered

# So many pairs stand for all in an estimate.
_SAMPLED = 100


@dataclass
class Material:
    """What a judge may know of an owner.

    Without a detector it is on this machine, and may see all that is trained on.
    """

    owner_id: str  # whose
    owner: Owner  # from owner.yaml
    prompt: JudgePrompt  # the questions' words
    is_redacted: bool = True  # whether what is private is replaced
    detector: PrivateText | None = None  # finds what must not leave; None where nothing does

    def __post_init__(self) -> None:
        """Find out who the owner is, and what of it may not be said."""
        self.redactor = redactor_for(self.owner) if self.is_redacted else None
        self.levels: tuple[Level, ...] = SENDABLE if self.detector else TRAINABLE
        self.profile, self.left_out = owner_profile(self.owner, self.redactor, self.detector)

    def eligibility(self) -> Eligibility:
        """Return what lets pairs through, with a count of its own."""
        return Eligibility(self.redactor, self.levels, self.detector)


@dataclass
class Plan:
    """The questions of a run."""

    calibration_set: CalibrationSet  # the owner's choices that it may see
    contexts: OwnerContexts  # what the questions of each fold share
    measured: dict[str, list[Example]]  # the choices that measure it, by what drew the pairs
    pairs: list[Unchosen]  # pairs that nobody chose of and that it is to judge, in order
    eligibility: Eligibility  # lets pairs through
    # those that it judged with other examples of the owner's choices, or as another model
    earlier: list[Unchosen] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  # pairs that it is not to judge

    @property
    def calibration(self) -> list[Question]:
        """Both orders of each measured choice, with its own fold's context."""
        return [
            Question(
                example.comparison, order, self.contexts[fold_of(example.comparison.prompt_id)]
            )
            for examples in self.measured.values()
            for example in examples
            for order in ORDERS
        ]


def make_plan(
    conn: sqlite3.Connection,
    material: Material,
    judge: Judge,
    *,
    examples: int,
    limit: int | None = None,
    again: bool = False,
) -> tuple[Plan, Eligibility]:
    """Return a run's questions, and what let choices through or not; UserError of too few.

    With `again` it is also to judge what it judged with other examples.
    """
    eligibility = material.eligibility()
    choices = load_calibration_set(conn, eligibility)
    check_enough(choices, material.owner_id, eligibility.left_out)
    contexts = choices.contexts(material.profile, examples)
    plan = Plan(choices, contexts, choices.measured(), [], material.eligibility())
    _add_pairs(conn, plan, judge, material, again=again)
    plan.pairs = plan.pairs[:limit]
    return plan, eligibility


def _add_pairs(
    conn: sqlite3.Connection, plan: Plan, judge: Judge, material: Material, *, again: bool
) -> None:
    """Add the pairs that the judge could see, those of the newest checkpoint first.

    Neither pairs that somebody chose of, since a choice beats any verdict, nor those of prompts
    that training holds out, since no verdict is measured against, nor those of a checkpoint that it
    is not measured on.
    """
    of, context = (judge.name, judge.model, judge.prompt_hash), plan.contexts[None]
    now = Instrument(*of, judge.briefing(context), newest_answered(conn, *of[:2]))
    judged = judged_pairs(conn, *of)
    unwritten = {pair for by, pairs in judged.items() if "" in by[3:] for pair in pairs}
    if unwritten - judged[now]:
        # Those that were asked in the very same words are taken for this one's.
        for questions in questions_of(conn, sorted(unwritten), material.eligibility(), context):
            not_on_file(conn, judge, questions)
        judged = judged_pairs(conn, *of)
    known = judged.pop(now, set())
    opened = {gate.instrument for gate in open_gates(conn)}
    before = {pair for by, pairs in judged.items() if by in opened for pair in pairs}
    held_out = DEFAULTS["dpo"]["held_out"]
    for pair in unchosen_pairs(conn, material.levels):
        if pair.pair_id in known:
            continue
        if side_of(pair.prompt_id, held_out) != "train":
            plan.left_out["of prompts that training holds out"] += 1
        elif pair.drawn_by not in plan.measured:
            plan.left_out[f"of a checkpoint with fewer than {MINIMUM} choices of pairs"] += 1
        else:
            (plan.earlier if pair.pair_id in before and not again else plan.pairs).append(pair)


@dataclass(frozen=True)
class Cost:
    """What a run will come to."""

    measuring: Estimate  # of what is not on file yet
    judging: Estimate  # of the rest, from a sample, if the gate is open
    in_batches: bool  # whether the rest goes in batches
    again: Estimate  # of what was judged with other examples, if it were asked again


def cost_of(
    conn: sqlite3.Connection,
    judge: ClaudeJudge,
    plan: Plan,
    material: Material,
    *,
    price: Price,
    batch: bool | None,
) -> Cost:
    """Return what Claude will cost; nothing is sent."""

    def cost(requests: list[Request], times: float = 1.0) -> tuple[Estimate, bool]:
        single = estimate(requests, price=price) * times
        waits = single.worth_a_batch(price) if batch is None else batch
        return estimate(requests, price=price, batch=waits) * times, waits

    def of_pairs(pairs: Sequence[Unchosen]) -> tuple[Estimate, bool]:
        requests = list(_judging(conn, judge, plan, material, pairs[:_SAMPLED]))
        return cost(requests, len(pairs) / max(1, min(_SAMPLED, len(pairs))))

    measuring, _ = cost(_requests(conn, judge, plan.calibration))
    return Cost(measuring, *of_pairs(plan.pairs), of_pairs(plan.earlier)[0])


def requests_of(
    conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan, material: Material
) -> Iterator[Request]:
    """Yield all that would be sent: to measure the judge, and then, if the gate opens, the rest."""
    yield from _requests(conn, judge, plan.calibration)
    yield from _judging(conn, judge, plan, material, plan.pairs)


def _requests(
    conn: sqlite3.Connection, judge: ClaudeJudge, questions: Sequence[Question]
) -> list[Request]:
    pending, _ = not_on_file(conn, judge, questions)
    return [judge.request(question) for question in pending]


def _judging(
    conn: sqlite3.Connection,
    judge: ClaudeJudge,
    plan: Plan,
    material: Material,
    pairs: Sequence[Unchosen],
) -> Iterator[Request]:
    # An `Eligibility` of its own: what is only looked at is not counted.
    ids = [pair.pair_id for pair in pairs]
    for questions in questions_of(conn, ids, material.eligibility(), plan.contexts[None]):
        yield from _requests(conn, judge, questions)
