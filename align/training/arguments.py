"""What TRL and transformers are told: the recipe's settings, and what the run decides itself."""

import os
from typing import Any

import torch

from align.errors import UserError
from align.training.run import Run


def arguments(kind: type, run: Run) -> Any:
    """Return TRL's settings for a run: the recipe's, and what is the run's own to decide.

    Raises:
        UserError: TRL refuses the combination.
    """
    said = dict(run.recipe.training)
    said.setdefault("bf16", torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    # On a CPU DeepSpeed's state counts one process where there are two, and its batch sizes then
    # disagree. With use_cpu the processes train plainly data-parallel instead: no ZeRO there.
    said.setdefault("use_cpu", _on_cpu())
    said.setdefault("logging_first_step", True)
    said.setdefault("save_strategy", "steps")
    said.setdefault("save_steps", 50)
    said.setdefault("save_total_limit", 2)
    own = {
        "output_dir": str(run.work),
        "disable_tqdm": True,
        "report_to": said.pop("report_to", "none"),
        # A filtered log would show a number where there is none.
        "logging_nan_inf_filter": False,
    }
    if not said.get("packing"):
        own["max_length"] = None  # align.training.tokenised made the rows fit
    try:
        return kind(**{**said, **own})
    except (ValueError, TypeError, ImportError) as error:
        first = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(str(run.recipe.path), f"TRL refuses it: {first}") from error


def _on_cpu() -> bool:
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true"):
        return True
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


def model_settings(run: Run) -> dict[str, Any]:
    """Return what `from_pretrained` takes from the recipe: dtype, attention, quantisation."""
    said = run.recipe.model
    settings: dict[str, Any] = {"dtype": said.get("dtype") or "float32"}
    if said.get("attn_implementation"):
        settings["attn_implementation"] = said["attn_implementation"]
    if said.get("load_in_4bit") or said.get("load_in_8bit"):
        from trl import ModelConfig, get_quantization_config

        settings["quantization_config"] = get_quantization_config(ModelConfig(**said))
    return settings
