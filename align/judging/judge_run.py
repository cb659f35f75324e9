"""Run a judge: from what the command line asks for to how it went."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from align.claude.budget import Budget
from align.claude.channel import (
    Channel,
    Destination,
    announcement,
    destination,
    obtain_consent,
    on_terminal,
    open_channel,
    usd_range,
)
from align.claude.prices import Usage
from align.claude.provider import URL_VARIABLE
from align.claude.requests import write_dry_run
from align.console import dollars, say
from align.errors import UserError
from align.files import exclusively
from align.judging.claude import PURPOSE, ClaudeJudge
from align.judging.judge_answers import collect
from align.judging.judge_plan import Cost, Material, Plan, cost_of, make_plan, requests_of
from align.judging.judge_prompt import JudgePrompt
from align.judging.measurement import Outcome, run
from align.judging.owner_context import EXAMPLES
from align.judging.protocol import Judge
from align.judging.report import by_kind
from align.judging.summary import eligible_pairs
from align.owner import Owner
from align.paths import owner_dir, relative_to_root, simulated_file
from align.privacy.private_text import PrivateText
from align.store.batches import open_batches
from align.store.row_counts import pairs_by_level, sources_behind

MODEL = "claude-haiku-5-5"
LOCK = ".judge.lock"
T = TypeVar("T")


@dataclass(frozen=True)
class JudgeRequest:
    """What the command line asks for."""

    owner_id: str  # whose pairs
    owner: Owner  # from owner.yaml
    simulated: Callable[[], Judge]  # makes the simulated judge, or says why there is none
    # one of `JUDGES`; None takes Claude, and for a demo owner its stand-in
    judge: str | None = None
    model: str | None = None  # of the judge; None takes its default
    limit: int | None = None  # how many pairs; None takes all
    again: bool = False  # whether what was judged with other examples is asked again
    budget_usd: float = 5.0  # what the run may cost
    batch: bool | None = None  # whether requests go in batches; None decides by how many there are
    concurrency: int = 16  # requests under way at once
    examples: int = EXAMPLES  # how many of the owner's choices the judge is shown
    prompt: Path | None = None  # a file in place of the shipped prompt
    redacted: bool = True  # whether what is private is replaced
    dry_run: bool = False  # whether what would be sent is written to a file instead
    yes_send: bool = False  # whether the owner agrees to the terms without being asked

    @property
    def judge_name(self) -> str:
        """Return which judge it is to be."""
        return self.judge or ("simulated" if simulated_file(self.owner_id) else "claude")


@dataclass(frozen=True)
class JudgeRun:
    """How it went."""

    outcome: Outcome  # what the judge came to
    kept_back: Counter[str]  # pairs that the judge was not asked about, by reason
    budget: Budget  # what it spent, and left out
    usage: Usage | None = None  # tokens of what was sent; None where nothing was


def run_judge(conn: sqlite3.Connection, request: JudgeRequest) -> JudgeRun | None:
    """Measure a judge and let it judge; None where only a dry run was asked for."""
    name = request.judge_name
    sends = name == "claude"
    if name not in JUDGES:
        raise UserError(f"--judge {name}", "no such judge", f"Known: {', '.join(JUDGES)}")
    if request.dry_run and not sends:
        raise UserError("--dry-run", f"--judge {name} sends nothing", "Leave --dry-run out")
    material = _material(conn, request, sends=sends)
    sources = sources_behind(conn, "train-only") if sends else {}
    for line in eligible_pairs(pairs_by_level(conn), material.levels, sources, request.owner_id):
        say(line)
    if sends:
        return _run_claude(conn, request, material)
    judge = ON_THIS_MACHINE[name](request, material)
    plan = _plan(conn, request, material, judge)
    for line in _asking_again(plan, request.owner_id):
        say(line)
    outcome = asyncio.run(run(conn, judge, plan))
    return JudgeRun(outcome, plan.eligibility.left_out, Budget())


def _local_judge(request: JudgeRequest, material: Material) -> Judge:
    if request.model is None:
        remedy = "Say --model FOLDER, or name a base that is on this machine"
        raise UserError("--judge local", "no model to judge with", remedy)
    from align.judging.local import LocalJudge

    return LocalJudge(request.model, material.prompt, material.profile, examples=request.examples)


# Judges that send nothing, by name; Claude's needs consent, a channel and a budget besides.
ON_THIS_MACHINE: dict[str, Callable[[JudgeRequest, Material], Judge]] = {
    "local": _local_judge,
    "simulated": lambda request, material: request.simulated(),
}
JUDGES = ("claude", *ON_THIS_MACHINE)


def _material(conn: sqlite3.Connection, request: JudgeRequest, *, sends: bool) -> Material:
    detector = None
    if sends:
        # Only what everybody has: a prompt of the owner's own may repeat what is closed.
        detector = PrivateText(conn, request.owner, known=(JudgePrompt.read().file.text,))
        if request.prompt is not None:
            _check_prompt(request.prompt, detector)
    prompt = JudgePrompt.read(request.prompt)
    material = Material(request.owner_id, request.owner, prompt, request.redacted, detector)
    if material.left_out:
        say(f"{material.left_out} lines of owner.yaml repeat closed writing: they are not sent.")
    return material


def _check_prompt(path: Path, detector: PrivateText) -> None:
    """Refuse (UserError) a prompt that repeats closed writing; name the line where that can be."""
    text = JudgePrompt.read(path).file.text
    if detector.match(text) is None:
        return
    lines = enumerate(text.split("\n"), 1)
    line = next((f":{number}" for number, line in lines if detector.match(line)), "")
    what = "it repeats writing that is not open, so it can't be sent"
    raise UserError(f"{relative_to_root(path)}{line}", what, "Take that out")


def _plan(
    conn: sqlite3.Connection, request: JudgeRequest, material: Material, judge: Judge
) -> Plan:
    plan, choices = make_plan(
        conn, material, judge, examples=request.examples, limit=request.limit, again=request.again
    )
    if choices.left_out:
        say(f"Of the owner's choices these take no part: {by_kind(choices.left_out)}.")
    if choices.marked:
        # Its prompt is private too, and what repeats eight words of it in a row.
        say(f"  For words of a pair that is marked: {', '.join(choices.marked)}.")
    if plan.left_out:
        say(f"Pairs that are left out: {by_kind(plan.left_out)}.")
    return plan


def _asking_again(plan: Plan, owner_id: str, price: str = "") -> list[str]:
    """Return how to have asked again what was judged with other examples."""
    count = f"{len(plan.earlier):,} pairs were judged with other examples of the owner's choices"
    how = f"  To ask them again{price}: align judge --again --owner {owner_id}"
    return [f"{count}: they count by the gate of those.", how] if plan.earlier else []


def _run_claude(
    conn: sqlite3.Connection, request: JudgeRequest, material: Material
) -> JudgeRun | None:
    """Ask Claude, once the owner knows what is sent and what it costs, and agreed."""
    to = destination(request.owner_id, request.model or MODEL, PURPOSE)
    judge = _claude_judge(to, request, material)
    plan = _plan(conn, request, material, judge)
    cost = cost_of(conn, judge, plan, material, price=to.price, batch=request.batch)
    for line in _announcement(to, cost, plan, request):
        say(line)
    if request.dry_run:
        planned = requests_of(conn, judge, plan, material)
        say(write_dry_run(request.owner_id, PURPOSE, planned))
        return None

    async def work(judge: ClaudeJudge, channel: Channel) -> JudgeRun:
        await _take_up(conn, judge)
        outcome = await run(conn, judge, plan)
        return JudgeRun(outcome, plan.eligibility.left_out, channel.budget, judge.usage)

    return _with_channel(conn, request, material, to, work)


def cancel_batches(conn: sqlite3.Connection, request: JudgeRequest) -> None:
    """Cancel the batches that an earlier run left behind, and keep what was done by then."""
    batches = open_batches(conn, PURPOSE)
    material = _material(conn, request, sends=True)
    for model in sorted({batch.model for batch in batches}):
        to = destination(request.owner_id, model, PURPOSE)
        _with_channel(conn, request, material, to, lambda judge, _: _take_up(conn, judge, True))
    for batch in open_batches(conn, PURPOSE):
        say(f"Batch {batch.batch or 'not sent'} is at {batch.host}: {URL_VARIABLE} names another.")
    if not batches:
        say("No batch waits.")


async def _take_up(conn: sqlite3.Connection, judge: ClaudeJudge, cancel: bool = False) -> None:
    left = await collect(conn, judge, cancel=cancel)
    if left.answers:
        say(f"{left.answers:,} answers were left behind, for {dollars(left.cost)}: they are kept.")


def _with_channel(
    conn: sqlite3.Connection,
    request: JudgeRequest,
    material: Material,
    to: Destination,
    work: Callable[[ClaudeJudge, Channel], Coroutine[Any, Any, T]],
) -> T:
    """Have Claude work, once the owner agreed, and nobody else for the same owner meanwhile."""
    yes, redacted, ask = request.yes_send, request.redacted, on_terminal()
    consent = obtain_consent(to, request.owner, yes=yes, ask=ask, show=say, redacted=redacted)
    detector = material.detector
    assert detector is not None

    async def with_channel() -> T:
        async with open_channel(
            conn,
            to,
            detector,
            consent,
            budget_usd=request.budget_usd,
            concurrency=request.concurrency,
            say=say,
        ) as channel:
            return await work(_claude_judge(to, request, material, channel), channel)

    # Two at once would collect, and close, each other's batches.
    lock = owner_dir(request.owner_id) / LOCK
    with exclusively(lock, "align judge", "another judge is at work for this owner"):
        return asyncio.run(with_channel())


def _claude_judge(
    to: Destination, request: JudgeRequest, material: Material, channel: Channel | None = None
) -> ClaudeJudge:
    return ClaudeJudge(
        to.price.model,
        material.prompt,
        material.profile,
        examples=request.examples,
        channel=channel,
        batch=request.batch,
    )


def _announcement(to: Destination, cost: Cost, plan: Plan, request: JudgeRequest) -> list[str]:
    """Return what is said before anything is sent."""
    in_batches = " in batches" if cost.in_batches else ""
    return [
        f"{sum(map(len, plan.measured.values())):,} choices measure the judge: "
        f"{round(cost.measuring.requests):,} requests, {usd_range(cost.measuring)}.",
        f"If the gate opens, {len(plan.pairs):,} pairs, each both ways round{in_batches}: "
        f"{usd_range(cost.judging)}.",
        *_asking_again(plan, request.owner_id, f", for {usd_range(cost.again)}"),
        *announcement(to, cost.measuring + cost.judging, request.budget_usd),
    ]
