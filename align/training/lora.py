"""The LoRA adapter that a recipe asks for."""

import json
import re
from pathlib import Path
from typing import Any

from peft import LoraConfig

from align.models.lineage import ADAPTER
from align.models.vocabulary import trained_tokens
from align.recipe.recipe_file import Recipe


def lora_config(recipe: Recipe, model: Any, tokenizer: Any) -> Any:
    """Return peft's settings; all linear layers of the language where the recipe names none."""
    said = recipe.model
    modules = said.get("lora_target_modules") or ["all-linear"]
    is_chatml = recipe.ours["chat_template"] == "chatml"
    return LoraConfig(
        r=said.get("lora_r", 16),
        lora_alpha=said.get("lora_alpha", 32),
        lora_dropout=said.get("lora_dropout", 0.05),
        target_modules="all-linear" if modules == ["all-linear"] else modules,
        exclude_modules=_beside_the_language(model) if modules == ["all-linear"] else None,
        target_parameters=said.get("lora_target_parameters"),
        modules_to_save=said.get("lora_modules_to_save"),
        trainable_token_indices=trained_tokens(model, tokenizer) if is_chatml else None,
        use_rslora=said.get("use_rslora", False),
        use_dora=said.get("use_dora", False),
        task_type=said.get("lora_task_type", "CAUSAL_LM"),
    )


def learned_rows(folder: Path) -> dict[str, tuple[list[int], Any]]:
    """Return the embeddings that an adapter trained: by layer, which rows, and their values."""
    config = json.loads((folder / "adapter_config.json").read_text())
    indices = config.get("trainable_token_indices")
    if not indices:
        return {}
    from safetensors.torch import load_file

    ending = ".token_adapter.trainable_tokens_delta"
    layers = {
        name.removesuffix(ending).removeprefix("base_model.model."): values
        for name, values in load_file(folder / ADAPTER).items()
        if name.endswith(ending)
    }
    return {name: (indices[name.rpartition(".")[2]], values) for name, values in layers.items()}


def _beside_the_language(model: Any) -> str | None:
    """Return an expression for what stands beside the decoder, like Gemma 3's vision tower.

    No text reaches it: its adapters would get no gradient, and be saved all the same.
    """
    decoder = model.get_decoder()
    names = {id(module): name for name, module in model.named_modules()}
    above, _, _ = names[id(decoder)].rpartition(".")
    if not above:
        return None
    children = model.get_submodule(above).named_children()
    beside = "|".join(re.escape(name) for name, module in children if module is not decoder)
    return rf"{re.escape(above)}\.({beside})\..*" if beside else None
