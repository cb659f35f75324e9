"""What looks on while a run trains: the progress line, whole saves, the alarms."""

import itertools
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from align.console import progress, say
from align.errors import UserError
from align.training.alarms import alarms, not_finite
from align.training.saving import mark_whole


class Watcher(TrainerCallback):
    """Keeps the progress line, marks whole saves, and sounds the alarms."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.raised: list[str] = []
        self._line: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the progress line."""
        if state.is_world_process_zero:
            total = state.max_steps - state.global_step
            self._line = progress(itertools.count(), total, self.stage, unit="steps")
            next(self._line)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the progress line on."""
        if self._line is not None:
            next(self._line)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Sound the alarms, and stop where a number is none any more.

        Raises:
            UserError: The loss or the gradient is not finite.
        """
        bad = not_finite(logs or {})
        if bad in ("loss", "grad_norm"):
            raise UserError(
                f"{self.stage}, step {state.global_step}",
                f"{bad} is not a number any more",
                "Lower learning_rate; in half precision try bf16 instead of fp16",
            )
        if self.stage == "dpo" and state.is_world_process_zero:
            for sentence in alarms(state.log_history, state.max_steps):
                if sentence.split("(")[0] not in {old.split("(")[0] for old in self.raised}:
                    self.raised.append(sentence)
                    say(f"dpo: ! {sentence}")

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the save as whole."""
        if state.is_world_process_zero:
            mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the progress line."""
        if self._line is not None:
            self._line.close()
