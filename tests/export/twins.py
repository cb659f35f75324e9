"""Twins to export, in a second: a tiny base, and an adapter as peft saves it, random but moving."""

import warnings
from pathlib import Path
from typing import Any

from align.models import checkpoints, lineage
from align.models.base import resolve_base
from align.models.chat_template import template_hash
from align.models.checkpoints import Checkpoint
from align.models.loading import load_causal_lm, load_tokenizer
from align.models.vocabulary import fit_embeddings
from align.paths import checkpoints_dir, project_root
from tests.tiny import write_tiny_base

SAMPLING = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 12}
RECIPE = {
    "file": "recipes/tiny/sft.yaml",
    "hash": "r",
    "values": {"learning_rate": 0.01, "model_name_or_path": "models/tiny", "output_dir": "/x/ann"},
}


def tiny_base() -> Path:
    """Write the base under the root, once."""
    folder = project_root() / "models" / "tiny"
    return folder if folder.is_dir() else write_tiny_base(folder)


def adapter_twin(*, tokenizer: Any = None, scale: float = 0.3, **settings: Any) -> Checkpoint:
    """Publish ann's SFT twin: an adapter on the tiny base.

    Args:
        tokenizer: The base's own where None.
        scale: Of the adapter's random weights.
        settings: Of peft's LoraConfig.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    base = resolve_base(str(tiny_base()), where="test")
    tokenizer = tokenizer or load_tokenizer(base.path)
    model = fit_embeddings(load_causal_lm(base.path, dtype=torch.float32), tokenizer)
    config = LoraConfig(
        **{"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | settings
    )
    with warnings.catch_warnings():
        # Names of transformers that peft will have to change.
        warnings.simplefilter("ignore")
        model = get_peft_model(model, config)
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data += scale * torch.randn_like(weight)
    return _published(model, tokenizer, base)


def full_twin() -> Checkpoint:
    """Publish ann's SFT twin: a model of its own, every weight moved."""
    import torch

    base = resolve_base(str(tiny_base()), where="test")
    model = load_causal_lm(base.path, dtype=torch.float32)
    torch.manual_seed(1)
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return _published(model, load_tokenizer(base.path), base, kind="full")


def _published(model: Any, tokenizer: Any, base: Any, **more: Any) -> Checkpoint:
    staging = checkpoints_dir("ann") / ".work" / "twin"
    staging.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(staging)
    (staging / "README.md").unlink(missing_ok=True)
    tokenizer.save_pretrained(staging)
    lineage.write(
        staging,
        lineage.Lineage(
            owner="ann", stage="sft", base=base.to_json(), recipe=RECIPE,
            rows={"hash": "h", "file": "data/ann/rows.jsonl", "train": 22, "held_out": 2},
            template_hash=template_hash(tokenizer), adapter_hash=lineage.weights_hash(staging),
            inputs="i", seed=3, mix={"mail": 20, "Ann's own letters": 2}, sampling=SAMPLING,
            versions={"torch": "2"}, metrics={"held_out_loss": 2.5, "note": "ann"},
            created="2026-11-21T12:00:00+00:00", **more,
        ),
    )  # fmt: skip
    return checkpoints.load(checkpoints.publish(staging, "ann", "sft"))
