"""Run a trainer to its end, from where it was stopped."""

from pathlib import Path
from typing import Any

import torch.distributed as dist
from transformers import PrinterCallback, ProgressCallback, set_seed
from transformers.trainer_utils import SaveStrategy

from align.console import say
from align.errors import UserError
from align.paths import relative_to_root
from align.training.alarms import Alarm
from align.training.callbacks import RunMonitor, best_by, spread
from align.training.lm_head import project_learned_positions_only
from align.training.prepared_run import TrainingRun, is_main
from align.training.resume import check_spread
from align.training.run_state import RunState, stopped_sentence
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
    reporters = callbacks(trainer, run)
    listeners = [reporter for reporter in reporters if hasattr(reporter, "on_alarm")]
    monitor = RunMonitor(trainer, run, listeners, trainer.args.save_total_limit)
    # The monitor does both: transformers would prune before the new save is whole.
    trainer.args.save_total_limit = None
    if trainer.args.save_strategy == "best":
        trainer.args.save_strategy = SaveStrategy.NO
    for callback in (monitor, *reporters):
        trainer.add_callback(callback)
    project_learned_positions_only(trainer.accelerator.device)
    resumed = _last_save(run, trainer.args.world_size)
    if resumed:
        check_spread(run, spread(trainer))
    if resumed and is_main():
        say(f"{run.stage}: going on from step {step_of(resumed)}")
    try:
        with until_the_step_ends():
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
            if monitor.stopped:
                raise Stopped(monitor.stopped, stopped_sentence(run), is_agreed=True)
    except UserError as error:
        if is_main():
            monitor.tell(Alarm("stopped", str(error), is_fatal=True))
            if state := RunState.read(run.work):
                state.give_up(run.work)
        raise
    if hasattr(trainer, "pair_rewards"):
        # Evaluations on the way left theirs; what is measured last stands in twin.json.
        trainer.pair_rewards.clear()
    return _metrics_of(trainer, monitor, run)


def _metrics_of(trainer: Any, monitor: RunMonitor, run: TrainingRun) -> dict[str, Any]:
    state = trainer.state
    logged = [entry for entry in state.log_history if "loss" in entry]
    metrics: dict[str, Any] = {"steps": state.global_step, "seconds": round(monitor.seconds, 1)}
    if logged:
        metrics |= {"first_loss": logged[0]["loss"], "last_loss": logged[-1]["loss"]}
    if monitor.raised:
        metrics["alarms"] = list(monitor.raised.values())
    if state.best_global_step:
        name, _ = best_by(run.stage, trainer.args)
        step, value = state.best_global_step, state.best_metric
        metrics["best"] = {"step": step, "metric": name, "value": value}
    if run.recipe.ours.get("publish_best"):
        metrics["published_step"] = _take_best(trainer, run)
    return metrics


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


def _last_save(run: TrainingRun, processes: int) -> Path | None:
    """Return the save to go on from, one for all processes; UserError where they disagree."""
    if is_main():
        remove_broken(run.work)
    save = last_whole(run.work)
    if processes == 1:
        return save
    seen: list[Any] = [None] * processes
    dist.all_gather_object(seen, (run.inputs, save.name if save else None))
    if len({inputs for inputs, _ in seen}) > 1:
        raise UserError(
            run.stage,
            "the rows changed while the processes read them",
            "Run the same command again",
        )
    _, name = seen[0]
    save = run.work / name if name else None
    if save and not (save / WHOLE).is_file():
        raise UserError(
            relative_to_root(save),
            "this machine does not see the save that the first one goes on from",
            "Let checkpoints/ be a folder that all machines share",
        )
    return save
