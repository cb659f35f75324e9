"""Bytes that a decoder's forward pass keeps for its backward pass. Pure.

After Korthikanti et al. 2022 (arXiv 2205.05198, section 4.1), who count what each operation of a
layer keeps, counted anew for what transformers 5.23 runs: RMS norms, rotary positions, grouped
keys and values, a gated MLP, `scaled_dot_product_attention`, and peft 0.21's adapters on frozen
linear maps, of which only the adapter keeps its input.

N tokens (padding included), B sequences of T tokens; h, m, q, k the widths of `ModelShape`; c the
bytes of a number in a product.
"""

from dataclasses import dataclass

from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import Work

_FP32 = 4


@dataclass(frozen=True)
class Batch:
    """The tokens that go through the model at once."""

    sequences: int  # B
    length: int  # T, of the longest, to which the others are padded
    learned: int  # how many positions of all have a label

    @property
    def tokens(self) -> int:
        """Return N."""
        return self.sequences * self.length

    @property
    def is_padded(self) -> bool:
        """Return whether some sequence is shorter than the longest; one alone is not."""
        return self.sequences > 1


def compute_bytes(work: Work) -> int:
    """Return c: 2 in 16 bits, by autocast or by the weights' own type, else 4."""
    return 2 if work.is_mixed or work.weight_bytes <= 2 else 4


def residual_bytes(work: Work) -> int:
    """Return the bytes of a number between the layers, which is in the weights' own type."""
    return 4 if work.weight_bytes == 4 else 2


def kept_by_layer(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return the bytes that one layer keeps without gradient checkpointing."""
    return (
        _norms(shape, work, batch)
        + _inputs_of_linears(shape, work, batch)
        + _attention(shape, work, batch)
        # silu keeps its input, the product of gate and up both factors.
        + 3 * batch.tokens * shape.intermediate * compute_bytes(work)
        # The 16-bit copies that autocast makes of 32-bit weights.
        + (shape.linear_weights * 2 if work.is_mixed and work.weight_bytes == 4 else 0)
    )


def transient_of_layer(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return the bytes that come and go while one layer's gradients are computed.

    The gradients of gate and up stand beside the product's, whose value is no longer needed, and
    beside them the residual stream's own gradient, in and out.
    """
    width = 2 * shape.intermediate + 2 * shape.hidden
    return batch.tokens * width * compute_bytes(work)


def forward_only(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return the bytes that a layer needs at once where nothing is kept: where its MLP is."""
    width = 3 * shape.intermediate + 3 * shape.hidden
    return batch.tokens * width * compute_bytes(work)


def _norms(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return what the norms keep: their input in float32 and, where they learn, what they scale.

    In float32 the input is the residual stream itself.
    """
    wide = shape.norms * shape.hidden
    narrow = (shape.queries + shape.keys) if shape.has_qk_norm else 0
    kept = (wide + narrow) * _FP32
    if work.rank is None:
        in_float32 = shape.scales_in_float32
        kept += wide * (_FP32 if in_float32 else residual_bytes(work))
        kept += narrow * (_FP32 if in_float32 else compute_bytes(work))
    return batch.tokens * kept


def _inputs_of_linears(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return what the linear maps keep of their inputs.

    Where every weight is trained each map keeps its input, which those that read the same share
    unless autocast makes a copy for each. Of a frozen map only the adapter keeps anything: its
    input, in its own type (float32, cast down again under autocast: a copy for each), what its
    dropout left of that, and its narrow product.
    """
    h, m, c = shape.hidden, shape.intermediate, compute_bytes(work)
    if work.rank is None:
        # What attention gives is kept by attention itself.
        copies = work.is_mixed and work.weight_bytes == _FP32
        return batch.tokens * ((5 if copies else 2) * h + m) * c
    chosen = {name for name in shape.linears if not work.targets or name in work.targets}
    narrow = len(chosen) * work.rank * c
    each = sum(shape.linears[name][0] for name in chosen)
    own = c if work.is_mixed or work.is_quantised or work.zero else _FP32
    if work.dropout:
        # Its mask is a byte on a GPU; a CPU keeps it in the input's own type.
        return batch.tokens * (each * (own + (1 if work.device == "cuda" else _FP32)) + narrow)
    if (work.weight_bytes == own and not work.is_mixed) or work.is_quantised:
        groups = (({"q_proj", "k_proj", "v_proj"}, h), ({"gate_proj", "up_proj"}, h),
                  ({"down_proj"}, m))  # fmt: skip
        each = sum(width for names, width in groups if names & chosen)
    return batch.tokens * (each * own + narrow)


def _attention(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return what attention keeps: queries, keys, values, its result, and per score what it must.

    A mask makes transformers repeat keys and values to the width of the queries. `sdpa` keeps one
    number a query and head; a boolean mask is turned into numbers anew in each layer. `eager`
    keeps all scores' probabilities, in float32 and in the product's type.
    """
    c, tokens = compute_bytes(work), batch.tokens
    scores = batch.sequences * batch.length * batch.length
    if work.attention == "eager":
        probabilities = scores * shape.heads * (_FP32 + (c if c < _FP32 else 0))
        return probabilities + tokens * 3 * shape.queries * c
    if work.attention != "sdpa":
        width = 2 * shape.queries + 2 * shape.keys
        return tokens * (width * c + shape.heads * _FP32)
    repeated = shape.queries if batch.is_padded else shape.keys
    mask = scores * c if batch.is_padded else 0
    return tokens * ((2 * shape.queries + 2 * repeated) * c + shape.heads * _FP32) + mask
