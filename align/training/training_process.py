"""What each process of `python -m align.sft` and `-m align.dpo` does around its training."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from align.command_line import share_cores
from align.console import say
from align.errors import UserError
from align.models.checkpoints import link_newest
from align.paths import relative_to_root
from align.training.prepared_run import TrainingRun, is_main, prepare, read_run, run_lock
from align.training.recipe_family import named
from align.training.run_state import stopped_sentence
from align.training.settle import begin, settle
from align.training.stopping import Stopped, catching_signals, code_of
from align.training.training_request import parse_request

VERDICT = "SOUNDALIKE_VERDICT"
SETTLED = "--settled"


def enter(stage: str, words: Sequence[str], train: Callable[[TrainingRun], None]) -> int:
    """Settle, lock, train; return the exit code: 2 for the user's mistakes, 130 or 143 if stopped.

    The words are `--settled FILE` from `align`; else the command line after a bare launcher. Under
    `accelerate launch`, which turns any exit code but 0 into 1 and a traceback of its own, the code
    also goes to the file named by SOUNDALIKE_VERDICT, where `align` set one.
    """
    quiet_surroundings()
    with catching_signals():
        try:
            return _verdict(_train(stage, words, train))
        except Stopped as stopped:
            sentence = stopped.sentence or f"{stage}: stopped; the same command goes on"
            if is_main():
                say(sentence)
            return _verdict(code_of(stopped.number), is_agreed=stopped.is_agreed)
        except KeyboardInterrupt:
            return _verdict(code_of(signal.SIGINT))


def _train(stage: str, words: Sequence[str], train: Callable[[TrainingRun], None]) -> int:
    """Settle, lock and train; return 0, or 2 where the user can mend what is wrong."""
    try:
        run = _settled(stage, words)
        with run_lock(run.owner_id) if is_main() else nullcontext():
            if run.finished:
                say_unchanged(run)
            else:
                _train_until_stopped(run, train)
                _close_group()
    except UserError as error:
        if os.environ.get("SOUNDALIKE_DEBUG"):
            traceback.print_exc()
        if is_main():
            say(str(error))
        return 2
    return 0


def _close_group() -> None:
    """End what several processes talked through: a thread of it can abort one at its exit."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _settled(stage: str, words: Sequence[str]) -> TrainingRun:
    """Return the run that `align` settled; after a bare launcher settle it here.

    There each process prepares the run by itself; the trainer checks that they agree.
    """
    if words[:1] == [SETTLED]:
        return read_run(Path(words[1]))
    request = parse_request(stage, words)
    if not is_main():
        return prepare(named(request), write=False, download=True)
    run = settle(request)
    if not run.finished:
        begin(run, restart=request.restart)
    return run


def _train_until_stopped(run: TrainingRun, train: Callable[[TrainingRun], None]) -> None:
    try:
        train(run)
    except Stopped as stopped:
        # Loading, evaluating or publishing: whatever was saved before is as good as it was.
        is_ready = f"{run.stage}: stopped, but the twin is ready" if run.finished else ""
        stopped.sentence = stopped.sentence or is_ready or stopped_sentence(run)
        raise


def say_unchanged(run: TrainingRun) -> None:
    """Say that these inputs were trained on already, and finish their publication if need be."""
    if is_main() and run.finished:
        # A kill between the number and the link leaves the link at the one before.
        link_newest(run.owner_id, run.stage)
        where = relative_to_root(run.finished)
        say(f"{run.stage}: nothing changed since {where}; skipped")


def quiet_surroundings() -> None:
    """Keep libraries from calling home, from writing between our lines, and off others' cores."""
    share_cores()
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


def _verdict(code: int, *, is_agreed: bool = False) -> int:
    path = os.environ.get(VERDICT)
    if path and is_main() and Path(path).parent.is_dir():
        Path(path).write_text(str(code))
    # Where no other process waits for this one to fail, the launcher can stay quiet.
    alone = is_agreed or int(os.environ.get("WORLD_SIZE", "1")) == 1
    return 0 if path and alone else code
