"""The shape of a model: from its config.json or, before a download, from recipes/bases.yaml."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.models.known_bases import known_base

_NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
# Families whose attention normalises queries and keys, and those that also normalise what
# attention and MLP give (transformers 5.23: modeling_qwen3.py, modeling_gemma3.py).
_QK_NORM = ("qwen3", "gemma3", "gemma3_text")
_FOUR_NORMS = ("gemma2", "gemma3", "gemma3_text")


@dataclass(frozen=True)
class ModelShape:
    """What decides how much memory a decoder takes; widths in elements."""

    hidden: int  # width of the residual stream, h
    intermediate: int  # width of the gated MLP, m
    layers: int  # how many
    queries: int  # width of all queries of a layer: heads times head_dim
    keys: int  # width of all keys of a layer, and of all values
    heads: int  # query heads
    head_dim: int  # width of a head
    vocabulary: int  # tokens
    tied: bool  # whether the head is the embedding
    has_qk_norm: bool = False  # whether queries and keys are normalised
    norms: int = 2  # norms of a layer as wide as the residual stream
    # Whether norms scale before they go back to 16 bits, as Gemma's do.
    scales_in_float32: bool = False
    parameters: int = 0  # where the exact number is known; else counted from the shape

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ModelShape":
        """Return the shape of a config.json or of a base's entry; ValueError of other kinds."""
        config = {**config, **config.get("text_config", {})}
        missing = [key for key in _NEEDED if not config.get(key)]
        if missing or not config.get("vocab_size"):
            raise ValueError(f"its configuration lacks {', '.join(missing) or 'vocab_size'}")
        if config.get("num_experts") or config.get("num_local_experts"):
            raise ValueError("a mixture of experts, for which there is no formula here")
        heads = int(config["num_attention_heads"])
        hidden = int(config["hidden_size"])
        head_dim = int(config.get("head_dim") or hidden // heads)
        family = str(config.get("model_type", ""))
        # Google's files leave out what is its class's default.
        is_tied = family.startswith("gemma")
        return cls(
            hidden=hidden,
            intermediate=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            queries=heads * head_dim,
            keys=int(config.get("num_key_value_heads") or heads) * head_dim,
            heads=heads,
            head_dim=head_dim,
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", is_tied)),
            has_qk_norm=family in _QK_NORM,
            norms=4 if family in _FOUR_NORMS else 2,
            scales_in_float32=family.startswith("gemma"),
            parameters=int(config.get("parameters") or 0),
        )

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Return the linear maps of one layer: name -> (width in, width out)."""
        h, m, q, k = self.hidden, self.intermediate, self.queries, self.keys
        return {
            "q_proj": (h, q), "k_proj": (h, k), "v_proj": (h, k), "o_proj": (q, h),
            "gate_proj": (h, m), "up_proj": (h, m), "down_proj": (m, h),
        }  # fmt: skip

    @property
    def linear_weights(self) -> int:
        """Return the weights of one layer's linear maps."""
        return sum(width * out for width, out in self.linears.values())

    @property
    def embeddings(self) -> int:
        """Return the weights of embedding and head."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def weights(self) -> int:
        """Return how many weights the model has."""
        norms = self.norms * self.hidden + 2 * self.head_dim * self.has_qk_norm
        counted = self.embeddings + self.layers * (self.linear_weights + norms) + self.hidden
        return self.parameters or counted


def known_shape(name: str | None) -> ModelShape | None:
    """Return the shape that bases.yaml gives a base; None of others, and of unknown kinds."""
    known = known_base(name)
    try:
        # All parameters: a vision tower is loaded too, though no text reaches it.
        return ModelShape.from_config(known.config) if known else None
    except ValueError:
        return None


def shape_of_folder(folder: Path) -> ModelShape | None:
    """Return the shape of the model in a folder; None where its kind is unknown."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return ModelShape.from_config(config)
    except (OSError, ValueError, TypeError):
        return None
