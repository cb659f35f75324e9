"""How accelerate is told where to train: its file, its command, and what surrounds it."""

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

    The launcher imports torch once more before it starts a single process, which takes longer
    than its one contribution, the environment that `surroundings` gives.
    """
    if is_single(settings):
        return [sys.executable, "-m", *module]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    return [*launcher, "-m", *module]


def surroundings(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of the training process."""
    # Modules are found from the checkout, whatever the current folder is.
    checkout = str(Path(__file__).resolve().parents[2])
    paths = [checkout, *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {"PYTHONPATH": os.pathsep.join(paths), "SOUNDALIKE_ROOT": str(project_root())}
    if settings.get("use_cpu"):
        # glibc would give each large tensor back to the system and fetch it anew, zeroed: half of
        # the system time of a small model's step.
        found["ACCELERATE_USE_CPU"] = "true"
        found |= {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
    processes = int(settings.get("num_processes") or 1)
    if processes > 1 and settings.get("use_cpu"):
        # The launcher would give each process a single thread.
        found["OMP_NUM_THREADS"] = os.environ.get(
            "OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes))
        )
    if is_single(settings):
        found["ACCELERATE_MIXED_PRECISION"] = str(settings.get("mixed_precision") or "no")
        if not settings.get("use_cpu"):
            found["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return found


def accelerate_file(named: str | None) -> Path:
    """Return the accelerate configuration that is named, or the one that fits this machine.

    Raises:
        UserError: There is no such file.
    """
    word = named or _fitting()
    path = recipes_dir() / "accelerate" / f"{word}.yaml"
    if word.endswith((".yaml", ".yml")):
        path = Path(word).expanduser().absolute()
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in (recipes_dir() / "accelerate").glob("*.yaml")))
        raise UserError(f"--accelerate {word}", "no such configuration", f"Known: {known}")
    return path


def _fitting() -> str:
    """Return the name of the configuration for the hardware, found without importing torch."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "mps"
    if not shutil.which("nvidia-smi"):
        return "cpu"
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    gpus = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return "cpu" if not gpus else "single_gpu" if gpus == 1 else "multi_gpu"


def read_settings(config: Path) -> dict[str, Any]:
    """Return what an accelerate file says.

    Raises:
        UserError: It is no YAML of keys and values.
    """
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    if not isinstance(settings, dict):
        raise UserError(relative_to_root(config), "not an accelerate configuration")
    return settings


def is_single(settings: dict[str, Any]) -> bool:
    """Tell whether one process on one device trains."""
    kind = str(settings.get("distributed_type") or "NO").upper()
    return kind in ("NO", "FALSE", "MPS") and int(settings.get("num_processes") or 1) == 1
