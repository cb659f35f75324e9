"""`align sft` and `align dpo` before torch: check everything, then start the training process."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from align.console import say
from align.errors import UserError
from align.paths import project_root, recipes_dir, relative_to_root
from align.training.entry import VERDICT, quiet_surroundings, say_unchanged
from align.training.run import Asked, prepare, run_lock


def launch(asked: Asked, accelerate: str | None = None) -> int:
    """Check what is asked, start the run, and return its verdict: 0, 2 for mistakes, 130, or 1.

    Args:
        asked: The command line.
        accelerate: Name of a file in recipes/accelerate, or a path; chosen by machine if None.

    Raises:
        UserError: Something is not in order; nothing was started.
    """
    config = accelerate_file(accelerate)
    settings = _settings(config)
    quiet_surroundings()
    run = prepare(asked, download=True)
    if run.finished:
        say_unchanged(run)
        return 0
    with run_lock(asked.owner):
        pass  # Another run would be in the way; the training process takes the lock itself.
    say(f"{asked.stage}: {len(run.rows.train)} rows for training, base {run.base.name}")
    module = [f"align.{asked.stage}", "--owner", asked.owner, "--config", str(run.recipe.path)]
    if asked.dataset:
        module += ["--dataset", str(Path(asked.dataset).expanduser().absolute())]
    if asked.stage == "dpo":
        module += ["--checkpoint", asked.checkpoint]
    module += asked.overrides
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict"
        environment = {**os.environ, **surroundings(settings), VERDICT: str(verdict)}
        code = _supervised(command(config, settings, module), environment)
        said = verdict.read_text() if verdict.is_file() else ""
    return int(said) if said else code


def command(config: Path, settings: dict[str, Any], module: list[str]) -> list[str]:
    """Return what is run: `accelerate launch`, or Python itself for a single process.

    The launcher imports torch once more before it starts a single process, which takes longer
    than its one contribution, the environment that `surroundings` gives.
    """
    if _is_single(settings):
        return [sys.executable, "-m", *module]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    return [*launcher, "-m", *module]


def surroundings(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of the training process."""
    # Modules are found from the checkout, whatever the current folder is.
    checkout = str(Path(__file__).resolve().parent.parent)
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
    if _is_single(settings):
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


def _settings(config: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    if not isinstance(settings, dict):
        raise UserError(relative_to_root(config), "not an accelerate configuration")
    return settings


def _is_single(settings: dict[str, Any]) -> bool:
    kind = str(settings.get("distributed_type") or "NO").upper()
    return kind in ("NO", "FALSE", "MPS") and int(settings.get("num_processes") or 1) == 1


def _supervised(words: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; signals reach it, and its exit code comes back."""
    with subprocess.Popen(words, env=environment) as child:
        stopped = False

        def pass_on(number: int, _: Any) -> None:
            nonlocal stopped
            stopped = True
            # Ctrl-C reached the child already: it is in the same group of processes.
            if number != signal.SIGINT:
                child.send_signal(signal.SIGINT)

        kept = {one: signal.signal(one, pass_on) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = child.wait()
        finally:
            for one, action in kept.items():
                signal.signal(one, action)
    return 130 if stopped or code == -signal.SIGINT else 1 if code < 0 else code
