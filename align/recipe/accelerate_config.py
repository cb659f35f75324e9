"""How accelerate is told where to train: its file, its command, and what surrounds it."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from align.errors import UserError
from align.paths import project_root, recipes_dir, relative_to_root


def command(config: Path, settings: dict[str, Any], module: list[str]) -> list[str]:
    """Return what is run: `accelerate launch`, or Python itself for a single process.

    The launcher imports torch once more before it starts a single process, which takes longer than
    its one contribution, the environment that `surroundings` gives. UserError: the file wants GPUs
    that are not here, or several machines.
    """
    if is_single(settings):
        return [sys.executable, "-m", *module]
    if machines(settings) > 1:
        raise UserError(
            relative_to_root(config),
            "several machines can't be started from one",
            "Run the command at the top of the file on each",
        )
    if not settings.get("use_cpu") and not visible_gpus():
        raise UserError(
            relative_to_root(config), "it wants CUDA devices, and none is visible",
            "Choose another with --accelerate, or see CUDA_VISIBLE_DEVICES",
        )  # fmt: skip
    launcher = [sys.executable, "-m", "align.training.accelerate_launcher"]
    launcher += ["--config_file", str(config), "--num_processes", str(processes(settings))]
    # A free port: on accelerate's fixed 29500 two jobs of one machine would meet.
    launcher += ["--main_process_port", "0"]
    return [*launcher, "-m", *module]


def surroundings(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of the training process."""
    # Modules are found from the checkout, whatever the current folder is.
    checkout = str(Path(__file__).resolve().parents[2])
    paths = [checkout, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "SOUNDALIKE_ROOT": str(project_root())}
    if settings.get("use_cpu"):
        # glibc would give each large tensor back to the system and fetch it anew, zeroed: half of
        # the system time of a small model's step.
        environment["MALLOC_MMAP_THRESHOLD_"] = str(1 << 32)
        environment["MALLOC_TRIM_THRESHOLD_"] = str(1 << 34)
        if _kind(settings) != "DEEPSPEED":
            # Where this stands accelerate leaves DeepSpeed out without a word.
            environment["ACCELERATE_USE_CPU"] = "true"
    here = processes(settings) // machines(settings)
    if here > 1:
        # The launcher would give each process a single thread.
        cores = max(1, (os.cpu_count() or 1) // here)
        environment["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", str(cores))
    if is_single(settings):
        environment["ACCELERATE_MIXED_PRECISION"] = str(settings.get("mixed_precision") or "no")
        if not settings.get("use_cpu"):
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
            # A single process that sees two GPUs would be refused by TRL.
            environment["CUDA_VISIBLE_DEVICES"] = visible.split(",")[0]
    return environment


def accelerate_file(name: str | None) -> Path:
    """Return the configuration that is named (UserError: no such file), else this machine's."""
    word = name or _fitting()
    folder = recipes_dir() / "accelerate"
    path = folder / f"{word}.yaml"
    if word.endswith((".yaml", ".yml")):
        path = Path(word).expanduser().absolute()
    if not path.is_file():
        files = sorted(folder.rglob("*.yaml"), key=lambda file: (len(file.parts), file))
        known = ", ".join(str(file.relative_to(folder).with_suffix("")) for file in files)
        raise UserError(f"--accelerate {word}", "no such configuration", f"Known: {known}")
    return path


def _fitting() -> str:
    """Return the name of the configuration for the hardware, found without importing torch."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "mps"
    gpus = visible_gpus()
    return "cpu" if not gpus else "single_gpu" if gpus == 1 else "multi_gpu"


def visible_gpus() -> int:
    """Return how many CUDA devices a process sees here, as CUDA_VISIBLE_DEVICES leaves them."""
    if not shutil.which("nvidia-smi"):
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    gpus = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return gpus
    seen = 0
    for part in visible.split(","):
        word = part.strip()
        # CUDA stops reading at the first device that isn't there; -1 is the common way to say so.
        if not word or word.startswith("-") or (word.isdigit() and int(word) >= gpus):
            break
        seen += 1
    return seen if gpus else 0


def read_settings(config: Path) -> dict[str, Any]:
    """Return what an accelerate file says; UserError where it is no YAML of keys and values."""
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    if not isinstance(settings, dict):
        raise UserError(relative_to_root(config), "not an accelerate configuration")
    return settings


def is_single(settings: dict[str, Any]) -> bool:
    """Tell whether one process on one device trains."""
    return _kind(settings) in ("NO", "FALSE", "MPS") and processes(settings) == 1


def processes(settings: dict[str, Any]) -> int:
    """Return how many processes train, over all machines.

    Where the file leaves `num_processes` out, it is one for each GPU that is visible here.
    """
    count = settings.get("num_processes")
    if count:
        return int(count)
    if _kind(settings) in ("NO", "FALSE", "MPS") or settings.get("use_cpu"):
        return 1
    return max(1, visible_gpus()) * machines(settings)


def machines(settings: dict[str, Any]) -> int:
    """Return over how many machines the processes are spread."""
    return int(settings.get("num_machines") or 1)


def zero_stage(settings: dict[str, Any]) -> int:
    """Return DeepSpeed's ZeRO stage: 0 without DeepSpeed, else 0 to 3."""
    config = _deepspeed(settings)
    return int(config.get("stage", config.get("zero_stage", 2)))


def offload(settings: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether DeepSpeed keeps (optimiser states, parameters) outside the devices."""
    config = _deepspeed(settings)

    def outside(part: str) -> bool:
        own = config.get(f"offload_{part}") or {}
        device = own.get("device") or config.get(f"offload_{part}_device")
        return str(device or "none").lower() != "none"

    return outside("optimizer"), outside("param")


def _deepspeed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return accelerate's own DeepSpeed keys, or `zero_optimization` of its file; else stage 0."""
    if _kind(settings) != "DEEPSPEED":
        return {"stage": 0}
    config = settings.get("deepspeed_config") or {}
    file = config.get("deepspeed_config_file")
    if not file:
        return dict(config)
    try:
        own = json.loads(Path(file).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        own = None
    if not isinstance(own, dict):
        raise UserError(str(file), "not a DeepSpeed configuration", "Mend deepspeed_config_file")
    return {"stage": 0, **own.get("zero_optimization", {})}


def _kind(settings: dict[str, Any]) -> str:
    return str(settings.get("distributed_type") or "NO").upper()
