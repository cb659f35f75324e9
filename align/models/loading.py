"""Load a checkpoint's model: its base with the adapter folded in, or all its own weights."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import torch

from align.errors import UserError
from align.models.chat_template import template_hash
from align.models.checkpoints import Checkpoint
from align.models.lineage import ADAPTER, FULL, check_has_weights
from align.models.loaded_model import LoadedModel
from align.models.vocabulary import fit_embeddings
from align.paths import relative_to_root


def load_model(checkpoint: Checkpoint, *, device_map: Any = None) -> LoadedModel:
    """Return the checkpoint's model, ready to answer.

    It computes in float32 on a CPU and in bfloat16 on an accelerator. An adapter is folded into its
    base's weights: one matrix product less in each layer. A `device_map` spreads it over several
    devices: `auto`, or what lies where. UserError: the folder holds no weights, the tokenizer's
    template changed, or the devices together are too small.
    """
    device = _device()
    folder = checkpoint.path
    if folder is not None:
        check_has_weights(folder)
    tokenizer = tokenizer_of(checkpoint)
    # A spread model is never whole in one place, so it can't be rounded after the folding.
    is_rounded = device_map is not None and device.type != "cpu"
    settings = {"dtype": torch.bfloat16 if is_rounded else torch.float32, "device_map": device_map}
    if folder is not None and checkpoint.lineage and checkpoint.lineage.kind == FULL:
        model = load_causal_lm(folder, **settings)
        _refuse_left_out(model)
    else:
        model = load_causal_lm(checkpoint.base.path, **settings)
        _refuse_left_out(model)
        model = fit_embeddings(model, tokenizer)
        if folder is not None:
            model = _with_adapter(model, folder)
    if device_map is not None:
        return LoadedModel(model.eval(), tokenizer, checkpoint)
    if device.type != "cpu":
        model = model.to(torch.bfloat16)
    return LoadedModel(model.to(device).eval(), tokenizer, checkpoint)


def tokenizer_of(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's tokenizer; UserError where it is not the one of the training."""
    folder = checkpoint.path or checkpoint.base.path
    tokenizer = load_tokenizer(folder)
    if not tokenizer.chat_template and checkpoint.grew_into is not None:
        tokenizer = load_tokenizer(checkpoint.grew_into)
    if checkpoint.lineage and template_hash(tokenizer) != checkpoint.lineage.template_hash:
        raise UserError(
            relative_to_root(folder),
            "its chat template or vocabulary is not the one it was trained with",
            "Restore the tokenizer files, or train again",
        )
    return tokenizer


def load_causal_lm(folder: Path, *, dtype: Any, **settings: Any) -> Any:
    """Return the whole model that lies in a folder."""
    from transformers import AutoModelForCausalLM

    _quiet()
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, local_files_only=True, **settings
    )


def load_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer, with a pad token and padding that fit this toolkit."""
    from transformers import AutoTokenizer

    _quiet()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _refuse_left_out(model: Any) -> None:
    """Refuse a spread model of which a part found no place: no adapter could be folded into it."""
    if any(weight.is_meta for weight in model.parameters()):
        raise UserError(
            model.name_or_path,
            "it does not fit on this machine's devices together",
            "Take a machine with more memory on its devices, or a smaller base",
        )


def _with_adapter(model: Any, folder: Path) -> Any:
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
    special = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out",
               "target_parameters", "trainable_token_indices", "layer_replication",
               "lora_bias")  # fmt: skip
    plain = config.get("peft_type") == "LORA" and config.get("bias", "none") == "none"
    return plain and not any(config.get(key) for key in special)


def _device() -> Any:
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return torch.device("cpu")
    if torch.cuda.is_available():
        # Of several processes on a machine, each has a device of its own.
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _quiet() -> None:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
