"""What training promises, on this machine's GPU: `python -m benchmarks.gpu_check`.

Needs no set-up: an interpreter that holds torch, transformers, trl, peft, accelerate and datasets
is enough, further packages come through PYTHONPATH. Reaches no network, trains random models in a
temporary folder, and takes minutes. The figures go to benchmarks/results/gpu.json.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu.ground import CHECKOUT, Ground, hushed, surroundings
from benchmarks.gpu.walk import Check, Outcome, walk
from benchmarks.harness import write

FILE = CHECKOUT / "benchmarks" / "results" / "gpu.json"
NEEDED = (
    "torch", "transformers", "trl", "peft", "accelerate", "datasets", "safetensors", "yaml",
    "pydantic",
)  # fmt: skip
OPTIONAL = {"deepspeed": "ZeRO", "bitsandbytes": "four bits"}
_DISTRIBUTIONS = {"yaml": "pyyaml"}


def checks() -> list[Check]:
    """Return all checks, in their order."""
    from benchmarks.gpu import answering, half_billion, interrupted, training

    return [
        Check("device", half_billion.device),
        Check("families", training.families),
        Check("bf16, gradient checkpointing", training.checkpointing),
        Check("reference", training.reference),
        Check("stopped and resumed", training.resuming),
        Check("killed and resumed", interrupted.killed),
        Check("batch shapes", training.batch_shapes),
        Check("ZeRO-2", interrupted.zero2),
        Check("ZeRO-3", interrupted.zero3),
        Check("export", answering.exporting),
        Check("sampling", answering.sampling),
        Check("four bits", answering.four_bits),
        Check("half a billion weights", half_billion.half_billion),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Take the checks, print how they went, and record them; 0, 1 where one failed, 2 at once."""
    known = [check.name for check in checks()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the walk itself")
    parser.add_argument("--only", nargs="+", choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"(default: {FILE.name})")
    options = parser.parse_args(words)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = see_one_device() if options.device == "cuda" else 0
    reason = unfit(options.device)
    if reason:
        print(reason, file=sys.stderr)
        return 2
    chosen = [one for one in checks() if not options.only or one.name in options.only]
    started = time.monotonic()
    print(machine(options.device, gpus), flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="gpu-check-") as folder,
        surroundings(options.device, Path(folder)),
    ):
        with hushed():
            ground = Ground(Path(folder), options.device, options.small, gpus, visible)
        outcomes = walk(chosen, ground, lambda one: print(one.line(), flush=True))
    whole = options.device == "cuda" and not options.small and not options.only
    file = options.json or (FILE if whole else None)
    print()
    write("gpu_check", [row for one in outcomes for row in one.recorded()], file,
          on=machine(options.device, gpus))  # fmt: skip
    print(f"\n{summary(outcomes)}, {time.monotonic() - started:.0f} s")
    return int(any(one.state == "failed" for one in outcomes))


def see_one_device() -> int:
    """Leave this process the first GPU, before CUDA starts, and return how many there are.

    With several in sight the trainer would split each batch among them.
    """
    from align.recipe.accelerate_config import visible_gpus

    gpus = visible_gpus()
    if gpus > 1:
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        os.environ["CUDA_VISIBLE_DEVICES"] = first
    return gpus


def unfit(device: str) -> str | None:
    """Return why nothing can be checked here, or None."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        named = " ".join(_DISTRIBUTIONS.get(name, name) for name in missing)
        return (
            f"{sys.executable}: {named} missing. Install them, or put a folder that holds them "
            f"on PYTHONPATH: pip install --target FOLDER {named}"
        )
    if device == "cpu":
        return None
    import torch

    if not torch.cuda.is_available():
        return "No CUDA device that torch sees. Try the walk with --device cpu --small."
    if not torch.cuda.is_bf16_supported():
        return f"{torch.cuda.get_device_name(0)} has no bf16."
    return None


def machine(device: str, gpus: int) -> str:
    """Return what it was measured on: device and versions."""
    import torch

    versions = [f"Python {platform.python_version()}"]
    for name in (*NEEDED[:6], *OPTIONAL):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    named = f"{platform.machine()} CPU"
    if device == "cuda":
        named = f"{max(1, gpus)} x {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"
    return f"{named}; {', '.join(versions)}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return how many checks went how."""
    states = [one.state for one in outcomes]
    return ", ".join(f"{states.count(state)} {state}" for state in ("ok", "failed", "skipped"))


if __name__ == "__main__":
    sys.exit(main())
