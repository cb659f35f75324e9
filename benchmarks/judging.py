"""How fast Claude is asked, and at what cost: `python -m benchmarks.judging [--json FILE]`.

Everything goes the way of `align judge` - eligibility, gate, egress log, client, store - to a
stand-in in a process of its own, that counts tokens in its own way. Its owner and what it answers
are made up: `benchmarks.made_up_judging` says how.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from align.claude.channel import Destination, Poll, destination, obtain_consent, open_channel
from align.claude.estimates import Estimate
from align.claude.prices import Usage, price_of
from align.judging.claude import PURPOSE, ClaudeJudge
from align.judging.judge_answers import JudgeCounts, judge_pairs, not_on_file, questions_of
from align.judging.judge_plan import Cost, Material, Plan, cost_of, make_plan
from align.judging.judge_prompt import JudgePrompt
from align.judging.judge_run import MODEL
from align.judging.measurement import measure, run
from align.owner import load_owner
from align.privacy.private_text import PrivateText
from align.store.connection import open_store
from align.store.gates import GateRow
from benchmarks import harness
from benchmarks.harness import Row, at_least, at_most, reported
from benchmarks.made_up_judging import CHECKOUT, fill_store, judge_apart
from tests.anthropic_server import Apart

REQUESTS_A_SECOND, CPU_MS, PEAK_MB, OFF_BY = 200, 2.0, 400, 15
LATENCY, CONCURRENCY, TURNS = 0.05, 16, 5
CHOICES, PAIRS = 100, 1_000
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
WAITING, ASKED = 100_000, 10_000
# Words of an answer. Of the short ones, a dozen examples come to about as many tokens as a prefix
# must have to be cached.
SHORT, LONG = (40, 80), (80, 160)
EXAMPLES = 12
OWNER_YAML = """\
name: Ann Petrie
facts:
  Where do you live?: In a small house by the sea, with a dog who runs it.
  What do you do?: I mend clocks, and now and then I write about them.
rubric: |
  Short sentences, dry, seldom an exclamation mark. Begins in the middle of things.
  Says what she thinks and leaves it at that; jokes with a straight face.
  Would never say that she is passionate about anything, nor thank for a great question.
"""
_owners = count(1)


@dataclass
class Work:
    """A judge at work for an owner.

    Attributes:
        conn: The owner's store.
        judge: Claude, by an open line.
        plan: What it is asked.
        material: What it is told.
        to: Where it is.
        batch: Whether all goes in batches.
    """

    conn: Connection
    judge: ClaudeJudge
    plan: Plan
    material: Material
    to: Destination
    batch: bool

    def cost(self) -> Cost:
        """Return what is left to be asked will cost."""
        return cost_of(
            self.conn, self.judge, self.plan, self.material, price=self.to.price, batch=self.batch
        )

    async def judge_all(self) -> JudgeCounts:
        """Ask about all pairs, whatever the gate says."""
        judged, plan = JudgeCounts(), self.plan
        gate = GateRow(
            judge=self.judge.name, model=self.judge.model, prompt_hash=self.judge.prompt_hash,
            is_open=True, weight=1.0, certainties=(), choices="", report={}, time="",
            answered=self.judge.model,
        )  # fmt: skip
        gates = {pair.pair_id: gate for pair in plan.pairs}
        context = plan.contexts[None]
        await judge_pairs(self.conn, self.judge, gates, plan.eligibility, context, judged)
        return judged


def new_owner(root: Path, store: Path) -> str:
    """Return an owner who has a copy of a store, and whom nobody has judged for."""
    owner_id = f"ann-{next(_owners)}"
    folder = root / "data" / owner_id
    folder.mkdir(parents=True)
    (folder / "owner.yaml").write_text(OWNER_YAML, "utf-8")
    shutil.copy(store, folder / "twin.db")
    return owner_id


@asynccontextmanager
async def at_work(owner_id: str, *, batch: bool, model: str = MODEL) -> AsyncIterator[Work]:
    """Open a judge's channel as `align judge` does."""
    owner = load_owner(owner_id)
    with closing(open_store(owner_id)) as conn:
        detector = PrivateText(conn, owner, known=(JudgePrompt.read().file.text,))
        material = Material(owner_id, owner, JudgePrompt.read(), detector=detector)
        to = destination(owner_id, model, PURPOSE)
        consent = obtain_consent(to, owner, yes=True, ask=None, show=lambda line: None)
        async with open_channel(
            conn, to, detector, consent, budget_usd=None, concurrency=CONCURRENCY,
            poll=Poll(0.05, 0.2),
        ) as channel:  # fmt: skip
            judge = ClaudeJudge(
                model, material.prompt, material.profile, examples=EXAMPLES, channel=channel,
                batch=batch,
            )  # fmt: skip
            plan, _ = make_plan(conn, material, judge, examples=EXAMPLES)
            yield Work(conn, judge, plan, material, to, batch)


