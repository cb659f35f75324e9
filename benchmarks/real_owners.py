"""Real people's writing and a real base: `python -m benchmarks.real_owners --owners DIR`.

Each owner's road is driven by the commands that a user types, in a project root of its own, which
is kept: a stopped benchmark goes on. `DIR` holds `owner-NAME` folders, and beside them `others/`
with other voices of the same kind; it is named, and never part of the project.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.harness import Row, at_least, at_most, reported, write
from benchmarks.real_evaluation import ASSISTANT, PROMPTED, WHO, Voices, evaluate_road, said_name
from benchmarks.real_road import RealRoad, Size, owners_in

# GFLOP/s of two threads' 2048 x 2048 float32 product on the machine that the minutes are for.
REFERENCE_SPEED = 110.0
VOICE = "voice judge"


def main() -> None:
    """Drive the roads, measure, and write rows and page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_owners", description=__doc__)
    parser.add_argument("--owners", type=Path, required=True, metavar="DIR")
    parser.add_argument("--owner", action="append", metavar="NAME", help="only this one; repeat")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/local/real"), metavar="DIR")
    parser.add_argument("--words", type=int, default=Size.words, help="of the owner's, the newest")
    parser.add_argument("--pairs", type=int, default=Size.pairs)
    parser.add_argument("--choices", type=int, nargs="*", default=list(Size.choices))
    parser.add_argument("--prompts", type=int, default=Size.prompts)
    parser.add_argument("--sft", default="", metavar="WORDS", help="'--learning_rate 2e-3', ...")
    parser.add_argument("--dpo", default="", metavar="WORDS", help="'--beta 0.3', ...")
    parser.add_argument("--without-replies", action="store_true", help="no DPO on real replies")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write NAME.json there as well")
    options = parser.parse_args()
    size = Size(
        options.words,
        options.pairs,
        tuple(options.choices),
        options.prompts,
        not options.without_replies,
        tuple(options.sft.split()),
        tuple(options.dpo.split()),
    )
    found = owners_in(options.owners)
    names = options.owner or list(found)
    if missing := sorted(set(names) - set(found)):
        parser.error(f"{', '.join(missing)}: no folder owner-NAME in {options.owners}")
    results = {}
    for name in names:
        results[name] = drive_owner(
            options.work.resolve() / name, name, found[name], size, options.seed
        )
    write("real_owners", [row for name in names for row in rows(name, results[name])], None)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, result in results.items():
            text = json.dumps(result, ensure_ascii=False, indent=1)
            (options.out / f"{name}.json").write_text(f"{text}\n")


def drive_owner(root: Path, name: str, writing: Path, size: Size, seed: int) -> dict[str, Any]:
    """Drive one owner's road, or what is missing of it, and return what it came to."""
    root.mkdir(parents=True, exist_ok=True)
    os.environ["SOUNDALIKE_ROOT"] = str(root)
    file = root / "result.json"
    if file.is_file():
        return dict(json.loads(file.read_text()))
    road = RealRoad(root, name, writing, size, seed)
    speed = machine_speed()
    road.read_in()
    road.sft()
    road.sample()
    voices = Voices(road)
    road.dpo(voices.stand_in)
    result = evaluate_road(road, voices) | {
        "name": road.known.name,
        "seconds": road.road.seconds,
        "peak_gb": road.road.peak_gb,
        "speed": speed,
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "lineage": {word: road.lineage(twin)["metrics"] for word, twin in road.twins().items()},
        "size": vars(size) | {"choices": list(size.choices)},
    }
    file.write_text(json.dumps(result, ensure_ascii=False, indent=1))
    return result


def machine_speed() -> float:
    """Return the GFLOP/s of a 2048 x 2048 float32 product on two threads: the best of five."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    one = torch.randn(2048, 2048)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        one @ one
        seconds.append(time.perf_counter() - started)
    torch.set_num_threads(threads)
    return 2 * 2048**3 / min(seconds) / 1e9


def rows(name: str, result: dict[str, Any]) -> Iterator[Row]:
    """Turn an owner's result into figures, minutes scaled to the reference machine."""
    scale = result["speed"] / REFERENCE_SPEED
    limits = {"sft": 15, "sample": 12, "evaluate": 10} | {
        key: 15 for key in result["seconds"] if key.startswith("dpo")
    }
    for key, limit in limits.items():
        if key in result["seconds"]:
            minutes = result["seconds"][key] / 60 * scale
            yield at_most(f"{name}: {key}", minutes, limit, "min")
    yield at_most(f"{name}: memory at most", result["peak_gb"], 6, "GB")
    yield reported(f"{name}: prompts", result["scorecard"]["prompts"])
    yield from _wins(name, result)
    odds = result["odds"]
    for column, value in odds.items():
        yield reported(f"{name}: mean log-odds, {column}", value)
    if "sft" in odds:
        away = abs(odds["sft"] - odds["owner"]) / abs(odds["owner"] - odds["base"])
        yield at_most(f"{name}: SFT's distance to the owner's log-odds, of base's", away, 0.5)
    for column, share in result["ended"].items():
        check = at_least if column not in ("base", PROMPTED) else None
        label = f"{name}: answers that end, {column}"
        yield check(label, share, 0.97) if check else reported(label, share)
    yield from _identity(name, result)
    for column, habits in result["overshoot"].items():
        yield at_most(f"{name}: habits beyond the owner, {column}", len(habits), 0)
    for measure in result["scorecard"]["measures"]:
        for column, value in measure["values"].items():
            yield reported(f"{name}: {measure['name']}, {column}", value)


def _wins(name: str, result: dict[str, Any]) -> Iterator[Row]:
    matches = {
        (match["first"], match["second"]): match
        for match in result["scorecard"]["matches"]
        if match["by"] == VOICE
    }
    targets = [("sft", "base", 0.9), ("sft", PROMPTED, 0.6)]
    targets += [(key, "sft", 0.58) for key in result["overshoot"] if key.startswith("dpo")]
    for first, second, target in targets:
        if match := matches.get((first, second)):
            label = f"{name}: {first} over {second}"
            yield at_least(label, match["rate"], target)
            yield reported(f"{label}, lower bound", match["low"])


def _identity(name: str, result: dict[str, Any]) -> Iterator[Row]:
    half = len(WHO) // 2
    for column, more in result["more"].items():
        if column == "prompts":
            continue
        named = [said_name(answer, result["name"]) for answer in more["who"]]
        label = f"{name}: the owner's name, {column}"
        if column == "base":
            yield reported(label, mean(named))
            continue
        yield at_least(label, mean(named), 0.95)
        yield reported(f"{label}, wordings not trained", mean(named[half:]))
        makers = [any(word in answer.casefold() for word in ASSISTANT) for answer in more["who"]]
        yield at_most(f"{name}: the base's maker named, {column}", mean(makers), 0)


if __name__ == "__main__":
    main()
