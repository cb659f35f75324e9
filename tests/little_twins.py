"""Checkpoints in a second: a tiny random base, and adapters that differ by their seed."""

import json
from pathlib import Path
from typing import Any

from align.models import checkpoints, lineage
from align.models.base import resolve_base
from align.models.checkpoints import Checkpoint
from align.paths import checkpoints_dir, project_root
from tests.tiny import write_tiny_base

SAMPLING = {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 12}


def tiny_base() -> Path:
    """Write the base under the root, once."""
    folder = project_root() / "models" / "tiny"
    return folder if folder.is_dir() else write_tiny_base(folder)


def write_twin(
    owner: str, stage: str, *, seed: int = 1, parent: Checkpoint | None = None,
    metrics: dict[str, Any] | None = None,
) -> Checkpoint:  # fmt: skip
    """Publish a checkpoint with a random adapter on the tiny base, and return it."""
    import torch
    from safetensors.torch import save_file

    from align.models.chat_template import template_hash
    from align.models.loading import load_tokenizer

    folder = tiny_base()
    base = resolve_base(str(folder), where="test")
    staging = checkpoints_dir(owner) / ".work" / f"{stage}-{seed}"
    staging.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)
    name = "base_model.model.model.layers.0.mlp.up_proj"
    save_file(
        {
            f"{name}.lora_A.weight": torch.randn(4, 32, generator=generator),
            f"{name}.lora_B.weight": torch.randn(64, 4, generator=generator),
        },
        staging / lineage.ADAPTER,
    )
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none"}
    (staging / "adapter_config.json").write_text(json.dumps(config))
    tokenizer = load_tokenizer(folder)
    tokenizer.save_pretrained(staging)
    lineage.write(
        staging,
        lineage.Lineage(
            owner=owner, stage=stage, base=base.to_json(), recipe={"hash": "r"},
            rows={"hash": str(seed)}, template_hash=template_hash(tokenizer),
            adapter_hash=lineage.weights_hash(staging), inputs=str(seed), seed=seed,
            parent={"name": parent.name, "hash": parent.hash} if parent else None,
            sampling=SAMPLING, metrics=metrics or {},
        ),
    )  # fmt: skip
    return checkpoints.load(checkpoints.publish(staging, owner, stage))