def billed(apart: Apart) -> float:
    """Return what the stand-in's bills come to so far, in USD."""
    usd = 0.0
    for name, sums in apart.totals()["billed"].items():
        model, tier = name.split()
        usage = Usage.of({**sums, "cache_creation": sums})
        assert usage is not None
        # Of many replies: none is so long that another price holds.
        usd += replace(price_of(model), longer=()).cost(usage, batch=tier == "batch")
    return usd


def bodies(work: Work) -> list[dict[str, Any]]:
    """Return all that is sent of the pairs."""
    plan = work.plan
    ids = [pair.pair_id for pair in plan.pairs]
    batches = questions_of(work.conn, ids, work.material.eligibility(), plan.contexts[None])
    pending = (
        question
        for questions in batches
        for question in not_on_file(work.conn, work.judge, questions)[0]
    )
    return [work.judge.request(question).body() for question in pending]


async def ours(owner_id: str) -> tuple[float, float]:
    """Return seconds, and seconds of CPU, of asking about all pairs the project's way."""
    async with at_work(owner_id, batch=False) as work:
        started, busy = time.perf_counter(), time.process_time()
        judged = await work.judge_all()
        spent = time.perf_counter() - started, time.process_time() - busy
    if judged.answers != 2 * PAIRS or judged.problems:
        raise RuntimeError(f"{judged.answers} answers, {dict(judged.problems)}")
    return spent


async def bare(owner_id: str, url: str) -> tuple[float, float]:
    """Return the same of sending the same bodies with the SDK alone."""
    from anthropic import AsyncAnthropic

    async with at_work(owner_id, batch=False) as work:
        left = iter(bodies(work))
    async with AsyncAnthropic(api_key="any", base_url=url, open_telemetry=False) as client:

        async def ask() -> None:
            for body in left:
                await client.messages.create(**body)

        started, busy = time.perf_counter(), time.process_time()
        await asyncio.gather(*(ask() for _ in range(CONCURRENCY)))
        return time.perf_counter() - started, time.process_time() - busy


def pace(root: Path, store: Path) -> Iterator[Row]:
    """Measure requests a second and CPU, in turns with the SDK alone."""
    with judge_apart(latency=LATENCY) as apart:
        os.environ["ANTHROPIC_BASE_URL"] = apart.url
        # The first of each goes uncounted: it imports, and warms what is cached.
        turns = [
            (asyncio.run(ours(new_owner(root, store))),
             asyncio.run(bare(new_owner(root, store), apart.url)))
            for _ in range(1 + TURNS)
        ][1:]  # fmt: skip
    rates = [[2 * PAIRS / turn[way][0] for turn in turns] for way in (0, 1)]
    busy = [[turn[way][1] / PAIRS * 1000 for turn in turns] for way in (0, 1)]
    what = f"requests a second, {LATENCY * 1000:.0f} ms latency, {CONCURRENCY} at once"
    yield at_least(what, statistics.median(rates[0]), REQUESTS_A_SECOND)
    yield reported("the same, the SDK alone", statistics.median(rates[1]))
    beyond = statistics.median(mine - its for mine, its in zip(*busy, strict=True))
    yield at_most("CPU a pair, both orders, beyond the SDK's own", beyond, CPU_MS, "ms")
    yield reported("CPU a pair in all", statistics.median(busy[0]), "ms")
    yield reported("CPU a pair, the SDK alone", statistics.median(busy[1]), "ms")


