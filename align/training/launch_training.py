"""`align sft` and `align dpo` before torch: check everything, then start the training process."""

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
    processes,
    read_settings,
    surroundings,
    zero_stage,
)
from align.training.preflight import before_download, on_rows
from align.training.preflight.auto_recipe import settled
from align.training.prepared_run import prepare, run_lock
from align.training.resume import check_spread, check_unfinished
from align.training.run_state import spread_of
from align.training.stopping import SIGNALS, code_of
from align.training.training_process import VERDICT, quiet_surroundings, say_unchanged
from align.training.training_request import TrainingRequest


def launch(asked: TrainingRequest, accelerate: str | None = None) -> int:
    """Check what is asked, start the run, and return its verdict.

    That is 0, 2 for mistakes, 130 after Ctrl-C, 143 after SIGTERM, and 1 for all else.

    Args:
        asked: The command line.
        accelerate: Name of a file in recipes/accelerate, or a path; chosen by machine if None.

    Raises:
        UserError: Something is not in order; nothing was started.
    """
    config = accelerate_file(accelerate)
    settings = read_settings(config)
    quiet_surroundings()
    asked = settled(asked, settings)
    before_download(asked, settings)
    run = prepare(asked, download=True)
    if run.finished:
        say_unchanged(run)
        return 0
    check_unfinished(run)
    check_spread(run, spread_of(processes(settings), _sharing(settings)))
    with run_lock(asked.owner_id):
        pass  # Another run would be in the way; the training process takes the lock itself.
    on_rows(run, settings)
    say(f"{asked.stage}: {len(run.rows.train)} rows for training, base {run.base.name}")
    module = [f"align.{asked.stage}", "--owner", asked.owner_id, "--config", str(run.recipe.path)]
    if asked.dataset:
        module += ["--dataset", str(Path(asked.dataset).expanduser().absolute())]
    if asked.stage == "dpo":
        module += ["--checkpoint", asked.checkpoint]
    module += ["--restart"] * asked.restart
    module += ["--allow-recipe-change"] * asked.allow_recipe_change
    module += asked.overrides
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict"
        environment = {**os.environ, **surroundings(settings), VERDICT: str(verdict)}
        # torchrun's agent would kill its workers 30 seconds after a signal, in the midst of a save.
        environment.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "600")
        code = _supervised(command(config, settings, module), environment)
        said = verdict.read_text() if verdict.is_file() else ""
    return int(said) if said else code


def _sharing(settings: dict[str, Any]) -> str:
    if stage := zero_stage(settings):
        return f"ZeRO stage {stage}"
    return "FSDP" if str(settings.get("distributed_type")).upper() == "FSDP" else ""


def _supervised(words: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; signals reach it, and its exit code comes back.

    Ctrl-C, or a signal to the whole group, reaches the child twice, which takes it for one wish.
    """
    with subprocess.Popen(words, env=environment) as child:
        heard = 0

        def pass_on(number: int, _: Any) -> None:
            nonlocal heard
            heard = heard or number
            child.send_signal(number)

        kept = {
            one: signal.signal(one, pass_on)
            for one in SIGNALS
            if signal.getsignal(one) is not signal.SIG_IGN
        }
        try:
            code = child.wait()
        finally:
            for one, action in kept.items():
                signal.signal(one, action)
    if heard or -code in SIGNALS:
        return code_of(heard or -code)
    return 1 if code < 0 else code
