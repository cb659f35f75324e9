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
from align.sampling.sampling_run import Asked, Run, prepare
from align.training.training_process import VERDICT, quiet_surroundings

GOES_ON = "What was drawn is kept; the same command goes on from here."


def sample(asked: Asked, accelerate: str | None = None) -> int:
    """Draw what is asked, in as many processes as `accelerate` says.

    Args:
        asked: The command line.
        accelerate: Name of a file in recipes/accelerate, or a path. If None, every visible GPU
            draws where there are several and each can hold the model, else this process alone.

    Returns:
        0, 130 where it was stopped, or 1 where a process was lost.

    Raises:
        UserError: Something is not in order; nothing was drawn.
    """
    config = accelerate_file(accelerate) if accelerate else None
    run = prepare(asked)
    config = config or _fitting(run)
    if config and not is_single(read_settings(config)):
        check_each_holds(asked.spread, run.checkpoint)
        if run.missing:
            run.conn.close()
            return _launched(config, asked)
    if run.missing:
        run.draw(model_of(run))
    else:
        say("All answers of this twin, seed and settings are drawn already.")
    run.report()
    return 0


def model_of(run: Run) -> Any:
    """Return the twin that a single process draws from, spread where it must be."""
    spread = run.asked.spread or must_be_spread(run.checkpoint)
    from align.models.loading import load_model

    return load_model(run.checkpoint, device_map="auto" if spread else None)


def _fitting(run: Run) -> Path | None:
    """Return the configuration of several processes, where they save time; None for this one."""
    # Batches are dealt whole: what is one batch is one process's.
    if run.asked.spread or run.missing <= run.asked.batch_size or visible_gpus() < 2:
        return None
    return None if must_be_spread(run.checkpoint) else accelerate_file("multi_gpu")


def _launched(config: Path, asked: Asked) -> int:
    """Start the processes, pass signals on to rank 0, and return what it says."""
    settings = read_settings(config)
    quiet_surroundings()
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict"
        environment = {**os.environ, **surroundings(settings), VERDICT: str(verdict)}
        words = command(config, settings, ["align.sampling", *asked.words()])
        heard = _supervised(words, environment, rank_0_file(verdict))
        said = verdict.read_text() if verdict.is_file() else ""
    if heard:
        say(f"\nStopped. {GOES_ON}")
        return 128 + heard
    if said in ("0", "1", "2"):
        return int(said)
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
        heard = 0

        def pass_on(number: int, _: Any) -> None:
            nonlocal heard
            heard = heard or number
            try:
                os.kill(int(rank_0.read_text()), number)
            except (OSError, ValueError):
                child.terminate()  # Rank 0 has not begun, or is gone.

        kept = {
            one: signal.signal(one, pass_on)
            for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(one) is not signal.SIG_IGN
        }
        try:
            child.wait()
        finally:
            for one, action in kept.items():
                signal.signal(one, action)
    return heard
