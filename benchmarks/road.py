"""One demo road, from writing to scorecard, in a project root of its own.

Every stretch is the command that a user types, in a process of its own, timed whole.
"""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class Road:
    """What one road left behind: seconds of each stretch, peak memory, the scorecard."""

    owner: str
    seed: int
    control: bool
    seconds: dict[str, float] = field(default_factory=dict)
    peak_gb: float = 0.0
    scorecard: dict[str, Any] = field(default_factory=dict)


def make_root(root: Path) -> None:
    """Lay out a project root that shares recipes, prompts and the demo's base with the checkout."""
    make_shared_root(root, "data/demo/base")
    for own in ("owner.yaml", "simulated.json", "prompts.jsonl"):
        shutil.copy(CHECKOUT / "data" / "demo" / own, root / "data" / "demo" / own)
    shutil.copytree(CHECKOUT / "data/demo/writing", root / "data/demo/writing", dirs_exist_ok=True)


def make_shared_root(root: Path, *more: str) -> None:
    """Lay out a project root that shares recipes, prompts and what else is named."""
    (root / "data" / "demo").mkdir(parents=True, exist_ok=True)
    (root / "checkpoints").mkdir(exist_ok=True)
    for shared in ("recipes", "data/prompts", *more):
        link = root / shared
        if not link.exists():
            link.symlink_to(CHECKOUT / shared)


def drive(root: Path, owner: str, seed: int, *, control: bool = False) -> Road:
    """Drive the whole road once.

    Args:
        root: The project root to work in, made by `make_root`.
        owner: `demo`, or `demo-N` for the owner that seed N makes.
        seed: Seed of training, sampling and choosing.
        control: Choose at random instead of by the simulated owner's taste.

    Raises:
        subprocess.CalledProcessError: A stretch failed; its output stands in the log.
    """
    road = Road(owner, seed, control)
    data = root / "data" / owner
    if owner != "demo" and not data.exists():
        number = owner.removeprefix("demo-")
        stretch(road, root, "demo-owner", "--seed", number, "--out", str(data))
    numbers = ("--owner", owner, "--seed", str(seed))
    stretch(road, root, "ingest", str(data / "writing"), "--owner", owner)
    stretch(road, root, "prompts", "add", str(data / "prompts.jsonl"), "--owner", owner)
    stretch(road, root, "sft", *numbers)
    stretch(road, root, "sample", *numbers)
    if control:
        choose_at_random(root, owner, seed)
    else:
        stretch(road, root, "simulate", *numbers)
    stretch(road, root, "dpo", *numbers)
    stretch(road, root, "evaluate", *numbers)
    card = root / "checkpoints" / owner / "scorecard" / "scorecard.json"
    road.scorecard = json.loads(card.read_text())
    return road


def choose_at_random(root: Path, owner: str, seed: int) -> None:
    """Record a coin's choice for each pair: what training on noise brings."""
    from align.store import events, pairs
    from align.store.connection import connect

    coin = random.Random(seed)
    connection = connect(root / "data" / owner / "twin.db")
    choices = []
    for pair in pairs.iter_pairs(connection):
        payload = {"outcome": coin.choice("ab"), "left": "a", "selection": "random"}
        choices.append(events.NewEvent("choice", "simulated", pair.id, payload))
    events.append_events(connection, choices)
    connection.close()


def stretch(
    road: Road, root: Path, *words: str, key: str | None = None, may_fail: bool = False
) -> bool:
    """Run one command of the road, and add its seconds under its first word, or under `key`.

    Returns whether it succeeded; a failure that may be is written down nowhere.

    Raises:
        subprocess.CalledProcessError: It failed; its output stands in the root's log.
    """
    environment = {**os.environ, "SOUNDALIKE_ROOT": str(root)}
    log = root / "road.log"
    started = time.monotonic()
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "align.cli", *words],
            check=not may_fail,
            env=environment,
            cwd=CHECKOUT,
            stdout=output,
            stderr=output,
        )
    name = key or words[0]
    if done.returncode == 0:
        road.seconds[name] = road.seconds.get(name, 0.0) + time.monotonic() - started
    # Of all children so far: the road's peak is the largest of its processes.
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    road.peak_gb = max(road.peak_gb, kilobytes / 1e6)
    return done.returncode == 0
