"""How fast this machine trains: remembered of an earlier run, measured, or guessed. No torch."""

import json
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from align.files import write_atomically
from align.paths import project_root
from align.training.preflight.activations import compute_bytes
from align.training.preflight.machine import multiplies_bfloat16
from align.training.preflight.work import Work

# What a run keeps up of a large product's speed on a CPU: its small ones, norms and adapters cost.
_SHARE = 0.6
# What a step in 16 bits takes of one in 32: where a CPU multiplies them (measured), and elsewhere.
_IN_HALF = {True: 0.74, False: 5}
# Guesses of what training keeps up, in operations a second: of Apple's GPU, and of a CUDA device.
_GUESSES = {"mps": 2e12, "cuda": 50e12}
_SIDE, _SECONDS = 1024, 0.3
# Seconds of steps below which starting up hides the speed.
_TOO_SHORT = 5.0


class Speed(NamedTuple):
    """What training keeps up here."""

    flops: float  # floating-point operations a second, of all processes together
    source: str  # how that is known, in a few words
    product: float = 1.0  # of a large product, where it is measured; a GPU's is not


def speed_here(work: Work, stage: str, base_hash: str | None) -> Speed:
    """Return what a run keeps up: what an earlier one of the same base did, else what most do."""
    known = _read().get(_key(work.device, base_hash), {})
    earlier = known.get(stage) or next(iter(known.values()), None)
    if work.device != "cpu":
        guess = _GUESSES[work.device] * work.processes
        return Speed(earlier or guess, "as before" if earlier else "a rough guess for this GPU")
    product = measured_product()
    in_half = _IN_HALF[multiplies_bfloat16()] if compute_bytes(work) == 2 else 1
    share = earlier or _SHARE / in_half
    source = "by this machine's speed, measured now" + (" and before" if earlier else "")
    return Speed(product * share, source, product)


def remember(stage: str, base_hash: str, planned: Mapping[str, Any], seconds: float) -> None:
    """Keep what a run kept up, for the estimates of later ones on this machine.

    It is told `TrainingRun.planned` and the seconds that its steps took. Of a CPU it keeps a share
    of what that had been measured to do, since other work may slow both.
    """
    if not planned or seconds < _TOO_SHORT:
        return
    speeds = _read()
    share = planned["operations"] / seconds / planned["product"]
    speeds.setdefault(_key(planned["device"], base_hash), {})[stage] = float(f"{share:.3g}")
    write_atomically(_file(), json.dumps(speeds, indent=1) + "\n")


@cache
def measured_product() -> float:
    """Return the operations a second of a large float32 product, measured for 0.3 seconds."""
    import numpy as np

    draw = np.random.default_rng(0)
    first, second = (draw.standard_normal((_SIDE, _SIDE), dtype=np.float32) for _ in range(2))
    np.matmul(first, second)
    times, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < _SECONDS:
        np.matmul(first, second)
        times += 1
    return 2 * _SIDE**3 * times / passed


def _file() -> Path:
    return project_root() / "checkpoints" / ".speeds.json"


def _read() -> dict[str, dict[str, float]]:
    try:
        speeds = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return speeds if isinstance(speeds, dict) else {}


def _key(device: str, base_hash: str | None) -> str:
    return f"{device} {(base_hash or '')[:16]}"
