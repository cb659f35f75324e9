"""Processes of their own: one that is killed and goes on, and DeepSpeed's ZeRO."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.gpu.ground import FailedRunError, Ground, Skipped, largest_difference, last_line
from benchmarks.gpu.training import LN2, precise, same
from benchmarks.harness import Row, at_least, at_most, reported

_SECONDS = 120
# Under autocast the weights have 24 significant bits, in DeepSpeed's bf16 they have 8.
_FAR = {"sft": 1e-2, "dpo": 5e-2}
_LAUNCH = (
    "import sys; from align.training.launch_training import launch; "
    "from align.training.training_request import parse_request; "
    "sys.exit(launch(parse_request(sys.argv[1], sys.argv[3:]), sys.argv[2]))"
)


def killed(ground: Ground) -> Iterator[Row]:
    """Kill a training process after a save, go on, and compare with a run that lived."""
    epochs = "4" if ground.is_small else "12"
    words = (*precise(ground), "--num_train_epochs", epochs, "--save_steps", "10")
    whole = ground.train("sft", "alive", *words)
    command = [sys.executable, "-m", "align.sft", *ground.words("sft", "killed", *words)]
    with (ground.root / "killed.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            step = _first_save(ground.root / "checkpoints" / "killed", child)
        finally:
            _end(child)
    if step is None:
        said = last_line((ground.root / "killed.log").read_text())
        raise FailedRunError(f"no save before the process ended: {said}")
    left = list((ground.root / "checkpoints" / "killed").glob("*-sft"))
    yield at_most("twins that a killed run leaves", len(left), 0)
    resumed = ground.train("sft", "killed", *words)
    if "going on from step" not in resumed.said:
        raise FailedRunError("the run began anew")
    yield reported("killed after the save of step", step)
    differs = largest_difference(whole.losses, resumed.losses)
    yield at_most("losses against a run never killed", differs, same(ground, "sft"))


def _first_save(owner: Path, child: Any) -> int | None:
    """Return the step of the first whole save, or None where the process ended before."""
    from align.training.saves import WHOLE

    until = time.monotonic() + _SECONDS
    while child.poll() is None and time.monotonic() < until:
        for mark in owner.glob(f".work/sft-*/checkpoint-*/{WHOLE}"):
            return int(mark.parent.name.split("-")[1])
        time.sleep(0.005)
    return None


def zero2(ground: Ground) -> Iterator[Row]:
    """Train under ZeRO stage 2 on all GPUs."""
    yield from _zero(ground, 2)


def zero3(ground: Ground) -> Iterator[Row]:
    """Train under ZeRO stage 3 on all GPUs."""
    yield from _zero(ground, 3)


def _zero(ground: Ground, stage: int) -> Iterator[Row]:
    """Train SFT and DPO by `align`'s own launch, and compare with runs in one process."""
    if importlib.util.find_spec("deepspeed") is None:
        raise Skipped("deepspeed is not installed")
    processes = _processes(ground)
    config = _accelerate_file(ground, stage, processes)
    yield reported("processes", processes)
    owner, alone = f"zero{stage}", f"alone{stage}"
    # The whole batch is the same in both.
    batch = ("--per_device_train_batch_size", str(4 // processes))
    # 24 rows: a last batch that does not divide is filled up with rows that were seen already.
    even = ("--seed", "4", "--held_out", "0")
    kinds = {
        "sft": ("--lora_dropout", "0"),
        "dpo": ("--checkpoint", str(ground.root / "checkpoints" / alone / "sft")),
    }
    ground.train("sft", alone, *precise(ground), *kinds["sft"])
    for kind, more in kinds.items():
        if ground.is_small and (kind, stage) not in (("sft", 2), ("dpo", 3)):
            continue
        one = ground.train(kind, alone, *precise(ground), *more, *even)
        words = (*precise(ground), *more, *even, *batch, "--save_steps", "1")
        saves = _launch(ground, config, kind, owner, *words)
        # What trained without DeepSpeed would pass unseen.
        yield at_least(f"{kind}, DeepSpeed's own saves", saves, 1)
        many = ground.read(kind, owner)
        if kind == "dpo":
            yield at_most("first DPO loss against ln 2", abs(many.losses[0] - LN2), 1e-3)
        differs = largest_difference(one.losses, many.losses)
        limit = 1e-4 if ground.device == "cpu" else _FAR[kind]
        yield at_most(f"{kind}, losses against one process", differs, limit)
        yield at_least(f"{kind}, its adapter loads", _loads(owner, kind), 1)


def _loads(owner: str, stage: str) -> int:
    from align.models.checkpoints import resolve
    from align.models.loading import load_model

    load_model(resolve(owner, stage))
    return 1


def _processes(ground: Ground) -> int:
    # A global batch of 4 is divided by 1, 2 or 4.
    return max(n for n in (1, 2, 4) if n <= max(1, ground.gpus))


def _accelerate_file(ground: Ground, stage: int, processes: int) -> Path:
    """Return the project's own configuration, with the processes that this machine can hold."""
    shipped = ground.root / "recipes" / "accelerate" / f"zero{stage}.yaml"
    settings = yaml.safe_load(shipped.read_text()) | {"num_processes": processes}
    if ground.device == "cpu":
        settings |= {"use_cpu": True, "mixed_precision": "no"}
    file = ground.root / f"zero{stage}.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def _launch(ground: Ground, config: Path, stage: str, owner: str, *words: str) -> int:
    """Run `align`'s launch in a process of its own; return how many saves of DeepSpeed's it made.

    Raises:
        FailedRunError: It failed, or took too long.
    """
    log = ground.root / f"{owner}-{stage}.log"
    line = [sys.executable, "-c", _LAUNCH, stage, str(config), *ground.words(stage, owner, *words)]
    # This process sees one GPU, and on a CPU says so to accelerate, which then drops DeepSpeed.
    apart = ("ACCELERATE_USE_CPU", "CUDA_VISIBLE_DEVICES")
    surrounding = {key: value for key, value in os.environ.items() if key not in apart}
    visible = "" if ground.device == "cpu" else ground.visible
    if visible is not None:
        surrounding["CUDA_VISIBLE_DEVICES"] = visible
    with log.open("w") as file:
        child = subprocess.Popen(
            line, stdout=file, stderr=file, start_new_session=True, env=surrounding
        )
        try:
            saves = _saves_until_it_ends(child, ground.root / "checkpoints" / owner)
        finally:
            _end(child)
    if saves is None:
        raise FailedRunError(f"align {stage} took more than {_SECONDS} s")
    if child.returncode:
        said = last_line(log.read_text())
        raise FailedRunError(f"align {stage} ended with {child.returncode}: {said}")
    return saves


def _saves_until_it_ends(child: Any, owner: Path) -> int | None:
    """Return how many of DeepSpeed's saves were seen, or None where time was up."""
    until = time.monotonic() + _SECONDS
    seen: set[str] = set()
    while child.poll() is None:
        if time.monotonic() > until:
            return None
        seen |= {path.name for path in owner.glob(".work/*/checkpoint-*/global_step*")}
        time.sleep(0.02)
    return len(seen)


def _end(child: Any) -> None:
    """End a process and all that it started; it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
