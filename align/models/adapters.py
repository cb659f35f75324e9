"""An adapter folded into its base: one matrix product less in each layer."""

import json
from pathlib import Path
from typing import Any

from align.models.lineage import ADAPTER


def folded(model: Any, folder: Path) -> Any:
    """Return the model with the adapter's low-rank products added to its weights."""
    config = json.loads((folder / "adapter_config.json").read_text())
    if not _is_plain_lora(config):
        from peft import PeftModel

        return PeftModel.from_pretrained(model, folder).merge_and_unload()
    from safetensors.torch import load_file

    # Importing peft would take longer than loading a small twin; plain LoRA is one product.
    rank = config["r"]
    scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
    adapter = load_file(folder / ADAPTER)
    for name, down in adapter.items():
        if not name.endswith(".lora_A.weight"):
            continue
        up = adapter[name.replace(".lora_A.", ".lora_B.")]
        target = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        weight = model.get_parameter(f"{target}.weight")
        product = (scale * (up.float() @ down.float())).to(weight.device)
        # Summed in float32, so that weights in bfloat16 are rounded once.
        weight.data.copy_(weight.float() + product)
    return model


def _is_plain_lora(config: dict[str, Any]) -> bool:
    special = (
        "use_dora",
        "modules_to_save",
        "rank_pattern",
        "alpha_pattern",
        "fan_in_fan_out",
        "target_parameters",
        "trainable_token_indices",
        "layer_replication",
        "lora_bias",
    )
    plain = config.get("peft_type") == "LORA" and config.get("bias", "none") == "none"
    return plain and not any(config.get(key) for key in special)
