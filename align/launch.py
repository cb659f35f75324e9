"""`align sft` and `align dpo` before torch: check everything, then start the training process."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from align.console import say
from align.training.accelerate_config import (
    accelerate_file,
    command,
    read_settings,
    surroundings,
)
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
    settings = read_settings(config)
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
