"""`align sft` and `align dpo`: settle the run without torch, then start the process that trains."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from align.console import say
from align.recipe.accelerate_config import accelerate_file, command, read_settings, surroundings
from align.training.preflight.auto_recipe import settled
from align.training.settle import begin, settle
from align.training.stopping import SIGNALS, code_of, signals_to
from align.training.training_process import SETTLED, VERDICT, quiet_surroundings, say_unchanged
from align.training.training_request import TrainingRequest


def launch(request: TrainingRequest, accelerate: str | None = None) -> int:
    """Check what is asked, train it in a process of its own, and return that one's exit code.

    That is 0, 2 for mistakes, 130 after Ctrl-C, 143 after SIGTERM, and 1 for all else. `accelerate`
    names a file in recipes/accelerate, or a path; chosen by machine if None. UserError: something
    is not in order; nothing was started.
    """
    config = accelerate_file(accelerate)
    settings = read_settings(config)
    quiet_surroundings()
    request = settled(request, settings)
    run = settle(request, settings)
    if run.finished:
        say_unchanged(run)
        return 0
    say(f"{run.stage}: {len(run.rows.train)} rows for training, base {run.base.name}")
    file = begin(run, restart=request.restart)
    words = command(config, settings, [f"align.{run.stage}", SETTLED, str(file)])
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict"
        environment = {**os.environ, **surroundings(settings), VERDICT: str(verdict)}
        # torchrun's agent would kill its workers 30 seconds after a signal, in the midst of a save.
        environment.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "600")
        code = _supervised(words, environment)
        text = verdict.read_text() if verdict.is_file() else ""
    return int(text) if text else code


def _supervised(words: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; signals reach it, and its exit code comes back.

    Ctrl-C, or a signal to the whole group, reaches the child twice, which takes it for one.
    """
    with subprocess.Popen(words, env=environment) as child:
        received = 0

        def pass_on(number: int, _: Any) -> None:
            nonlocal received
            received = received or number
            child.send_signal(number)

        with signals_to(pass_on, *SIGNALS):
            code = child.wait()
    if received or -code in SIGNALS:
        return code_of(received or -code)
    return 1 if code < 0 else code
