"""From an owner's store to a judge's questions and their cost. Nothing is sent here."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from align.judging.judge_answers import not_on_file, questions_of
from align.judging.judge_prompt import JudgePrompt
from align.judging.owner_context import owner_profile
from align.judging.protocol import ORDERS, Example, Judge, OwnerProfile, Question
from align.levels import SENDABLE, TRAINABLE, Level
from align.owner import Owner
from align.preferences.preference import side_of
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.recipe.recipe_keys import DEFAULTS
from align.store.askable import unchosen_pairs
from align.store.verdicts import judged_pairs

# So many pairs stand for all in an estimate.
_SAMPLED = 100


@dataclass(frozen=True)
class Material:
    """What a judge may know of an owner."""

    owner_id: str  # whose
    prompt: JudgePrompt  # the questions' words
    profile: OwnerProfile  # who the owner is
    left_out: int  # how much of owner.yaml is left out, since it repeats closed writing
    eligibility: Callable[[], Eligibility]  # makes what lets pairs through
    levels: tuple[Level, ...]  # of the pairs that a judge may see
    detector: PrivateText | None  # finds what must not leave; None where nothing does


def load_material(
    owner_id: str,
    owner: Owner,
    *,
    prompt: Path | None = None,
    redacted: bool = True,
    detector: PrivateText | None = None,
) -> Material:
    """Return what a judge may know of an owner.

    Without a detector the judge is on this machine, and may see all that is trained on.
    """
    redactor = redactor_for(owner) if redacted else None
    levels = TRAINABLE if detector is None else SENDABLE
    profile, left_out = owner_profile(owner, redactor, detector)
    return Material(
        owner_id=owner_id,
        prompt=JudgePrompt.read(prompt),
        profile=profile,
        left_out=left_out,
        eligibility=lambda: Eligibility(redactor, levels, detector),
        levels=levels,
        detector=detector,
    )


@dataclass
class Plan:
    """The questions of a run."""

    calibration_set: CalibrationSet  # the owner's choices that it may see
    contexts: OwnerContexts  # what the questions of each fold share
    measured: list[Example]  # the choices that it is measured on
    pair_ids: list[str]  # pairs that nobody chose of and this judge did not judge yet, in order
    eligibility: Eligibility  # lets pairs through

    @property
    def calibration(self) -> list[Question]:
        """Both orders of each measured choice, with its own fold's context."""
        return [
            Question(
                example.comparison, order, self.contexts[fold_of(example.comparison.prompt_id)]
            )
            for example in self.measured
            for order in ORDERS
        ]


def make_plan(
    conn: sqlite3.Connection,
    material: Material,
    judge: Judge,
    *,
    examples: int,
    limit: int | None = None,
) -> tuple[Plan, Counter[str]]:
    """Return a run's questions, and choices it may not see, by reason; UserError of too few."""
    eligibility = material.eligibility()
    choices = load_calibration_set(conn, eligibility)
    check_enough(choices, material.owner_id, eligibility.left_out)
    plan = Plan(
        calibration_set=choices,
        contexts=choices.contexts(material.profile, examples),
        measured=choices.measured(),
        pair_ids=waiting_pairs(conn, judge, material.levels, limit),
        eligibility=material.eligibility(),
    )
    return plan, eligibility.left_out


def waiting_pairs(
    conn: sqlite3.Connection, judge: Judge, levels: Collection[Level], limit: int | None = None
) -> list[str]:
    """Return the pairs that this judge could see, those of the newest checkpoint first.

    Neither pairs that somebody chose of, since a choice beats any verdict, nor those of prompts
    that training holds out, since no verdict is measured against.
    """
    rows = unchosen_pairs(conn, levels)
    known = judged_pairs(conn, judge.name, judge.model, judge.prompt_hash)
    held_out = DEFAULTS["dpo"]["held_out"]
    pair_ids = [
        pair for pair, prompt in rows if pair not in known and side_of(prompt, held_out) == "train"
    ]
    return pair_ids[:limit]


@dataclass(frozen=True)
class Cost:
    """What a run will come to."""

    measuring: Estimate  # of what is not on file yet
    judging: Estimate  # of the rest, from a sample, if the gate is open
    in_batches: bool  # whether the rest goes in batches


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
    ids = plan.pair_ids[:_SAMPLED]
    times = len(plan.pair_ids) / len(ids) if ids else 0.0
    sample = list(_judging(conn, judge, plan, material, ids))
    both = []
    for requests, all in ((_calibration(conn, judge, plan), 1.0), (sample, times)):
        cost, waits = estimate(requests, price=price) * all, batch
        if waits is None:
            waits = cost.worth_a_batch(price)
        both.append((estimate(requests, price=price, batch=waits) * all, waits))
    (measuring, _), (judging, in_batches) = both
    return Cost(measuring, judging, in_batches)


def requests_of(
    conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan, material: Material
) -> Iterator[Request]:
    """Yield all that would be sent: to measure the judge, and then, if the gate opens, the rest."""
    yield from _calibration(conn, judge, plan)
    yield from _judging(conn, judge, plan, material, plan.pair_ids)


def _calibration(conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan) -> list[Request]:
    pending, _ = not_on_file(conn, judge, plan.calibration)
    return [judge.request(question) for question in pending]


def _judging(
    conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan, material: Material, ids: Sequence[str]
) -> Iterator[Request]:
    # An `Eligibility` of its own: what is only looked at is not counted.
    for questions in questions_of(conn, ids, material.eligibility(), plan.contexts[None]):
        pending, _ = not_on_file(conn, judge, questions)
        yield from map(judge.request, pending)
