"""TRL's arguments of a run: the recipe's settings, and what the run decides itself."""

import os
from typing import Any

import torch

from align.errors import UserError
from align.training.preflight.machine import multiplies_bfloat16
from align.training.prepared_run import TrainingRun


def trainer_arguments(kind: type, run: TrainingRun) -> Any:
    """Return TRL's settings for a run, of the kind `SFTConfig` or `DPOConfig`.

    Raises:
        UserError: TRL refuses the combination, or DeepSpeed would be left out unsaid.
    """
    values = dict(run.recipe.training)
    values.setdefault("bf16", _multiplies_bfloat16())
    values.setdefault("use_cpu", _on_cpu() and not _under_deepspeed())
    if _under_deepspeed():
        if values["use_cpu"] or _is_cpu_requested():
            raise UserError(
                str(run.recipe.path),
                "use_cpu leaves DeepSpeed out, and the processes would train plainly data-parallel",
                "Remove use_cpu here and ACCELERATE_USE_CPU from the environment",
            )
        if _on_cpu():
            _prepare_deepspeed_on_cpu(values)
    values.setdefault("logging_first_step", True)
    values.setdefault("save_strategy", "steps")
    values.setdefault("save_steps", 50)
    values.setdefault("save_total_limit", 2)
    own = {
        "output_dir": str(run.work),
        "disable_tqdm": True,
        # align.training.tracking reports in their place: these callbacks would send all settings.
        "report_to": "none",
        # A filtered log would show a number where there is none.
        "logging_nan_inf_filter": False,
    }
    if not values.get("packing"):
        own["max_length"] = None  # align.training.tokenised made the rows fit
    try:
        return kind(**{**values, **own})
    except (ValueError, TypeError, ImportError) as error:
        first = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(str(run.recipe.path), f"TRL refuses it: {first}") from error


def _multiplies_bfloat16() -> bool:
    if _on_cpu():
        return multiplies_bfloat16() and not _under_deepspeed()
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def _on_cpu() -> bool:
    is_device = torch.cuda.is_available() or torch.backends.mps.is_available()
    return _is_cpu_requested() or not is_device


def _is_cpu_requested() -> bool:
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true")


def _prepare_deepspeed_on_cpu(values: dict[str, Any]) -> None:
    """Let DeepSpeed's processes meet over gloo."""
    # accelerate 1.15 chooses the backend by the device; on a CPU, unless use_cpu is set, it finds
    # none, takes each process for the only one, and batch sizes disagree with DeepSpeed's count.
    values.setdefault("ddp_backend", "gloo")
    from deepspeed.ops import __compatible_ops__

    # An all-reduce through shared memory that would be compiled at the first run.
    __compatible_ops__["deepspeed_shm_comm"] = False


def _under_deepspeed() -> bool:
    """Tell whether the launcher asks for DeepSpeed, which `use_cpu` would leave out unsaid."""
    return os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true"
