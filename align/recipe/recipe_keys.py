"""What a recipe may say: every key with its type, without importing torch.

The keys are those of TRL's `SFTConfig` or `DPOConfig` and `ModelConfig`, from recipe_keys.json, and
the few of ours below.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

# Ours: key -> (default by stage, what it does); its type is that of its default.
OURS: dict[str, tuple[dict[str, Any], str]] = {
    "held_out": ({"sft": 0.05, "dpo": 0.12}, "share of the rows (dpo: of the prompts) kept apart"),
    "against_records": (
        {"dpo": 0.0},
        "weight of a pair that nobody chose: the owner's real reply against the twin's "
        "(`align sample --against-records`); the baseline that labelling must beat; 0 leaves "
        "them out",
    ),
    "clear_weight": ({"dpo": 1.0}, "weight of a choice called clear; 1: as of any other"),
    "verdicts": (
        {"dpo": True},
        "whether verdicts of judges that passed their gate (`align judge`) are trained on too, "
        "with the gate's weight",
    ),
    "identity": ({"sft": True}, "whether the facts of owner.yaml become conversations"),
    "identity_share": (
        {"sft": 0.0},
        "least share of the rows that say who the owner is, each in another wording: a small base "
        "forgets its own name slowly; 0: some twenty rows, whatever there is",
    ),
    "document_dates": ({"sft": True}, "whether a document's prompt says when it was written"),
    "longest_answer": (
        {"sft": 0},
        "tokens of the longest answer that is learned as one: longer ones, and documents, are "
        "learned in parts that end with a paragraph or a sentence; 0: a row's length",
    ),
    "chat_template": (
        {"sft": "own"},
        "`own`: the base's; for a base that was never chat-tuned `plain`, turns as text without "
        "new tokens, or `chatml`, whose two tokens are trained and saved with the adapter",
    ),
    "publish_best": (
        {"sft": False, "dpo": False},
        "whether the save that held-out rows liked best is published instead of the last (sft: "
        "least eval_loss; dpo: highest eval_rewards/accuracies); needs eval_strategy",
    ),
    "wandb_text": (
        {"sft": False, "dpo": False},
        "whether a few rows and held-out prompts go to wandb as text; else only figures do",
    ),
    "wandb_owner": ({"sft": False, "dpo": False}, "whether the owner's name may stand in wandb"),
    "sample_temperature": ({"sft": 1.0}, "temperature of the twin's answers"),
    "sample_top_p": ({"sft": 1.0}, "mass of likeliest tokens that answers are drawn from"),
    "sample_max_new_tokens": ({"sft": 160}, "longest answer, in tokens"),
    "sample_max_prompt_tokens": (
        {"sft": 0},
        "longest prompt, in tokens, as training has them: of a longer one the oldest exchanges are "
        "left out; 0: all of it is asked",
    ),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    stage: {key: defaults[stage] for key, (defaults, _) in OURS.items() if stage in defaults}
    for stage in ("sft", "dpo")
}

# Keys of ours that came later, and the value with which a recipe is the one it was before them.
# Of verdicts the rows tell: without any, nothing changes.
OFF: dict[str, Any] = {
    "document_dates": False,
    "longest_answer": 0,
    "identity_share": 0.0,
    "sample_max_prompt_tokens": 0,
    "against_records": 0.0,
    "clear_weight": 1.0,
    "verdicts": True,
    "use_peft": True,
    "chat_template": "own",
    "publish_best": False,
}

_RUN = "the run decides that itself"
_TRACKIO = "trackio keeps its runs on this machine"
_TEMPLATE = "align.models.chat_template renders every text, so that training and sampling agree"
REFUSED = {
    "output_dir": "a run's folder is checkpoints/<owner>/NNN-<stage>; say --owner",
    "resume_from_checkpoint": "a stopped run goes on by itself",
    "ignore_data_skip": "a resumed run must equal one that was never stopped",
    "hub_token": "a recipe is no place for a secret; run: .venv/bin/hf auth login",
    "do_train": _RUN,
    "do_eval": _RUN,
    "do_predict": _RUN,
    "local_rank": _RUN,
    "trackio_space_id": _TRACKIO,
    "trackio_static_space_id": _TRACKIO,
    "trackio_bucket_id": _TRACKIO,
    "remove_unused_columns": _RUN,
    "load_best_model_at_end": _RUN,
    "save_only_model": "a stopped run needs its optimiser's state to go on",
    "assistant_only_loss": _TEMPLATE,
    "completion_only_loss": _TEMPLATE,
    "chat_template_path": _TEMPLATE,
    "dataset_text_field": _TEMPLATE,
    "dataset_kwargs": _TEMPLATE,
    "eos_token": _TEMPLATE,
    "pad_token": _TEMPLATE,
    "truncation_mode": "the oldest turns are dropped first, and an answer never",
    "use_weighting": "that is WPO; the weights of rows are always used",
    "trust_remote_code": "recipes run no code",
}


def _words(text: str) -> list[str]:
    return text.split()


# Others would be sent the whole of TRL's settings, with paths and names in them.
_TRACKERS = _words("wandb tensorboard trackio none")
_CHOICES = {
    ("sft", "report_to"): _TRACKERS,
    ("dpo", "report_to"): _TRACKERS,
    ("dpo", "loss_type"): _words(
        """sigmoid hinge ipo exo_pair nca_pair robust bco_pair sppo_hard aot aot_unpaired apo_zero
        apo_down discopop sft sigmoid_norm"""
    ),
    ("sft", "chat_template"): _words("own plain chatml"),
}
_POSITIVE = _words(
    """learning_rate beta num_train_epochs per_device_train_batch_size per_device_eval_batch_size
    gradient_accumulation_steps lora_r lora_alpha max_length sample_max_new_tokens clear_weight"""
)
# What changes how a run looks, not what comes out of it.
NO_EFFECT = _words(
    """logging_steps logging_strategy logging_first_step report_to run_name project wandb_text
    wandb_owner disable_tqdm
    log_level log_level_replica log_on_each_node save_steps save_strategy save_total_limit
    eval_steps eval_strategy eval_on_start per_device_eval_batch_size dataloader_num_workers
    dataloader_pin_memory push_to_hub hub_model_id hub_private_repo hub_strategy hub_always_push
    hub_revision"""
)


def checked_value(stage: str, key: str, value: Any, written: Any) -> Any:
    """Return the value in its key's own type.

    `written` is the value with its scalars as they stand there: YAML 1.1 takes TRL's words `no`,
    `off`, `on` and `yes` for booleans, a revision `12e4567` for a number, a name for a date.

    Raises:
        ValueError: The key is unknown or refused, or the value has another type; says what to do.
    """
    known = known_keys(stage)
    if key in REFUSED:
        raise ValueError(f"key '{key}' is not for recipes: {REFUSED[key]}.")
    if key not in known:
        if key in OURS or any(key in known_keys(other) for other in DEFAULTS if other != stage):
            raise ValueError(f"key '{key}' is not for {stage}. Take it out.")
        near = difflib.get_close_matches(key, [item for item in known if item not in REFUSED], n=1)
        raise ValueError(
            f"unknown key '{key}'. "
            + (f"Did you mean '{near[0]}'?" if near else "See docs/recipes.md.")
        )
    kinds = known[key]["types"]
    choices = _CHOICES.get((stage, key)) or known[key].get("choices")
    if set(kinds) <= _TEXTS:
        value = "no" if value is False and "no" in (choices or ()) else _text(value, written)
    typed = _typed(value, kinds)
    if typed is _WRONG:
        wanted = " or ".join(kind for kind in kinds if kind != "none")
        raise ValueError(f"key '{key}' must be {wanted}, not {_shown(value)}.")
    for item in typed if isinstance(typed, list) else [typed]:
        if choices and isinstance(item, str) and item not in choices:
            near = difflib.get_close_matches(item, choices, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(choices)}."
            raise ValueError(f"key '{key}' can't be '{item}'. {hint}")
        if isinstance(item, float) and not math.isfinite(item):
            raise ValueError(f"key '{key}' must be a finite number, not {item}.")
    if key in _POSITIVE and isinstance(typed, int | float) and typed <= 0:
        raise ValueError(f"key '{key}' must be more than 0, not {typed}.")
    if key == "longest_answer" and typed < 0:
        raise ValueError(f"key 'longest_answer' is a number of tokens, not {typed}.")
    if key in ("held_out", "identity_share") and not 0 <= typed < 1:
        raise ValueError(f"key '{key}' is a share from 0 to below 1, not {typed}.")
    if key == "against_records" and not 0 <= typed <= 1:
        raise ValueError(f"key 'against_records' is a weight from 0 to 1, not {typed}.")
    return typed


@cache
def known_keys(stage: str) -> dict[str, dict[str, Any]]:
    """Return key -> {"from", "types", "choices"} of a stage's recipes."""
    text = Path(__file__).with_name("recipe_keys.json").read_text(encoding="utf-8")
    keys: dict[str, dict[str, Any]] = json.loads(text)[stage]
    ours = {
        key: {"from": "ours", "types": [type(value).__name__]}
        for key, value in DEFAULTS[stage].items()
    }
    return keys | ours


