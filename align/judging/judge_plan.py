"""From an owner's store to a judge and what it would be asked. Nothing is sent here."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from align.claude.prices import Price
from align.claude.requests import Request
from align.claude.spending import Estimate, Rate, estimate
from align.judging.calibration_set import check_enough, load_calibration_set
from align.judging.claude import ONLINE, ClaudeJudge
from align.judging.eligibility import KEPT, SENT, Eligibility
from align.judging.judge_answers import not_on_file, questions_of
from align.judging.judge_prompt import JudgePrompt
from align.judging.measurement import Plan, waiting_pairs
from align.judging.owner_context import owner_profile
from align.judging.protocol import Judge, OwnerProfile
from align.levels import Level
from align.owner import Owner
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for

# So many pairs stand for all in an estimate.
_SAMPLED = 100


@dataclass(frozen=True)
class Material:
    """What of an owner a judge may be told.

    Attributes:
        owner: Whose.
        prompt: What a judge is asked.
        profile: Who the owner is.
        unsaid: How much of owner.yaml is left out, since it repeats closed writing.
        eligibility: Makes what lets pairs through.
        levels: Of the pairs that a judge may see.
        detector: Finds what must not leave; None where nothing does.
    """

    owner: str
    prompt: JudgePrompt
    profile: OwnerProfile
    unsaid: int
    eligibility: Callable[[], Eligibility]
    levels: tuple[Level, ...]
    detector: PrivateText | None


def load_material(
    owner: str,
    settings: Owner,
    *,
    prompt: Path | None = None,
    redacted: bool = True,
    detector: PrivateText | None = None,
) -> Material:
    """Return what a judge may be told.

    Args:
        owner: Whose pairs.
        settings: From owner.yaml.
        prompt: A file in place of the shipped one.
        redacted: Whether what is private is replaced.
        detector: Finds what must not leave; None where the judge is on this machine, and may see
            all that is trained on.
    """
    redactor = redactor_for(settings) if redacted else None
    levels = KEPT if detector is None else SENT
    profile, unsaid = owner_profile(settings, redactor, detector)
    return Material(
        owner=owner,
        prompt=JudgePrompt.read(prompt),
        profile=profile,
        unsaid=unsaid,
        eligibility=lambda: Eligibility(redactor, levels, detector),
        levels=levels,
        detector=detector,
    )


def make_plan(
    conn: sqlite3.Connection,
    material: Material,
    judge: Judge,
    *,
    examples: int,
    limit: int | None = None,
) -> tuple[Plan, Counter[str]]:
    """Return what a judge would be asked, and which choices it may not see, by reason.

    Raises:
        UserError: There are too few choices to measure it.
    """
    eligibility = material.eligibility()
    found = load_calibration_set(conn, eligibility)
    check_enough(found, material.owner, eligibility.left_out)
    plan = Plan(
        calibration_set=found,
        contexts=found.contexts(material.profile, examples),
        measured=found.measured(),
        pair_ids=waiting_pairs(conn, judge, material.levels, limit),
        eligibility=material.eligibility(),
    )
    return plan, eligibility.left_out


@dataclass(frozen=True)
class Cost:
    """What a run will come to.

    Attributes:
        measuring: Of what is not on file yet.
        judging: Of the rest, from a sample, if the gate is open.
        in_batches: Whether the rest goes in batches.
    """

    measuring: Estimate
    judging: Estimate
    in_batches: bool


def cost_of(
    conn: sqlite3.Connection,
    judge: ClaudeJudge,
    plan: Plan,
    material: Material,
    *,
    price: Price,
    rate: Rate,
    batch: bool | None,
) -> Cost:
    """Return what asking Claude will cost; nothing is sent."""
    measuring = _calibration(conn, judge, plan)
    ids = plan.pair_ids[:_SAMPLED]
    sample = list(_judging(conn, judge, plan, material, ids))
    count = round(len(sample) * len(plan.pair_ids) / len(ids)) if ids else 0
    in_batches = batch if batch is not None else count > ONLINE
    early = batch if batch is not None else len(measuring) > ONLINE
    return Cost(
        estimate(measuring, price=price, rate=rate, batch=early),
        estimate(sample, price=price, rate=rate, batch=in_batches, count=count),
        in_batches,
    )


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
    # An admission of its own: what is only looked at is not counted.
    for some in questions_of(conn, ids, material.eligibility(), plan.contexts[None]):
        pending, _ = not_on_file(conn, judge, some)
        yield from map(judge.request, pending)
