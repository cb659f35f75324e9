"""How the demo's road comes out: `python -m benchmarks.demo [--json FILE]`.

Drives whole roads, each in a project root of its own: the demo's owner and others made by seed,
some seeds each, and a control that was trained on a coin's choices. Every road that is done is
kept in `--roads`, so a stopped benchmark goes on. CI drives one owner and one seed.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.harness import Row, at_least, at_most, reported, write
from benchmarks.road import Road, drive, make_root

VOICE, SIMULATED = "voice judge", "simulated owner"
WORDS = ("base", "sft", "dpo")


def main() -> None:
    """Drive the roads and write the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("--owners", type=int, default=6, help="the demo's, and N - 1 others")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--roads", type=Path, metavar="FILE", help="JSONL of the roads done")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--only-kept", action="store_true", help="drive none, report --roads")
    options = parser.parse_args()
    roads = drive_all(
        options.owners, options.seeds, options.roads, drive_missing=not options.only_kept
    )
    write("demo", list(rows(roads)), options.json)


def drive_all(
    owners: int, seeds: int, kept: Path | None, *, drive_missing: bool = True
) -> list[Road]:
    """Drive every road that is not among those kept, and return all."""
    others = [f"demo-{n}" for n in range(1, owners)]
    wanted = [("demo", seed, control) for seed in range(seeds) for control in (False, True)]
    wanted += [(owner, seed, False) for seed in range(seeds) for owner in others]
    roads = _read(kept)
    done = {(road.owner, road.seed, road.control) for road in roads}
    # One road a core, each with one thread, gets more done than one road with all of them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        missing = [each for each in wanted if drive_missing and each not in done]
        for done_one in as_completed(pool.submit(_drive_one, each) for each in missing):
            road = done_one.result()
            roads.append(road)
            if kept is not None:
                with kept.open("a") as file:
                    file.write(json.dumps(asdict(road)) + "\n")
            print(_line(road), flush=True)
    return [road for road in roads if (road.owner, road.seed, road.control) in set(wanted)]


def _drive_one(wanted: tuple[str, int, bool]) -> Road:
    owner, seed, control = wanted
    root = Path(tempfile.mkdtemp(prefix="road-"))
    make_root(root)
    road = drive(root, owner, seed, control=control)
    shutil.rmtree(root)
    return road


def rows(roads: Sequence[Road]) -> Iterator[Row]:
    """Turn roads into figures: the demo's own, the other owners' averages, the control."""
    real = [road for road in roads if not road.control]
    control = [road for road in roads if road.control]
    demo = [road for road in real if road.owner == "demo"]
    others = [road for road in real if road.owner != "demo"]
    for road in demo:
        name = f"demo, seed {road.seed}"
        yield at_least(f"{name}: SFT over base", _rate(road, "sft", "base"), 0.9)
        yield at_least(f"{name}: DPO over SFT, lower bound", _low(road, "dpo", "sft"), 0.65)
    yield from _averages("demo", demo)
    if others:
        owners, roads_each = len({road.owner for road in others}), len(others)
        yield from _averages(f"{owners} other owners, {roads_each} roads", others)
    if not control:
        return
    for road in control:
        name = f"control on random choices, seed {road.seed}: DPO over SFT"
        yield reported(name, _rate(road, "dpo", "sft"))
    name = "control on random choices: DPO over SFT, mean of the lower bounds"
    yield at_most(name, mean(_low(road, "dpo", "sft") for road in control), 0.5)


def _averages(name: str, roads: Sequence[Road]) -> Iterator[Row]:
    """Yield the means over roads: win rates, and what must not be paid for them."""

    def over(of: Callable[[Road], float]) -> float:
        return mean(of(road) for road in roads)

    yield reported(f"{name}: held-out prompts", min(r.scorecard["prompts"] for r in roads))
    yield at_least(f"{name}: SFT over base", over(lambda r: _rate(r, "sft", "base")), 0.9)
    yield at_least(f"{name}: DPO over SFT", over(lambda r: _rate(r, "dpo", "sft")), 0.75)
    lowest = min(_low(road, "dpo", "sft") for road in roads)
    yield at_least(f"{name}: DPO over SFT, lowest of the lower bounds", lowest, 0.65)
    by_simulated = over(lambda r: _rate(r, "dpo", "sft", SIMULATED))
    yield reported(f"{name}: DPO over SFT by the {SIMULATED}", by_simulated)
    habits = {word: over(_of("distance to the owner's habits", word)) for word in WORDS}
    for word, value in habits.items():
        yield reported(f"{name}: distance to the owner's habits, {word}", value)
    for before, after in pairwise(WORDS):
        change = habits[after] - habits[before]
        yield at_most(f"{name}: distance, change from {before} to {after}", change, 0)
    lost = over(_of("on topic", "sft")) - over(_of("on topic", "dpo"))
    yield at_most(f"{name}: on-topic lost from SFT to DPO", 100 * lost, 3, "points")
    neutral = _of("perplexity of neutral text", "dpo"), _of("perplexity of neutral text", "sft")
    rise = over(lambda road: neutral[0](road) / neutral[1](road) - 1)
    yield at_most(f"{name}: perplexity of neutral text, rise from SFT to DPO", 100 * rise, 20, "%")
    accuracy = over(_of("held-out reward accuracy", "dpo"))
    yield at_least(f"{name}: held-out reward accuracy", accuracy, 0.58)
    for word in WORDS[1:]:
        yield reported(f"{name}: words an answer, {word}", over(_of("words", word)))


def _match(road: Road, first: str, second: str, judge: str) -> dict[str, Any]:
    for match in road.scorecard["matches"]:
        if (match["first"], match["second"], match["by"]) == (first, second, judge):
            return dict(match)
    raise KeyError(f"{first} against {second} by the {judge}")


def _rate(road: Road, first: str, second: str, judge: str = VOICE) -> float:
    return float(_match(road, first, second, judge)["rate"])


def _low(road: Road, first: str, second: str) -> float:
    return float(_match(road, first, second, VOICE)["low"])


def _of(name: str, word: str) -> Callable[[Road], float]:
    """Return what reads a checkpoint's measure off a road's scorecard."""

    def read(road: Road) -> float:
        named = {measure["name"]: measure["values"] for measure in road.scorecard["measures"]}
        return float(named[name][word])

    return read


def _line(road: Road) -> str:
    control = ", random choices" if road.control else ""
    seconds = " ".join(f"{name} {value:.0f}" for name, value in road.seconds.items())
    return (
        f"{road.owner}, seed {road.seed}{control}: SFT {_rate(road, 'sft', 'base'):.2f}, "
        f"DPO {_rate(road, 'dpo', 'sft'):.2f} ({seconds} s)"
    )


def _read(kept: Path | None) -> list[Road]:
    if kept is None or not kept.exists():
        return []
    return [Road(**json.loads(line)) for line in kept.read_text().splitlines()]


if __name__ == "__main__":
    main()
