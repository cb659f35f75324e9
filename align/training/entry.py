"""What `python -m align.sft` and `-m align.dpo` do around their training, each process alike."""

import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from align.console import say
from align.errors import UserError
from align.paths import relative_to_root
from align.training.run import Run, is_main, parse_arguments, prepare, run_lock

VERDICT = "SOUNDALIKE_VERDICT"


def enter(stage: str, words: Sequence[str], fit: Callable[[Run], None]) -> int:
    """Check, lock, train; return the exit code: 2 for the user's mistakes, 130 on Ctrl-C.

    Under `accelerate launch`, which turns any exit code but 0 into 1 and a traceback of its own,
    the code also goes to the file named by SOUNDALIKE_VERDICT, where `align` set one.
    """
    quiet_surroundings()
    try:
        run = prepare(parse_arguments(stage, words), write=is_main(), download=True)
        with run_lock(run.owner) if is_main() else nullcontext():
            if run.finished:
                say_unchanged(run)
            else:
                fit(run)
        code = 0
    except UserError as error:
        if os.environ.get("SOUNDALIKE_DEBUG"):
            traceback.print_exc()
        if is_main():
            say(str(error))
        code = 2
    except KeyboardInterrupt:
        if is_main():
            say("\nStopped. The same command goes on from the last whole save.")
        code = 130
    return _verdict(code)


def say_unchanged(run: Run) -> None:
    """Say that these inputs were trained on already."""
    if is_main() and run.finished:
        where = relative_to_root(run.finished)
        say(f"{run.stage}: nothing changed since {where}; skipped")


def quiet_surroundings() -> None:
    """Keep libraries from calling home, and from writing between our lines."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name, value in (
        ("TQDM_DISABLE", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1"),
        ("DATASETS_VERBOSITY", "error"),
        ("HF_DATASETS_DISABLE_PROGRESS_BARS", "1"),
        ("DS_LOG_LEVEL", "error"),
    ):
        os.environ.setdefault(name, value)
    if not shutil.which("nvidia-smi"):
        # deepspeed, which accelerate imports by the way, would say that it found no GPU.
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    if not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")


def _verdict(code: int) -> int:
    path = os.environ.get(VERDICT)
    if path and is_main():
        Path(path).write_text(str(code))
        # Alone, nobody waits for this process to fail; the launcher can stay quiet.
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return 0
    return code
