"""How much memory a run takes on each device, by part, before anything is loaded. Pure.

A run's peak is the worst of a few moments: the backward pass as it begins (all activations and a
tile of logits), its end (all gradients), an evaluation. Weights, adapter and optimiser
states stand through all of them. What is shared over devices is shared as ZeRO does it
(Rajbhandari et al. 2020, arXiv 1910.02054, section 3): stage 1 divides optimiser states, stage 2
gradients too, stage 3 weights too.
"""

from dataclasses import dataclass

from align.training.preflight.activations import (
    Batch,
    compute_bytes,
    forward_only,
    kept_by_layer,
    residual_bytes,
    transient_of_layer,
)
from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import Work

Parts = dict[str, int]

_FP32 = 4
# Tiles of TRL 1.16's fused head: positions and words at once (trl/kernels/chunked_logprob.py).
_TILE, _WORDS = 4096, 32768
# Without Triton the tile's arithmetic is torch's, in float32: so many whole tiles stand at once
# while its gradient is made, and while it is only read (counted in that file).
_TILES_BACKWARD, _TILES_FORWARD = 7.25, 3.25
# Measured: a CUDA context with its kernels and cuBLAS's workspace, which torch does not count.
CUDA_CONTEXT = 500 << 20
# Measured on Linux, 66 M weights: on a CPU glibc's heap keeps what tensors leave, all the more with
# `surroundings` of accelerate_config.py, and finds room in it for only some of the next ones. Peaks
# stood above the tensors' own sum by 0.5 to 1.0 of what comes and goes in a step.
_HEAP_SLACK = 0.6
# DeepSpeed 0.19's own buffer of gradients on their way (`reduce_bucket_size`, in numbers).
_BUCKET = 500_000_000
# Bytes of optimiser state a trained weight, by the optimiser's name; `_ADAM` numbers otherwise.
_STATE = {
    "adafactor": 0.1, "sgd": 0, "adamw_8bit": 2, "adamw_bnb_8bit": 2, "paged_adamw_8bit": 2,
    "adamw_torch_8bit": 2, "adamw_torch_4bit": 1, "lion_8bit": 1, "paged_lion_8bit": 1,
    "lion_32bit": 4, "paged_lion_32bit": 4, "paged_adamw_32bit": 8,
}  # fmt: skip
_ADAM = 2


@dataclass(frozen=True)
class Estimate:
    """What a run takes on one device at its worst moment."""

    parts: Parts  # bytes by what they are for
    moment: str  # which moment is the worst
    host: int = 0  # bytes of the machine's memory that offloading takes, for all its processes

    @property
    def total(self) -> int:
        """Return the peak in bytes."""
        return sum(self.parts.values())

    @property
    def counted(self) -> int:
        """Return what torch's own count of CUDA memory would show: all but the context."""
        return self.total - self.parts.get("framework", 0)


def estimate(shape: ModelShape, work: Work) -> Estimate:
    """Return the memory that each device needs."""
    standing = _standing(shape, work)
    trained = trained_weights(shape, work)
    gradients = _shared(trained * _trained_bytes(work), work, from_stage=2)
    if work.offloads_optimizer:
        gradients = min(gradients, _BUCKET * 2)
    held = gradients if work.accumulation > 1 or work.rank is not None else 0
    batch = _batch(work, work.batch)
    moments = {
        "backward pass": standing
        | {
            "gradients": held,
            "activations": _activations(shape, work, batch),
            "logits": _logits(shape, work, batch),
        },
        "end of the backward pass": standing
        | {"gradients": gradients, "activations": transient_of_layer(shape, work, batch)},
    }
    for name, rows in (("evaluation", work.eval_batch), ("reference", work.scoring_batch)):
        if rows:
            moments[name] = standing | _reading(shape, work, _batch(work, rows))
    if work.device == "cpu":
        for parts in moments.values():
            passing = parts.get("activations", 0) + parts.get("logits", 0)
            parts["allocator"] = int(_HEAP_SLACK * passing)
    worst = max(moments, key=lambda name: sum(moments[name].values()))
    return Estimate(
        {name: size for name, size in moments[worst].items() if size}, worst, _host(shape, work)
    )


def trained_weights(shape: ModelShape, work: Work) -> int:
    """Return how many weights are trained: all, or the adapter's and whole modules beside it.

    Of a map from a to b numbers an adapter of rank r has r(a + b) weights (Hu et al. 2021, arXiv
    2106.09685, section 4.1).
    """
    if work.rank is None:
        return shape.weights
    saved = {"embed_tokens": shape.vocabulary * shape.hidden}
    saved["lm_head"] = saved["embed_tokens"]
    return _adapter(shape, work) + sum(saved.get(name, 0) for name in work.saved_modules)


def _adapter(shape: ModelShape, work: Work) -> int:
    chosen = [size for name, size in shape.linears.items()
              if not work.targets or name in work.targets]  # fmt: skip
    return shape.layers * sum((work.rank or 0) * (width + out) for width, out in chosen)


