"""Employ a judge: from what the command line asks for to how it went."""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from align.claude.opening import Destination, agreed, announced, destination, on_terminal, opened
from align.claude.prices import Usage
from align.console import dollars, say
from align.errors import UserError
from align.files import exclusively, write_jsonl_atomically
from align.judging.admission import pairs_by_level, sources_behind
from align.judging.claude import PURPOSE, ClaudeJudge, Line
from align.judging.planning import Cost, Material, cost_of, material, planned, requests_of
from align.judging.prompt import JudgePrompt
from align.judging.protocol import Judge
from align.judging.run import Outcome, Plan, run
from align.judging.simulated import SimulatedJudge
from align.judging.telling import admitted, kept_from
from align.owner import Owner
from align.paths import owner_dir, relative_to_root
from align.privacy.private_text import PrivateText

JUDGES = ("claude", "local", "simulated")
MODEL = "claude-haiku-5-5"
DRY_RUN = "judge-dry-run.jsonl"
LOCK = ".judge.lock"


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        owner: Whose pairs.
        settings: From owner.yaml.
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
        stand_in = owner_dir(self.owner) / "simulated.json"
        return self.judge or ("simulated" if stand_in.is_file() else "claude")


@dataclass(frozen=True)
class Employed:
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


def employ(conn: sqlite3.Connection, asked: Asked) -> Employed | None:
    """Measure a judge and let it judge; None where only a dry run was asked for.

    Raises:
        UserError: The judge, the prompt, the key, the consent or the choices are not in order.
    """
    name = asked.judge_name
    if name not in JUDGES:
        raise UserError(f"--judge {name}", "no such judge", f"Known: {', '.join(JUDGES)}")
    if asked.dry_run and name != "claude":
        raise UserError("--dry-run", f"--judge {name} sends nothing", "Leave --dry-run out")
    told = _material(conn, asked, sends=name == "claude")
    sources = sources_behind(conn, "train-only") if name == "claude" else {}
    for line in admitted(pairs_by_level(conn), told.levels, sources, asked.owner):
        say(line)
    return _claude(conn, asked, told) if name == "claude" else _here(conn, asked, told, name)


def _material(conn: sqlite3.Connection, asked: Asked, *, sends: bool) -> Material:
    detector = None
    if sends:
        # Only what everybody has: a prompt of the owner's own may repeat what is closed.
        detector = PrivateText(conn, asked.settings, known=(JudgePrompt.read().text,))
        if asked.prompt is not None:
            _check_prompt(asked.prompt, detector)
    told = material(
        asked.owner, asked.settings, prompt=asked.prompt, redacted=asked.redacted, detector=detector
    )
    if told.unsaid:
        say(f"{told.unsaid} lines of owner.yaml repeat closed writing: they are not sent.")
    return told


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


def _here(conn: sqlite3.Connection, asked: Asked, told: Material, name: str) -> Employed:
    """Ask a judge on this machine."""
    judge: Judge
    if name == "simulated":
        judge = SimulatedJudge.load(owner_dir(asked.owner) / "simulated.json")
    else:
        if asked.model is None:
            remedy = "Say --model FOLDER, or name a base that is on this machine"
            raise UserError("--judge local", "no model to judge with", remedy)
        from align.judging.local import LocalJudge

        judge = LocalJudge(asked.model, told.prompt, told.about, examples=asked.examples)
    plan = _planned(conn, asked, told, judge)
    outcome = asyncio.run(run(conn, judge, plan))
    return Employed(outcome, None, 0, plan.admission.left_out)


def _claude(conn: sqlite3.Connection, asked: Asked, told: Material) -> Employed | None:
    """Ask Claude, once the owner knows what is sent and what it costs, and agreed."""
    to = destination(asked.owner, asked.model or MODEL, PURPOSE)
    judge = _hired(to, asked, told, None)
    plan = _planned(conn, asked, told, judge)
    cost = cost_of(conn, judge, plan, told, price=to.price, rate=to.rate, batch=asked.batch)
    for line in _announcement(to, cost, plan, asked.budget_usd):
        say(line)
    if asked.dry_run:
        _write_down(conn, judge, plan, told, asked.owner)
        return None
    consent = agreed(
        to, asked.settings, yes=asked.yes_send, ask=on_terminal(), show=say,
        redacted=asked.redacted,
    )  # fmt: skip
    detector = told.detector
    assert detector is not None

    async def work() -> Employed:
        async with opened(
            to, detector, consent, budget_usd=asked.budget_usd, concurrency=asked.concurrency
        ) as line:
            way = Line(
                line.client, conn, to.price, line.budget, rate=to.rate,
                concurrency=asked.concurrency, progress=say,
            )  # fmt: skip
            sending = _hired(to, asked, told, way)
            outcome = await run(conn, sending, plan)
            return Employed(outcome, sending.usage, line.budget.unasked, plan.admission.left_out)

    # Two at once would collect, and close, each other's batches.
    with exclusively(owner_dir(asked.owner) / LOCK, _busy):
        return asyncio.run(work())


def _busy(holder: str) -> UserError:
    what = "another judge is at work for this owner" + (f" (process {holder})" if holder else "")
    return UserError("align judge", what, "Wait for it, or stop it: it can go on later")


def _hired(to: Destination, asked: Asked, told: Material, line: Line | None) -> ClaudeJudge:
    return ClaudeJudge(
        to.price.model, told.prompt, told.about, examples=asked.examples, line=line,
        batch=asked.batch,
    )  # fmt: skip


def _planned(conn: sqlite3.Connection, asked: Asked, told: Material, judge: Judge) -> Plan:
    plan, kept_back = planned(conn, told, judge, examples=asked.examples, limit=asked.limit)
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
        *announced(to, cost.measuring + cost.judging, budget_usd),
    ]


def _write_down(
    conn: sqlite3.Connection, judge: ClaudeJudge, plan: Plan, told: Material, owner: str
) -> None:
    """Write what would be sent to a file that only the owner reads."""
    path = owner_dir(owner) / DRY_RUN
    requests = requests_of(conn, judge, plan, told)
    write_jsonl_atomically(path, (request.body() for request in requests), mode=0o600)
    say(f"Nothing was sent. What would be: {relative_to_root(path)}, one body a line.")
