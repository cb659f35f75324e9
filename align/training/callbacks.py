"""The callback of every run: progress line, signals, whole saves, the best one, alarms."""

import itertools
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback

from align.console import progress, say
from align.training.alarms import Alarm, alarms, no_number
from align.training.prepared_run import TrainingRun
from align.training.run_state import record_steps, spread_of
from align.training.saves import (
    load_trainer_state,
    mark_whole,
    prune,
    restore_trainer_state,
    save_trainer_state,
    unmark,
)
from align.training.stopping import received_signal

# By stage: what says which save is the best, and whether more of it is better.
_BEST = {"sft": ("eval_loss", False), "dpo": ("eval_rewards/accuracies", True)}


class RunMonitor(TrainerCallback):
    """Stops a run after a signal, marks and prunes its saves, and sounds the alarms."""

    def __init__(
        self, trainer: Any, run: TrainingRun, listeners: list[Any], keep: int | None
    ) -> None:
        self.trainer, self.run, self.stage = trainer, run, run.stage
        self.stopped = 0  # the signal after which all processes stop at this step's end
        self.raised: dict[str, str] = {}  # the alarms that sounded, by name
        self.listeners = listeners  # callbacks with `on_alarm`
        self.seconds = 0.0  # how long the run has trained, also before it was stopped
        self._keep = keep
        self._line: Any = None
        self._started, self._before = time.monotonic(), 0.0
        self._epoch_ends = self._owed = False
        self._order: torch.Tensor | None = None
        self._epoch_order: torch.Tensor | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Restore what a stopped run saved, and open the progress line."""
        # A resumed run would log and save as its save says, whatever the recipe says now.
        state.compute_steps(args, state.max_steps)
        save = _save_of(args, state)
        if kept := load_trainer_state(save, args.process_index):
            restore_trainer_state(self.trainer, kept)
            self._order, self._before = kept["order"], kept["seconds"]
            self.raised = dict(kept["alarms"])
        self._started = time.monotonic()
        if state.is_world_process_zero:
            record_steps(self.run, state.max_steps, spread(self.trainer))
            start = f" from step {state.global_step}" if state.global_step else ""
            total = state.max_steps - state.global_step
            self._line = progress(itertools.count(), total, self.stage + start, unit="steps")
            next(self._line)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the state that the epoch's order of rows is drawn from, or restore it.

        Where rows are grouped by length, the order hangs on the state of torch's generator.
        """
        if self._order is not None:
            torch.set_rng_state(self._order)
            self._order = None
        self._epoch_order = torch.get_rng_state()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the progress line on, and stop with a save where any process received a signal."""
        if self._line is not None:
            next(self._line)
        self.stopped = self.stopped or _largest_of_all(received_signal(), args)
        if self.stopped:
            control.should_save = control.should_training_stop = True
        # A resumed run begins with the next epoch: what is measured at this one's end comes first.
        self._epoch_ends = state.epoch == int(state.epoch)
        if control.should_save:
            self._check_weights(state)
            if self._epoch_ends:
                control.should_save, self._owed = False, True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save what the last step put off; after a stop in mid-epoch do nothing more."""
        if self.stopped and not self._epoch_ends:
            control.should_save = control.should_evaluate = control.should_log = False
        elif self._owed or control.should_save:
            self._request_save(args, state, control)
        self._owed = self._epoch_ends = False

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **_: Any) -> None:
        """Save where no evaluation before was as good."""
        name, more_is_better = best_by(self.stage, args)
        if not self.trainer.is_in_train or not state.global_step or name not in metrics:
            return
        value = metrics[name]
        best = state.best_metric
        if best is None or (value > best if more_is_better else value < best):
            state.best_metric, state.best_global_step = value, state.global_step
            if self._epoch_ends:
                self._owed = True
            else:
                self._request_save(args, state, control)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Sound the alarms; UserError where the run is worth nothing any more."""
        for alarm in alarms(state.log_history, state.max_steps):
            if alarm.is_fatal:
                raise no_number(self.stage, state.global_step, alarm.sentence)
            if alarm.name not in self.raised:
                self.raised[alarm.name] = alarm.sentence
                if state.is_world_process_zero:
                    say(f"{self.stage}: ! {alarm.sentence}")
                    self.tell(alarm)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the save as whole once every process wrote its part, and prune older ones."""
        save = _save_of(args, state)
        self.seconds = self._before + time.monotonic() - self._started
        more = {"order": self._epoch_order, "seconds": self.seconds, "alarms": self.raised}
        save_trainer_state(save, self.trainer, args.process_index, more)
        self.trainer.accelerator.wait_for_everyone()
        if state.is_world_process_zero:
            mark_whole(save)
            prune(self.run.work, self._keep, state.best_global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the progress line."""
        self.seconds = self._before + time.monotonic() - self._started
        if self._line is not None:
            self._line.close()

    def tell(self, alarm: Alarm) -> None:
        """Tell the listeners of an alarm."""
        for listener in self.listeners:
            listener.on_alarm(alarm)

    def _request_save(self, args: Any, state: Any, control: Any) -> None:
        control.should_save = True
        # Written once more at the same step, it is half-written until that is done.
        if state.is_world_process_zero:
            unmark(_save_of(args, state))

    def _check_weights(self, state: Any) -> None:
        """Keep a broken model out of the saves, which a run would go on from for ever."""
        for weight in self.trainer.model.parameters():
            if weight.requires_grad and not torch.isfinite(weight).all():
                what = "a weight is not a number any more"
                raise no_number(self.stage, state.global_step, what)


def best_by(stage: str, args: Any) -> tuple[str, bool]:
    """Return the figure that tells the best save, and whether more of it is better."""
    if args.metric_for_best_model is None:
        return _BEST[stage]
    name = "eval_" + args.metric_for_best_model.removeprefix("eval_")
    return name, bool(args.greater_is_better)


def spread(trainer: Any) -> str:
    """Return over what a trainer's saves are spread."""
    zero = trainer.accelerator.state.deepspeed_plugin if trainer.is_deepspeed_enabled else None
    return spread_of(
        trainer.args.world_size, zero.zero_stage if zero else 0, fsdp=trainer.is_fsdp_enabled
    )


def _largest_of_all(number: int, args: Any) -> int:
    """Return the largest of the numbers that a run's processes give, the same in each."""
    if args.world_size == 1:
        return number
    largest = torch.tensor([number], device=args.device)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return int(largest.item())


def _save_of(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
