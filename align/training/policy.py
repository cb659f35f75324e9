"""The model that a run trains, an adapter on its base or every weight, and its frozen reference."""

from pathlib import Path
from typing import Any

from align.models.loading import load_base, load_causal_lm
from align.models.vocabulary import fit_embeddings, with_whole_head
from align.training.arguments import model_settings
from align.training.prepared_run import TrainingRun


def fresh_policy(run: TrainingRun, tokenizer: Any, args: Any) -> Any:
    """Return what sft trains: a new adapter on the base, or the base's own weights.

    Every weight is kept in float32 unless the recipe says another dtype, and multiplied in
    bfloat16 by autocast. At the learning rates of full fine-tuning a step is smaller than half the
    distance between two neighbouring bfloat16 numbers: weights kept in it would not move.
    """
    base = fit_embeddings(load_base(run.base, **model_settings(run)), tokenizer)
    if run.recipe.is_full:
        return base
    from peft import get_peft_model

    from align.training.lora import lora_config
    from align.training.trainer_loop import seed_everything

    # Loading draws random numbers under ZeRO-3 and none elsewhere; the adapter starts the same.
    seed_everything(run)
    model = get_peft_model(
        base,
        lora_config(run.recipe, base, tokenizer),
        autocast_adapter_dtype=_is_adapter_in_float32(run, args),
    )
    return with_whole_head(model)


def policy_of_parent(run: TrainingRun, tokenizer: Any, args: Any) -> Any:
    """Return what dpo trains: the parent's own adapter on the base, or the parent's own weights."""
    folder = _parent(run)
    if run.recipe.is_full:
        return load_causal_lm(folder, **model_settings(run))
    from peft import PeftModel

    from align.training.lora import learned_rows

    base = load_base(run.base, **model_settings(run))
    base = fit_embeddings(base, tokenizer, learned_rows(folder))
    model = PeftModel.from_pretrained(
        base,
        folder,
        is_trainable=True,
        autocast_adapter_dtype=_is_adapter_in_float32(run, args),
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
