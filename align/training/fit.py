"""Fit: run a trainer to its end, from where it was stopped."""

import time
from typing import Any

from transformers import PrinterCallback, ProgressCallback, set_seed

from align.console import say
from align.training.head import project_learned_positions_only
from align.training.run import Run, is_main
from align.training.saving import last_whole
from align.training.watching import Watcher


def seed_everything(run: Run) -> None:
    """Seed what draws an adapter's first weights."""
    set_seed(run.recipe.seed)


def train(trainer: Any, run: Run) -> dict[str, Any]:
    """Train to the end, going on from the last whole save, and return what it measured.

    Losses and weights equal those of a run that was never stopped.
    """
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    watcher = Watcher(run.stage)
    trainer.add_callback(watcher)
    project_learned_positions_only(trainer.accelerator.device)
    resumed = last_whole(run.work)
    if resumed and is_main():
        say(f"{run.stage}: going on from step {resumed.name.split('-')[1]}")
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    measured: dict[str, Any] = {
        "steps": trainer.state.global_step,
        "seconds": round(time.monotonic() - started, 1),
    }
    if logged:
        measured |= {"first_loss": logged[0]["loss"], "last_loss": logged[-1]["loss"]}
    if watcher.raised:
        measured["alarms"] = watcher.raised
    return measured