def memory(root: Path, store: Path) -> Iterator[Row]:
    """Measure a whole `align judge` in a store of many pairs."""
    owner_id = new_owner(root, store)
    words = ["--limit", str(ASKED), "--batch", "--yes-send", "--budget-usd", "1000"]
    command = [str(Path(sys.executable).parent / "align"), "judge", "--owner", owner_id, *words]
    with judge_apart() as apart, (root / "judge.log").open("wb") as log:
        environment = os.environ | {"ANTHROPIC_BASE_URL": apart.url}
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        answered = sum(sums["messages"] for sums in apart.totals()["billed"].values())
    if process.returncode or answered < 2 * ASKED:
        raise RuntimeError((root / "judge.log").read_text()[-2_000:])
    label = f"align judge, {WAITING:,} pairs waiting, {ASKED:,} of them asked in batches"
    yield at_most(f"{label}: peak memory", peak, PEAK_MB, "MB")
    yield reported(f"{label}: the whole command", seconds, "s")


def _peak_of(pid: int) -> float:
    """Return the most MB that a process has held at once so far; 0 where nobody says."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(each for each in lines if each.startswith("VmHWM")).split()[1]) / 1000
    return 0.0


async def estimated(owner_id: str, apart: Apart, *, batch: bool) -> tuple[float, float]:
    """Return how far the bill lies outside the range: of all, and once a calibration is over."""
    async with at_work(owner_id, batch=batch) as work:
        early, before = work.cost(), billed(apart)
        await measure(work.conn, work.judge, work.plan)
        late, between = work.cost(), billed(apart)
        await work.judge_all()
    whole, rest = billed(apart) - before, billed(apart) - between
    return outside(early.measuring + early.judging, whole), outside(late.judging, rest)


def outside(estimate: Estimate, bill: float) -> float:
    """Return by which share of it a bill lies outside an estimate's range; 0 within."""
    return max(0.0, estimate.usd_low / bill - 1, 1 - estimate.usd_high / bill)


def estimates(root: Path, store: Path, words: tuple[int, int]) -> Iterator[Row]:
    """Hold bills against the range that was said, however often a batch finds the cache."""
    answers = f"answers of {words[0]} to {words[1]} words"
    for hits in (0.5, 0.95):
        with judge_apart(batch_hits=hits) as apart:
            os.environ["ANTHROPIC_BASE_URL"] = apart.url
            for way, batch in (("one by one", False), (f"in batches, {hits:.0%} cached", True)):
                early, late = asyncio.run(estimated(new_owner(root, store), apart, batch=batch))
                label = f"the bill outside its estimate, {way}, {answers}"
                yield at_most(f"{label}: before anything is sent", early * 100, OFF_BY, "%")
                yield at_most(f"{label}: of the rest, once calibrated", late * 100, OFF_BY, "%")


async def accepted(owner_id: str, model: str) -> tuple[int, float]:
    """Return how many verdicts the gate accepts in a whole run, and its weight."""
    async with at_work(owner_id, batch=True, model=model) as work:
        outcome = await run(work.conn, work.judge, work.plan)
    judged = outcome.judging
    return judged.counting, judged.weight / max(1, judged.counting)


def prices(root: Path, store: Path) -> Iterator[Row]:
    """Tell what an accepted pair costs of each model, all that was not accepted included."""
    with judge_apart() as apart:
        os.environ["ANTHROPIC_BASE_URL"] = apart.url
        for model in MODELS:
            before = billed(apart)
            pairs, weight = asyncio.run(accepted(new_owner(root, store), model))
            label = f"{model}, {CHOICES} choices and {PAIRS:,} pairs in batches"
            usd = (billed(apart) - before) / pairs if pairs else None
            yield reported(f"{label}: USD an accepted pair", usd, "USD")
    yield reported("of those pairs, accepted", pairs / PAIRS * 100, "%")
    yield reported("weight of each", weight)


def measure_all() -> Iterator[Row]:
    """Measure everything, in a project root that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="judging-") as folder:
        root = Path(folder)
        (root / "data").mkdir()
        for shared in ("recipes", "data/prompts"):
            (root / shared).symlink_to(CHECKOUT / shared)
        os.environ |= {"SOUNDALIKE_ROOT": str(root), "ANTHROPIC_API_KEY": "any"}
        few, short, many = root / "few.db", root / "short.db", root / "many.db"
        fill_store(few, CHOICES, PAIRS, LONG)
        fill_store(short, CHOICES, PAIRS, SHORT)
        fill_store(many, CHOICES, WAITING, SHORT)
        yield from pace(root, few)
        yield from memory(root, many)
        yield from estimates(root, few, LONG)
        yield from estimates(root, short, SHORT)
        yield from prices(root, few)


if __name__ == "__main__":
    harness.run("judging", measure_all, __doc__)
