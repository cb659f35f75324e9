"""The LoRA adapter that a recipe asks for."""

from typing import Any

from peft import LoraConfig

from align.recipes import Recipe


def lora_config(recipe: Recipe) -> Any:
    """Return peft's settings; all linear layers where the recipe names none."""
    said = recipe.model
    modules = said.get("lora_target_modules") or ["all-linear"]
    return LoraConfig(
        r=said.get("lora_r", 16),
        lora_alpha=said.get("lora_alpha", 32),
        lora_dropout=said.get("lora_dropout", 0.05),
        target_modules="all-linear" if modules == ["all-linear"] else modules,
        target_parameters=said.get("lora_target_parameters"),
        modules_to_save=said.get("lora_modules_to_save"),
        use_rslora=said.get("use_rslora", False),
        use_dora=said.get("use_dora", False),
        task_type=said.get("lora_task_type", "CAUSAL_LM"),
    )