_WRONG = object()
_TEXTS = {"str", "list[str]", "none"}


def _text(value: Any, written: Any) -> Any:
    """Return a value, or a list of them, with what YAML took for more than text as written."""
    if isinstance(value, list):
        return [_text(*pair) for pair in zip(value, written, strict=True)]
    return value if value is None or isinstance(value, Mapping) else written


def _typed(value: Any, kinds: Sequence[str]) -> Any:
    """Return the value as one of the kinds, or `_WRONG`; the narrowest kind first."""
    if value is None:
        return None if "none" in kinds else _WRONG
    if isinstance(value, bool):
        return value if "bool" in kinds else _WRONG
    if isinstance(value, Mapping):
        return dict(value) if "dict" in kinds else _WRONG
    inner = [kind[5:-1] for kind in kinds if kind.startswith("list[")]
    if isinstance(value, list):
        members = [_typed(item, inner) for item in value]
        return _WRONG if not inner or _WRONG in members else members
    if isinstance(value, int) and "int" in kinds:
        return value
    if isinstance(value, int | float) and "float" in kinds:
        return float(value)
    if isinstance(value, float) and value.is_integer() and "int" in kinds:
        return int(value)
    if isinstance(value, str):
        # PyYAML reads 5e-7, without a point, as a string.
        number = as_number(value)
        if number is not None and {"int", "float"} & set(kinds):
            return _typed(number, kinds)
        if "str" in kinds:
            return value
        if inner:
            item = _typed(value, inner)
            return _WRONG if item is _WRONG else [item]
    return _WRONG


def as_number(text: str) -> float | None:
    """Return the number that a text spells, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 40 else shown[:37] + "..."
