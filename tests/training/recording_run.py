"""Run `align.sft` or `align.dpo` as it is, and record in each process how it was trained.

accelerate launch --config_file F -m tests.training.recording_run FOLDER sft --owner ann ...
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from align.training import trainer_loop


def main(words: list[str]) -> int:
    """Record in FOLDER/rank-N.json what the trainer holds, between training and publishing."""
    folder, stage, *rest = words
    train = trainer_loop.train

    def recorded(trainer: Any, run: Any) -> dict[str, Any]:
        metrics = train(trainer, run)
        path = Path(folder) / f"rank-{os.environ['RANK']}.json"
        path.write_text(json.dumps(notes(trainer)))
        return metrics

    trainer_loop.train = recorded
    code: int = import_module(f"align.{stage}").main(rest)
    return code


def notes(trainer: Any) -> dict[str, Any]:
    """Return which class wraps the model, and what part of it this process holds."""
    wrapped = trainer.model_wrapped
    whole, held, trained = 0, 0, 0
    for parameter in trainer.model.parameters():
        count = getattr(parameter, "ds_numel", parameter.numel())
        whole += count
        trained += count if parameter.requires_grad else 0
        held += parameter.ds_tensor.numel() if hasattr(parameter, "ds_tensor") else count
    values = {
        "wrapper": type(wrapped).__name__,
        "processes": trainer.accelerator.num_processes,
        "parameters": whole,
        "parameters_held": held,
        "trained": trained,
        "is_reference_checked": getattr(trainer, "_checked", None),
    }
    if trainer.is_deepspeed_enabled:
        inner = wrapped.optimizer.optimizer
        values |= {
            "zero_stage": wrapped.zero_optimization_stage(),
            "states_held": sum(
                state["exp_avg"].numel() for state in inner.state.values() if "exp_avg" in state
            ),
        }
    return values


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
