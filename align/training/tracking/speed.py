"""How fast a model learns, and how much of the device that is. Formulas pure; one measurement.

Work is counted in floating-point operations by formula, as papers do (Chowdhery et al. 2022,
appendix B): a matrix of N weights costs a token 2N on the way forward, 2N for the gradient of
what came in and 2N for its own. An adapter's own weights are left out: they are too few to tell.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Large enough to fill a device, small enough for a fraction of a second.
_SIDES = {"cuda": 8192, "mps": 4096, "cpu": 1024}
_SECONDS = 0.2


@dataclass(frozen=True)
class Passed:
    """What one token passes on its way through a model."""

    body: int  # weights of all layers; the input embedding is looked up, not multiplied
    head: int  # weights of the projection onto the vocabulary
    layers: int  # how many attend
    width: int  # heads times their size: what a query has in one layer


@dataclass(frozen=True)
class Lengths:
    """What the rows of a data set are to a model."""

    tokens: int  # of all sequences; a prompt counts once for each answer
    learned: float  # share of the positions that have a label, and so reach the head
    attended: float  # mean length of the sequence that a token stands in: sum(L^2) / sum(L)


def train_flops_per_token(
    passed: Passed,
    lengths: Lengths,
    *,
    trains_all: bool,
    gradient_checkpointing: bool,
    live_reference: bool,
) -> float:
    """Return the FLOPs that a training step spends on each token.

    With N weights: 4N with an adapter and 6N with every weight trained, 2N more where gradient
    checkpointing computes the forward pass twice, 2N more for a reference that is not cached
    (`live_reference`). Attention's quadratic part is included, its causal half only.
    """
    weights = passed.body + passed.head * lengths.learned
    forwards = 1 + gradient_checkpointing + live_reference
    # Attention has no weights: both factors of each product are activations, on the way back too.
    attention = attention_flops_per_token(passed, lengths.attended)
    return 2 * weights * (forwards + 1 + trains_all) + attention * (forwards + 2)


def attention_flops_per_token(passed: Passed, attended: float) -> float:
    """Return the FLOPs of one token's scores and weighted sum, forward, over all layers.

    Two products of `width` multiplications and additions for each earlier token, which are half
    of the sequence on average.
    """
    return 2 * 2 * passed.layers * passed.width * attended / 2


def lengths_of(rows: Iterable[Mapping[str, Any]]) -> Lengths | None:
    """Return the lengths of tokenised rows, or None where there are none.

    Rows are {input_ids, labels} as SFT has them, or {prompt_ids, chosen_ids, rejected_ids}.
    """
    sequences = [size for row in rows for size in sequences_of(row)]
    total = sum(length for length, _ in sequences)
    if not total:
        return None
    learned = sum(count for _, count in sequences)
    return Lengths(total, learned / total, sum(length**2 for length, _ in sequences) / total)


def sequences_of(row: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return (length, how much is learned) of a tokenised row's sequences; of a pair two."""
    if "prompt_ids" in row:
        answers = [len(row["chosen_ids"]), len(row["rejected_ids"])]
        return [(len(row["prompt_ids"]) + answer, answer) for answer in answers]
    length, labels = len(row["input_ids"]), row.get("labels")
    return [(length, sum(label != -100 for label in labels) if labels else length)]


def passed_weights(model: Any) -> Passed:
    """Return what a token passes in a causal language model, wrapped by peft or not."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    output, table = inner.get_output_embeddings().weight, inner.get_input_embeddings().weight
    everything = sum(
        _weights(parameter)
        for name, parameter in inner.named_parameters()
        if ".lora_" not in name and ".modules_to_save." not in name
    )
    head = _weights(output)
    body = everything - _weights(table) - (head if output is not table else 0)
    config = inner.config.get_text_config()
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Passed(body, head, config.num_hidden_layers, heads * size)


def _weights(parameter: Any) -> int:
    """Count a parameter's weights, spread by ZeRO or packed by bitsandbytes as they may be."""
    if hasattr(parameter, "ds_numel"):
        return int(parameter.ds_numel)
    packed = 2 if type(parameter).__name__ == "Params4bit" else 1
    return int(parameter.numel()) * packed


def measured_peak_flops(device: Any, dtype: Any) -> float:
    """Return the FLOP/s of a large square matrix product in a torch dtype, timed for 0.2 seconds.

    That is what a device gives at its best, in this state and with these threads; the figure in
    its data sheet is higher, and never seen.
    """
    import torch

    device = torch.device(device)
    side = _SIDES.get(device.type, 1024)
    # A generator of its own: a run that is watched draws the same numbers as one that is not.
    source = torch.Generator(device).manual_seed(0)
    first, second = (
        torch.randn(side, side, device=device, dtype=dtype, generator=source) for _ in range(2)
    )

    def timed(times: int) -> float:
        _wait_for(device)
        started = time.perf_counter()
        for _ in range(times):
            torch.mm(first, second)
        _wait_for(device)
        return time.perf_counter() - started

    timed(3)
    once = timed(1)
    times = max(1, min(1000, round(_SECONDS / max(once, 1e-6))))
    return 2 * side**3 * times / timed(times)


def _wait_for(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory(device: Any) -> int:
    """Return the most bytes held so far: on a CUDA device by tensors, else by this process."""
    import resource
    import sys

    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
