"""`align sample` before torch: check everything, then draw here or in several processes."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from align.console import say
from align.recipe.accelerate_config import (
    accelerate_file,
    command,
    is_single,
    read_settings,
    surroundings,
    visible_gpus,
)
from align.sampling.device_memory import check_each_holds, must_be_spread
from align.sampling.sampling_run import SamplingRequest, SamplingRun, prepare
from align.training.stopping import signals_to
from align.training.training_process import VERDICT, quiet_surroundings

GOES_ON = "What was drawn is kept; the same command goes on from here."


def sample(request: SamplingRequest, accelerate: str | None = None) -> int:
    """Draw what a request asks for, in as many processes as `accelerate` says.

    That is the name of a file in recipes/accelerate, or a path. If None, every visible GPU draws
    where there are several and each can hold the model, else this process alone. Return 0, 130
    where it was stopped, or 1 where a process was lost. UserError: something is not in order;
    nothing was drawn.
    """
    config = accelerate_file(accelerate) if accelerate else None
    run = prepare(request)
    config = config or _fitting(run)
    if config and not is_single(read_settings(config)):
        check_each_holds(request.spread, run.checkpoint)
        if run.missing:
            run.conn.close()
            return _launched(config, request)
    if run.missing:
        run.draw(model_of(run))
    else:
        say("All answers of this twin, seed and settings are drawn already.")
    run.report()
    return 0


def model_of(run: SamplingRun) -> Any:
    """Return the model that a single process draws from, spread where it must be."""
    spread = run.request.spread or must_be_spread(run.checkpoint)
    from align.models.loading import load_model

    return load_model(run.checkpoint, device_map="auto" if spread else None)


def _fitting(run: SamplingRun) -> Path | None:
    """Return the configuration of several processes, where they save time; None for this one."""
    # Batches are dealt whole: what is one batch is one process's.
    if run.request.spread or run.missing <= run.request.batch_size or visible_gpus() < 2:
        return None
    return None if must_be_spread(run.checkpoint) else accelerate_file("multi_gpu")


def _launched(config: Path, request: SamplingRequest) -> int:
    """Start the processes, pass signals on to rank 0, and return what it says."""
    settings = read_settings(config)
    quiet_surroundings()
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict"
        environment = {**os.environ, **surroundings(settings), VERDICT: str(verdict)}
        words = command(config, settings, ["align.sampling", *request.words()])
        stopped_by = _supervised(words, environment, rank_0_file(verdict))
        code = verdict.read_text() if verdict.is_file() else ""
    if stopped_by:
        say(f"\nStopped. {GOES_ON}")
        return 128 + stopped_by
    if code in ("0", "1", "2"):
        return int(code)
    # The launcher stopped rank 0, or a kill did, before it could tell which process was lost.
    say(f"A process of the job ended before its share was drawn. {GOES_ON}")
    return 1


def rank_0_file(verdict: Path) -> Path:
    """Return the file in which rank 0 says which process it is."""
    return verdict.with_name("rank-0")


def _supervised(words: list[str], environment: dict[str, str], rank_0: Path) -> int:
    """Run a launcher to its end; return the signal that stopped it, or 0.

    A signal goes to rank 0 alone: it stores what it has and ends, the others follow, and the
    launcher, which would answer a signal with a traceback, sees a job that is done.
    """
    with subprocess.Popen(words, env=environment, start_new_session=True) as child:
        stopped_by = 0

        def pass_on(number: int, _: Any) -> None:
            nonlocal stopped_by
            stopped_by = stopped_by or number
            try:
                os.kill(int(rank_0.read_text()), number)
            except (OSError, ValueError):
                child.terminate()  # Rank 0 has not begun, or is gone.

        with signals_to(pass_on, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            child.wait()
    return stopped_by