def _standing(shape: ModelShape, work: Work) -> Parts:
    """Return what stands from the first step on: weights, adapter, reference, optimiser states."""
    parts: Parts = {"weights": _weights(shape, work)}
    trained = trained_weights(shape, work)
    if work.rank is not None:
        parts["adapter"] = trained * _trained_bytes(work)
    if work.reference == "adapter":
        # TRL keeps the adapter that training began with, cached log-probabilities or not.
        parts["reference"] = _adapter(shape, work) * _FP32
    elif work.reference == "model":
        parts["reference"] = parts["weights"]
    parts["optimiser"] = 0 if work.offloads_optimizer else _optimiser(trained, work)
    if work.zero == 0 and work.processes > 1:
        # DistributedDataParallel's buckets are a second copy of the gradients.
        parts["gradient buckets"] = trained * _trained_bytes(work)
    elif work.zero in (1, 2):
        parts["gradient buckets"] = _BUCKET * 2
    if work.device == "cuda":
        parts["framework"] = CUDA_CONTEXT
    return parts


def _weights(shape: ModelShape, work: Work) -> int:
    # Quantisation leaves embedding and head in 16 bits; beside 4 bits stand the scales of their
    # blocks, half a bit a weight (Dettmers et al. 2023, arXiv 2305.14314, section 3).
    if work.is_quantised:
        scales = 1 / 16 if work.weight_bytes < 1 else 0
        inner = shape.weights - shape.embeddings
        whole = int(inner * (work.weight_bytes + scales)) + shape.embeddings * 2
    else:
        whole = int(shape.weights * work.weight_bytes)
    if work.zero == 3:
        # Two layers are gathered whole: the one at work and the next.
        gathered = int(2 * shape.linear_weights * work.weight_bytes)
        return gathered if work.offloads_weights else whole // work.processes + gathered
    return whole


def _trained_bytes(work: Work) -> int:
    """Return the bytes of one trained number.

    peft keeps adapters in float32, but TRL those of QLoRA, and DeepSpeed those of a model in 16
    bits, in 16 bits; where every weight is trained it is in the weight's own type.
    """
    if work.rank is not None:
        is_half = work.is_quantised or (work.zero > 0 and work.weight_bytes == 2)
        return 2 if is_half else _FP32
    return 4 if work.weight_bytes == 4 else 2


def _optimiser(trained: int, work: Work) -> int:
    """Return the bytes of optimiser states on one device.

    AdamW keeps two numbers a weight, in the weight's type; DeepSpeed keeps them, and a copy of
    weights of 16 bits, in float32 (Rajbhandari et al. 2020, section 3.1: K = 12).
    """
    if work.zero:
        copy = _FP32 if _trained_bytes(work) == 2 or work.is_mixed else 0
        return _shared(trained * (2 * _FP32 + copy), work, from_stage=1)
    if work.optimizer in _STATE:
        return int(trained * _STATE[work.optimizer])
    return trained * _ADAM * _trained_bytes(work)


def _shared(size: int, work: Work, *, from_stage: int) -> int:
    return size // work.processes if work.zero >= from_stage else size


def _host(shape: ModelShape, work: Work) -> int:
    """Return what offloading puts into the machine's memory."""
    trained = trained_weights(shape, work)
    states = trained * (3 * _FP32 + _FP32) if work.offloads_optimizer else 0
    return states + (int(shape.weights * work.weight_bytes) if work.offloads_weights else 0)


def _batch(work: Work, rows: int) -> Batch:
    sequences = work.sequences(rows)
    return Batch(sequences, work.lengths.longest, sequences * work.lengths.learned)


def _activations(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return what is kept as the backward pass begins, or goes through its first layer.

    With checkpointing each layer keeps its input only, and one is computed again (Chen et al.
    2016, arXiv 1604.06174).
    """
    kept = kept_by_layer(shape, work, batch)
    last = batch.tokens * shape.hidden * _FP32 + batch.learned * shape.hidden * compute_bytes(work)
    if not work.checkpointing:
        return shape.layers * kept + last
    inputs = shape.layers * batch.tokens * shape.hidden * residual_bytes(work)
    again = kept + transient_of_layer(shape, work, batch)
    return inputs + last + max(0, again - _logits(shape, work, batch))


def _logits(shape: ModelShape, work: Work, batch: Batch) -> int:
    """Return what the fused head takes for its gradient: one tile of logits, and its sums."""
    words, positions = min(shape.vocabulary, _WORDS), min(batch.learned, _TILE)
    tiles = compute_bytes(work) + (0 if work.device == "cuda" else _TILES_BACKWARD * _FP32)
    sums = batch.learned * shape.hidden * _FP32
    if work.rank is None:
        sums += shape.vocabulary * shape.hidden * _FP32
    return int(positions * words * tiles) + sums


def _reading(shape: ModelShape, work: Work, batch: Batch) -> Parts:
    """Return what a pass without gradients takes: a layer, and one tile of logits."""
    words, positions = min(shape.vocabulary, _WORDS), min(batch.learned, _TILE)
    tiles = compute_bytes(work) + (0 if work.device == "cuda" else _TILES_FORWARD * _FP32)
    return {
        "activations": forward_only(shape, work, batch),
        "logits": int(positions * words * tiles),
    }
