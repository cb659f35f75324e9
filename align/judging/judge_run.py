"""Employ a judge: from what the command line asks for to how it went."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from align.claude.destination import (
    Destination,
    announcement,
    destination,
    obtain_consent,
    on_terminal,
    open_channel,
)
from align.claude.prices import Usage
from align.console import dollars, say
from align.errors import UserError
from align.files import exclusively, write_jsonl_atomically
from align.judging.claude import PURPOSE, ClaudeJudge, Line
from align.judging.eligibility import pairs_by_level, sources_behind
from align.judging.judge_plan import Cost, Material, cost_of, load_material, make_plan, requests_of
from align.judging.judge_prompt import JudgePrompt
from align.judging.measurement import Outcome, Plan, run
from align.judging.protocol import Judge
from align.judging.summary import admitted, kept_from
from align.owner import Owner
from align.paths import owner_dir, relative_to_root, simulated_file
from align.privacy.private_text import PrivateText

JUDGES = ("claude", "local", "simulated")
MODEL = "claude-haiku-5-5"
DRY_RUN = "judge-dry-run.jsonl"
LOCK = ".judge.lock"


@dataclass(frozen=True)
class JudgeRequest:
    """What the command line asks for.

    Attributes:
        owner: Whose pairs.
        settings: From owner.yaml.
        simulated: Makes the simulated judge, or says why there is none.
        judge: One of `JUDGES`; None takes Claude, and for a demo owner its stand-in.
        model: Of the judge; None takes its default.
        limit: How many pairs; None takes all.
        budget_usd: What the run may cost.
        batch: Whether requests go in batches; None decides by how many there are.
        concurrency: Requests under way at once.
        examples: How many of the owner's choices the judge is shown.
        prompt: A file in place of the shipped prompt.
        redacted: Whether what is private is replaced.
        dry_run: Whether what would be sent is written to a file instead.
        yes_send: Whether the owner agrees to the terms without being asked.
    """

    owner: str
    settings: Owner
    simulated: Callable[[], Judge]
    judge: str | None = None
    model: str | None = None
    limit: int | None = None
    budget_usd: float = 5.0
    batch: bool | None = None
    concurrency: int = 16
    examples: int = 12
    prompt: Path | None = None
    redacted: bool = True
    dry_run: bool = False
    yes_send: bool = False

    @property
    def judge_name(self) -> str:
        """Return which judge it is to be."""
        return self.judge or ("simulated" if simulated_file(self.owner) else "claude")


@dataclass(frozen=True)
class JudgeRun:
    """How it went.

    Attributes:
        outcome: What the judge came to.
        usage: Tokens of what was sent; None where nothing was.
        unasked: Requests that the budget left out.
        kept_back: Pairs that the judge was not asked about, by reason.
    """

    outcome: Outcome
    usage: Usage | None
    unasked: int
    kept_back: Counter[str]


def run_judge(conn: sqlite3.Connection, request: JudgeRequest) -> JudgeRun | None:
    """Measure a judge and let it judge; None where only a dry run was asked for.

    Raises:
        UserError: The judge, the prompt, the key, the consent or the choices are not in order.
    """
    name = request.judge_name
    if name not in JUDGES:
        raise UserError(f"--judge {name}", "no such judge", f"Known: {', '.join(JUDGES)}")
    if request.dry_run and name != "claude":
        raise UserError("--dry-run", f"--judge {name} sends nothing", "Leave --dry-run out")
    material = _material(conn, request, sends=name == "claude")
    sources = sources_behind(conn, "train-only") if name == "claude" else {}
    for line in admitted(pairs_by_level(conn), material.levels, sources, request.owner):
        say(line)
    return (
        _claude(conn, request, material)
        if name == "claude"
        else _here(conn, request, material, name)
    )


def _material(conn: sqlite3.Connection, request: JudgeRequest, *, sends: bool) -> Material:
    detector = None
    if sends:
        # Only what everybody has: a prompt of the owner's own may repeat what is closed.
        detector = PrivateText(conn, request.settings, known=(JudgePrompt.read().text,))
        if request.prompt is not None:
            _check_prompt(request.prompt, detector)
    material = load_material(
        request.owner,
        request.settings,
        prompt=request.prompt,
        redacted=request.redacted,
        detector=detector,
    )
    if material.unsaid:
        say(f"{material.unsaid} lines of owner.yaml repeat closed writing: they are not sent.")
    return material


def _check_prompt(path: Path, detector: PrivateText) -> None:
    """Refuse a prompt that could not be sent.

    Raises:
        UserError: It repeats closed writing; names the line where it can.
    """
    text = JudgePrompt.read(path).text
    if detector.match(text) is None:
        return
    lines = enumerate(text.split("\n"), 1)
    line = next((f":{number}" for number, line in lines if detector.match(line)), "")
    what = "it repeats writing that is not open, so it can't be sent"
    raise UserError(f"{relative_to_root(path)}{line}", what, "Take that out")


def _here(
    conn: sqlite3.Connection, request: JudgeRequest, material: Material, name: str
) -> JudgeRun:
    """Ask a judge on this machine."""
    judge: Judge
    if name == "simulated":
        judge = request.simulated()
    else:
        if request.model is None:
            remedy = "Say --model FOLDER, or name a base that is on this machine"
            raise UserError("--judge local", "no model to judge with", remedy)
        from align.judging.local import LocalJudge

        judge = LocalJudge(
            request.model, material.prompt, material.profile, examples=request.examples
        )
    plan = _planned(conn, request, material, judge)
    outcome = asyncio.run(run(conn, judge, plan))
    return JudgeRun(outcome, None, 0, plan.eligibility.left_out)


def _claude(conn: sqlite3.Connection, request: JudgeRequest, material: Material) -> JudgeRun | None:
    """Ask Claude, once the owner knows what is sent and what it costs, and agreed."""
    to = destination(request.owner, request.model or MODEL, PURPOSE)
    judge = _claude_judge(to, request, material, None)
    plan = _planned(conn, request, material, judge)
    cost = cost_of(conn, judge, plan, material, price=to.price, rate=to.rate, batch=request.batch)
    for line in _announcement(to, cost, plan, request.budget_usd):
        say(line)
    if request.dry_run:
        _write_down(conn, judge, plan, material, request.owner)
        return None
    consent = obtain_consent(
        to, request.settings, yes=request.yes_send, ask=on_terminal(), show=say,
        redacted=request.redacted,
    )  # fmt: skip
    detector = material.detector
    assert detector is not None

    async def work() -> JudgeRun:
        async with open_channel(
            to, detector, consent, budget_usd=request.budget_usd, concurrency=request.concurrency
        ) as line:
            way = Line(
                line.client, conn, to.price, line.budget, rate=to.rate,
                concurrency=request.concurrency, progress=say,
            )  # fmt: skip
            sending = _claude_judge(to, request, material, way)
            outcome = await run(conn, sending, plan)
            return JudgeRun(outcome, sending.usage, line.budget.unasked, plan.eligibility.left_out)

    # Two at once would collect, and close, each other's batches.
    with exclusively(owner_dir(request.owner) / LOCK, _busy):
        return asyncio.run(work())


def _busy(holder: str) -> UserError:
    what = "another judge is at work for this owner" + (f" (process {holder})" if holder else "")
    return UserError("align judge", what, "Wait for it, or stop it: it can go on later")


def _claude_judge(
    to: Destination, request: JudgeRequest, material: Material, line: Line | None
) -> ClaudeJudge:
    return ClaudeJudge(
        to.price.model, material.prompt, material.profile, examples=request.examples, line=line,
        batch=request.batch,
    )  # fmt: skip


def _planned(
    conn: sqlite3.Connection, request: JudgeRequest, material: Material, judge: Judge
) -> Plan:
    plan, kept_back = make_plan(
        conn, material, judge, examples=request.examples, limit=request.limit
    )
    if kept_back:
        say(f"Of the owner's choices these take no part: {kept_from(kept_back)}.")
    return plan


def _announcement(to: Destination, cost: Cost, plan: Plan, budget_usd: float) -> list[str]:
    """Return what is said before anything is sent."""
    way = " in batches" if cost.in_batches else ""
    return [
        f"{len(plan.measured):,} choices measure the judge: {cost.measuring.requests:,} requests, "
        f"about {dollars(cost.measuring.usd)}.",
        f"If the gate opens, {len(plan.pair_ids):,} pairs, each both ways round{way}: about "
        f"{dollars(cost.judging.usd)}.",
        *announcement(to, cost.measuring + cost.judging, budget_usd),
    ]


def _write_down(
    conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan, material: Material, owner: str
) -> None:
    """Write what would be sent to a file that only the owner reads."""
    path = owner_dir(owner) / DRY_RUN
    requests = requests_of(conn, judge, plan, material)
    write_jsonl_atomically(path, (request.body() for request in requests), mode=0o600)
    say(f"Nothing was sent. What would be: {relative_to_root(path)}, one body a line.")
