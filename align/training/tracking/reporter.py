"""Report on a run to wandb and the like: figures, and no text of the owner's.

transformers' own reporters would send all settings, the owner's folder among them; these take
their place. Only the main process reports, and nothing that goes wrong here stops a training.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.integrations.integration_utils import rewrite_logs

from align.console import say
from align.files import write_atomically
from align.models.checkpoints import next_number
from align.training.prepared_run import TrainingRun, is_main
from align.training.tracking import run_config, speed
from align.training.tracking.trackers import Tracker, open_tracker
from align.training.tracking.wandb_runs import PROJECT, names_of, without_names

# Where a run's folder keeps its name and id while it goes on.
FILE = "tracking.json"
# What transformers logs once, when training ends.
_AT_END = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss",
           "total_flos")  # fmt: skip


def callbacks(trainer: Any, run: TrainingRun) -> list[TrainerCallback]:
    """Return what measures a run's speed, and reports on it where the recipe asks for that."""
    return [Reporter(trainer, run)] if is_main() else []


def finish(trainer: Any, run: TrainingRun, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Report what only the end of a run shows, close its trackers, and return its speed.

    `metrics` are what stands in twin.json so far.
    """
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, Reporter):
            return callback.finish(metrics, trainer.state.log_history)
    return {}


class Reporter(TrainerCallback):
    """Measures a run's speed, and reports to trackers; one that fails is left out from then on.

    Tokens count without padding, those of all processes; seconds are those of the steps, without
    what lies between them (saves, evaluation).
    """

    def __init__(self, trainer: Any, run: TrainingRun) -> None:
        self._trainer, self._run = trainer, run
        self._trackers: dict[str, Tracker] = {}
        shows_names = run.recipe.ours.get("wandb_owner") or not run.recipe.trackers
        self._names = [] if shows_names else names_of(run.owner_id)
        self._tokens, self._seconds, self._reported = 0.0, 0.0, (0.0, 0.0)
        self._tokens_before, self._stepped = 0.0, 0.0
        self._step_began: float | None = None
        self._flops: float | None = None
        self._peak: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the trackers, those of a stopped run where they ended."""
        # TRL's count holds what a stopped run was trained on before.
        self._tokens_before = float(getattr(self._trainer, "_total_train_tokens", 0))
        if not self._run.recipe.trackers:
            return
        self._flops = _flops_per_token(self._trainer, self._run)
        if self._flops:
            self._peak = self._guarded("the device's peak", self._measured_peak)
        for kind in self._run.recipe.trackers:
            tracker = self._guarded(kind, partial(self._open, kind, state.global_step))
            if tracker is not None:
                self._trackers[kind] = tracker
        if self._run.recipe.ours.get("wandb_text") and "wandb" in self._trackers:
            self._show_text(self._trackers["wandb"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._step_began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop the clock."""
        if self._step_began is not None:
            self._stepped += time.perf_counter() - self._step_began
            self._step_began = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Report what TRL logs under its own names, and how fast it goes."""
        logs = logs or {}
        values = {
            key: float(value) for key, value in logs.items() if isinstance(value, int | float)
        }
        if "loss" in values and "num_tokens" in values:
            self._tokens = values["num_tokens"] - self._tokens_before
            self._seconds = self._stepped
        totals = {key: values.pop(key) for key in _AT_END if key in values}
        if totals:
            self._each("summarise", totals)
            return
        if "loss" in values and self._trackers:
            values |= self._speed()
        self._each("log", rewrite_logs(values), state.global_step)

    def on_alarm(self, alarm: Any) -> None:
        """Pass an alarm on; a fatal one ends the report."""
        sentence = without_names(alarm.sentence, self._names)
        self._each("alert", alarm.name, sentence, is_fatal=alarm.is_fatal)
        self._each("summarise", {f"alarms/{alarm.name}": sentence})
        if alarm.is_fatal:
            self._close(failed=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close a run that was stopped on the way; one at its end has more to tell."""
        if state.global_step < state.max_steps:
            self._close(failed=True)

    def finish(self, metrics: Mapping[str, Any], history: Any) -> dict[str, Any]:
        """Report what the end showed, close, and return the run's speed."""
        rate = {}
        if self._tokens and self._seconds:
            rate["tokens_per_second"] = round(self._tokens / self._seconds, 1)
        if self._trackers:
            summary = run_config.summary_of(self._run, {**metrics, **rate}, history)
            self._each("summarise", summary)
        self._close(failed=False)
        return rate

    def _open(self, kind: str, step: int) -> Tracker:
        run, ours = self._run, self._run.recipe.ours
        identity = self._identity()
        name, shows_owner = identity["name"], bool(ours.get("wandb_owner"))
        shown = f"{run.owner_id} {name}" if shows_owner else name
        return open_tracker(
            kind,
            run.owner_id,
            job_type=run.stage,
            name=without_names(run.recipe.training.get("run_name") or shown, self._names),
            lineage=run_config.lineage_of(run),
            tags=run_config.tags_of(run),
            config=without_names(run_config.config_of(self._trainer, run), self._names),
            project=run.recipe.training.get("project") or PROJECT,
            run_id=identity["id"],
            shows_owner=shows_owner,
            folder=identity["folder"],
            step=step,
        )

    def _identity(self) -> dict[str, str]:
        """Return the run's id and name, the same after a stop."""
        path = self._run.work / FILE
        if path.is_file():
            return json.loads(path.read_text("utf-8"))
        number = next_number(self._run.owner_id)
        identity = {
            "id": secrets.token_hex(4),
            "name": f"{self._run.stage} {number:03d} {self._run.recipe.name}",
            "folder": f"{number:03d}-{self._run.stage}",
        }
        write_atomically(path, json.dumps(identity) + "\n")
        return identity

    def _speed(self) -> dict[str, float]:
        """Return the speed since the last call; what can't be known is absent."""
        now = (self._tokens, self._seconds)
        tokens, seconds = (new - old for new, old in zip(now, self._reported, strict=True))
        self._reported = now
        device = self._trainer.accelerator.device
        figures = {"peak_memory_gib": speed.peak_memory(device) / 2**30}
        if tokens > 0 and seconds > 0:
            figures["tokens_per_second"] = tokens / seconds
            if self._flops:
                figures["flops_per_second"] = self._flops * tokens / seconds
                if self._peak:
                    figures["share_of_peak"] = figures["flops_per_second"] / self._peak
        return figures

    def _measured_peak(self) -> float:
        """Return what all processes' devices can do together in the type that is multiplied in."""
        trainer = self._trainer
        dtype = trainer.model.dtype
        if trainer.args.bf16 or trainer.args.fp16:
            dtype = torch.bfloat16 if trainer.args.bf16 else torch.float16
        device_peak = speed.measured_peak_flops(trainer.accelerator.device, dtype)
        return device_peak * trainer.accelerator.num_processes

    def _show_text(self, tracker: Any) -> None:
        say(
            "wandb: ! wandb_text is true: TEXT of the owner's, a few rows and held-out prompts, is "
            "in this run, whatever their level of privacy"
        )
        for name, (columns, rows) in run_config.text_tables(self._run).items():
            self._guarded("wandb", partial(tracker.show_text, name, columns, rows))

    def _each(self, method: str, *args: Any, **more: Any) -> None:
        for kind, tracker in list(self._trackers.items()):
            self._guarded(kind, partial(getattr(tracker, method), *args, **more))

    def _close(self, *, failed: bool) -> None:
        self._each("close", failed=failed)
        self._trackers.clear()

    def _guarded(self, what: str, action: Callable[[], Any]) -> Any:
        """Return what an action gives; where it fails, say so and leave that tracker out."""
        try:
            return action()
        except Exception as error:
            self._trackers.pop(what, None)
            say(f"{what}: it fails ({type(error).__name__}: {error}); training goes on without")
            return None


def _flops_per_token(trainer: Any, run: TrainingRun) -> float | None:
    """Return the work of a token, or None for a model with its parts in other places."""
    try:
        lengths = speed.lengths_of(trainer.train_dataset)
        passed = speed.passed_weights(trainer.accelerator.unwrap_model(trainer.model))
    except (AttributeError, KeyError, TypeError):
        return None
    if lengths is None:
        return None
    return speed.train_flops_per_token(
        passed,
        lengths,
        trains_all=run.recipe.is_full,
        gradient_checkpointing=bool(trainer.args.gradient_checkpointing),
        live_reference=run.stage == "dpo" and not trainer.args.precompute_ref_log_probs,
    )
