"""The model that a run trains, an adapter on its base or every weight, and its frozen reference."""

import json
import re
from pathlib import Path
from typing import Any

from align.models.chat_template import dateless, name_the_owner
from align.models.lineage import ADAPTER
from align.models.loading import load_causal_lm, load_tokenizer
from align.models.vocabulary import fit_embeddings, give_template, trained_tokens, with_whole_head
from align.owner import load_owner
from align.recipe.recipe_file import Recipe
from align.training.prepared_run import TrainingRun


def tokenizer_of_base(run: TrainingRun) -> Any:
    """Return the base's tokenizer with the recipe's template; UserError where it has no such."""
    tokenizer = give_template(load_tokenizer(run.base.path), run.recipe.ours["chat_template"])
    # Saved with the checkpoint, so that whoever serves it writes what it was trained on.
    tokenizer.chat_template = dateless(tokenizer.chat_template)
    name_the_owner(tokenizer, load_owner(run.owner_id).name)
    return tokenizer


def fresh_policy(run: TrainingRun, tokenizer: Any, args: Any) -> Any:
    """Return what sft trains: a new adapter on the base, or the base's own weights.

    Every weight is kept in float32 unless the recipe says another dtype, and multiplied in
    bfloat16 by autocast. At the learning rates of full fine-tuning a step is smaller than half the
    distance between two neighbouring bfloat16 numbers: weights kept in it would not move.
    """
    base = fit_embeddings(load_causal_lm(run.base.path, **model_settings(run)), tokenizer)
    if run.recipe.is_full:
        return base
    from peft import get_peft_model

    from align.training.trainer_loop import seed_everything

    # Loading draws random numbers under ZeRO-3 and none elsewhere; the adapter starts the same.
    seed_everything(run)
    model = get_peft_model(
        base,
        _lora_config(run.recipe, base, tokenizer),
        autocast_adapter_dtype=_is_adapter_in_float32(run, args),
    )
    return with_whole_head(model)


def policy_of_parent(run: TrainingRun, tokenizer: Any, args: Any) -> Any:
    """Return what dpo trains: the parent's own adapter on the base, or the parent's own weights."""
    folder = _parent(run)
    if run.recipe.is_full:
        return load_causal_lm(folder, **model_settings(run))
    from peft import PeftModel

    base = load_causal_lm(run.base.path, **model_settings(run))
    base = fit_embeddings(base, tokenizer, _learned_rows(folder))
    model = PeftModel.from_pretrained(
        base, folder, is_trainable=True, autocast_adapter_dtype=_is_adapter_in_float32(run, args)
    )
    return with_whole_head(model)


def frozen_reference(run: TrainingRun, args: Any) -> Any:
    """Return the parent once more, frozen, or None where TRL has the reference without it.

    Of an adapter TRL keeps a frozen copy, and log-probs that are computed before the first step
    are the policy's own. Else TRL would load the reference from where the policy's configuration
    says it came from, which is right only as long as nobody changes that.
    """
    if not run.recipe.is_full or args.precompute_ref_log_probs:
        return None
    return load_causal_lm(_parent(run), **model_settings(run)).requires_grad_(False).eval()


def _parent(run: TrainingRun) -> Path:
    assert run.parent is not None and run.parent.path is not None
    return run.parent.path


def _is_adapter_in_float32(run: TrainingRun, args: Any) -> bool:
    """Return peft's own choice, but under ZeRO-3, which gathers all weights in a single dtype.

    TRL does the same where it makes the adapter itself: github.com/huggingface/trl/issues/6089.
    """
    plugin = getattr(args, "deepspeed_plugin", None)
    is_quantised = run.recipe.model.get("load_in_4bit") or run.recipe.model.get("load_in_8bit")
    return plugin is None or plugin.zero_stage != 3 or bool(is_quantised)


def model_settings(run: TrainingRun) -> dict[str, Any]:
    """Return what `from_pretrained` takes from the recipe: dtype, attention, quantisation."""
    values = run.recipe.model
    settings: dict[str, Any] = {"dtype": values.get("dtype") or "float32"}
    if values.get("attn_implementation"):
        settings["attn_implementation"] = values["attn_implementation"]
    if values.get("load_in_4bit") or values.get("load_in_8bit"):
        from trl import ModelConfig, get_quantization_config

        settings["quantization_config"] = get_quantization_config(ModelConfig(**values))
    return settings


def _lora_config(recipe: Recipe, model: Any, tokenizer: Any) -> Any:
    """Return peft's settings; all linear layers of the language where the recipe names none."""
    from peft import LoraConfig

    values = recipe.model
    modules = values.get("lora_target_modules") or ["all-linear"]
    is_chatml = recipe.ours["chat_template"] == "chatml"
    return LoraConfig(
        r=values.get("lora_r", 16),
        lora_alpha=values.get("lora_alpha", 32),
        lora_dropout=values.get("lora_dropout", 0.05),
        target_modules="all-linear" if modules == ["all-linear"] else modules,
        exclude_modules=_beside_the_language(model) if modules == ["all-linear"] else None,
        target_parameters=values.get("lora_target_parameters"),
        modules_to_save=values.get("lora_modules_to_save"),
        trainable_token_indices=trained_tokens(model, tokenizer) if is_chatml else None,
        use_rslora=values.get("use_rslora", False),
        use_dora=values.get("use_dora", False),
        task_type=values.get("lora_task_type", "CAUSAL_LM"),
    )


def _learned_rows(folder: Path) -> dict[str, tuple[list[int], Any]]:
    """Return the embeddings that an adapter trained: by layer, which rows, and their values."""
    config = json.loads((folder / "adapter_config.json").read_text())
    indices = config.get("trainable_token_indices")
    if not indices:
        return {}
    from safetensors.torch import load_file

    ending = ".token_adapter.trainable_tokens_delta"
    layers = {
        name.removesuffix(ending).removeprefix("base_model.model."): rows
        for name, rows in load_file(folder / ADAPTER).items()
        if name.endswith(ending)
    }
    return {name: (indices[name.rpartition(".")[2]], rows) for name, rows in layers.items()}


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
