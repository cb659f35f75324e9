"""Fit: run a trainer to its end, from where it was stopped."""

from pathlib import Path
from typing import Any

import torch.distributed as dist
from transformers import PrinterCallback, ProgressCallback, set_seed
from transformers.trainer_utils import SaveStrategy

from align.console import say
from align.errors import UserError
from align.paths import relative_to_root
from align.training.alarms import Alarm
from align.training.callbacks import Watcher, best_by, spread
from align.training.lm_head import project_learned_positions_only
from align.training.prepared_run import TrainingRun, is_main
from align.training.resume import check_spread
from align.training.run_state import changes_of, give_up, where_it_stands
from align.training.saves import WHOLE, last_whole, remove_broken, step_of
from align.training.stopping import Stopped, until_the_step_ends
from align.training.tracking.reporter import callbacks


def seed_everything(run: TrainingRun) -> None:
    """Seed what draws an adapter's first weights."""
    set_seed(run.recipe.seed)


def train(trainer: Any, run: TrainingRun) -> dict[str, Any]:
    """Train to the end, going on from the last whole save, and return what it measured.

    Losses and weights equal those of a run that was never stopped.

    Raises:
        Stopped: A signal came; the step that it came in is saved.
        UserError: The run is worth nothing, and no checkpoint of it is left.
    """
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    listeners = callbacks(trainer, run)
    watcher = Watcher(
        trainer,
        run,
        [one for one in listeners if hasattr(one, "on_alarm")],
        trainer.args.save_total_limit,
    )
    # The watcher does both: transformers would prune before the new save is whole.
    trainer.args.save_total_limit = None
    if trainer.args.save_strategy == "best":
        trainer.args.save_strategy = SaveStrategy.NO
    trainer.add_callback(watcher)
    for callback in listeners:
        trainer.add_callback(callback)
    project_learned_positions_only(trainer.accelerator.device)
    resumed = _last_save(run)
    if resumed:
        check_spread(run, spread(trainer))
    if resumed and is_main():
        say(f"{run.stage}: going on from step {step_of(resumed)}")
    try:
        with until_the_step_ends():
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
            if watcher.stopped:
                raise Stopped(watcher.stopped, where_it_stands(run), is_agreed=True)
    except UserError as error:
        if is_main():
            watcher.tell(Alarm("stopped", str(error), is_fatal=True))
            give_up(run)
        raise
    if hasattr(trainer, "pair_rewards"):
        # Evaluations on the way left theirs; what is measured last stands in twin.json.
        trainer.pair_rewards.clear()
    return _measured(trainer, watcher, run)


def _measured(trainer: Any, watcher: Watcher, run: TrainingRun) -> dict[str, Any]:
    state = trainer.state
    logged = [entry for entry in state.log_history if "loss" in entry]
    measured: dict[str, Any] = {"steps": state.global_step, "seconds": round(watcher.seconds, 1)}
    if logged:
        measured |= {"first_loss": logged[0]["loss"], "last_loss": logged[-1]["loss"]}
    if watcher.raised:
        measured["alarms"] = list(watcher.raised.values())
    if changes := changes_of(run):
        measured["recipe_changes"] = changes
    if state.best_global_step:
        name, _ = best_by(run.stage, trainer.args)
        measured["best"] = {
            "step": state.best_global_step,
            "metric": name,
            "value": state.best_metric,
        }
    if run.recipe.ours.get("publish_best"):
        measured["published_step"] = _take_best(trainer, run)
    return measured


def _take_best(trainer: Any, run: TrainingRun) -> int:
    """Give the trainer the weights of the best save, and return its step."""
    last, best = trainer.state.global_step, trainer.state.best_global_step
    save = run.work / f"checkpoint-{best}"
    if best is None or not (save / WHOLE).is_file():
        if is_main():
            say(f"{run.stage}: nothing was evaluated on the way; the last step is published")
        return int(last)
    if best != last:
        trainer.state.best_model_checkpoint = str(save)
        trainer._load_best_model()
        if is_main():
            say(f"{run.stage}: step {best} of {last} was the best, and is the one published")
    return int(best)


def _last_save(run: TrainingRun) -> Path | None:
    """Return the save to go on from: what the first process sees, for all of them."""
    if is_main():
        remove_broken(run.work)
    found = last_whole(run.work)
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return found
    names = [found.name if found else None]
    dist.broadcast_object_list(names, src=0)
    save = run.work / names[0] if names[0] else None
    if save and not (save / WHOLE).is_file():
        raise UserError(
            relative_to_root(save),
            "this machine does not see the save that the first one goes on from",
            "Let checkpoints/ be a folder that all machines share",
        )
    return save
