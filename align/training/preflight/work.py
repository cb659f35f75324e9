"""What a run does with memory: batch, lengths, precision, adapter, and how devices share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from align.training.preflight.machine import Layout, multiplies_bfloat16

# TRL's and transformers' own, where a recipe says nothing (trl 1.16, transformers 5.23).
_BATCH, _EVAL_BATCH, _LONGEST = 8, 8, 1024
_RANK = 16


@dataclass(frozen=True)
class Lengths:
    """Tokens of the rows, as far as they are known."""

    longest: int  # of a row, template included; of a pair the longer of its two sequences
    learned: int  # of a row's tokens, those that are learned at most; of a pair's one sequence
    measured: bool = False  # whether they are those of real rows, and not what max_length allows


@dataclass(frozen=True)
class Work:
    """What a run does, as far as memory is concerned."""

    stage: str  # `sft` or `dpo`
    lengths: Lengths  # of its rows
    batch: int  # rows of a micro-batch on one device; a pair is two sequences
    eval_batch: int = _EVAL_BATCH  # of an evaluation; 0 where nothing is held out
    # Of the pass that caches the reference's log-probs; 0 where there is none.
    scoring_batch: int = 0
    accumulation: int = 1  # micro-batches of a step
    weight_bytes: float = 4  # of one weight of the base: 4, 2, or 1 and 0.5 where it is quantised
    is_mixed: bool = False  # whether products are in 16 bits under autocast
    rank: int | None = _RANK  # of the adapter; None where every weight is trained
    targets: tuple[str, ...] = ()  # names of the linear maps with an adapter; empty means all
    dropout: float = 0.0  # of the adapter
    # Names of whole modules that are trained beside the adapter.
    saved_modules: tuple[str, ...] = ()
    checkpointing: bool = True  # whether activations are computed again in the backward pass
    attention: str = "sdpa"  # `sdpa`, `eager` or a flash attention
    optimizer: str = "adamw_torch_fused"  # as the recipe names it
    reference: str = "none"  # `none`, `adapter` (a second one) or `model` (a second one)
    processes: int = 1  # how many train
    zero: int = 0  # stage of ZeRO; 0 without DeepSpeed
    offloads_optimizer: bool = False  # whether optimiser states lie in the machine's memory
    offloads_weights: bool = False  # whether the weights do
    device: str = "cpu"  # `cuda`, `mps` or `cpu`

    @property
    def is_quantised(self) -> bool:
        """Return whether the base's weights have fewer than 16 bits."""
        return self.weight_bytes < 2

    def sequences(self, rows: int) -> int:
        """Return how many sequences so many rows are: of a pair both answers."""
        return rows * (2 if self.stage == "dpo" else 1)


def most_tokens(values: Mapping[str, Any]) -> int:
    """Return `max_length` of a recipe's values, or its default."""
    return int(values.get("max_length") or _LONGEST)


def work_of(
    stage: str,
    values: Mapping[str, Any],
    lengths: Lengths | None,
    layout: Layout,
    *,
    evaluates: bool = True,
) -> Work:
    """Return what a recipe's values, command line included, ask of memory.

    Without the rows' `lengths` they are what max_length allows.
    """
    longest = most_tokens(values)
    if values.get("packing"):
        lengths = None  # rows are filled up to max_length
    weight_bytes, is_mixed = _weight_bytes(values), _is_mixed(values, layout)
    if layout.zero and is_mixed and weight_bytes == 4:
        # DeepSpeed turns the whole model into 16 bits, and keeps its own copy in 32.
        weight_bytes, is_mixed = 2, False
    return Work(
        stage=stage,
        lengths=lengths or Lengths(longest, longest),
        weight_bytes=weight_bytes,
        is_mixed=is_mixed,
        checkpointing=bool(values.get("gradient_checkpointing", True)),
        attention=str(values.get("attn_implementation") or "sdpa"),
        optimizer=str(values.get("optim") or "adamw_torch_fused"),
        processes=layout.processes,
        zero=layout.zero,
        offloads_optimizer=layout.offload[0],
        offloads_weights=layout.offload[1],
        device=layout.device,
        **_batches(stage, values, evaluates=evaluates),
        **_adapter(stage, values),
    )


def _batches(stage: str, values: Mapping[str, Any], *, evaluates: bool) -> dict[str, Any]:
    batch = int(values.get("per_device_train_batch_size") or _BATCH)
    caches = stage == "dpo" and bool(values.get("precompute_ref_log_probs"))
    return {
        "batch": batch,
        "eval_batch": int(values.get("per_device_eval_batch_size") or _EVAL_BATCH) * evaluates,
        "scoring_batch": int(values.get("precompute_ref_batch_size") or batch) * caches,
        "accumulation": int(values.get("gradient_accumulation_steps") or 1),
    }


def _adapter(stage: str, values: Mapping[str, Any]) -> dict[str, Any]:
    is_full = values.get("use_peft") is False
    targets = values.get("lora_target_modules") or []
    targets = [targets] if isinstance(targets, str) else targets
    # DPO trains without dropout unless a recipe says otherwise (DPOConfig.disable_dropout).
    is_still = stage == "dpo" and values.get("disable_dropout", True)
    return {
        "rank": None if is_full else int(values.get("lora_r") or _RANK),
        "targets": () if targets in ([], ["all-linear"]) else tuple(targets),
        "dropout": 0.0 if is_still else float(values.get("lora_dropout", 0.05)),
        "saved_modules": tuple(values.get("lora_modules_to_save") or ()),
        "reference": _reference(stage, values, is_full=is_full),
    }


def _weight_bytes(values: Mapping[str, Any]) -> float:
    if values.get("load_in_4bit"):
        return 0.5
    if values.get("load_in_8bit"):
        return 1
    # `align.training.policy.model_settings` loads in float32 unless a recipe says otherwise.
    return 2 if values.get("dtype") in ("bfloat16", "float16") else 4


def _is_mixed(values: Mapping[str, Any], layout: Layout) -> bool:
    if values.get("fp16"):
        return True
    # As `align.training.arguments` decides it where the recipe does not.
    is_asked_for = values.get("bf16")
    if is_asked_for is not None:
        return bool(is_asked_for)
    if layout.device == "cpu":
        return multiplies_bfloat16() and not layout.zero
    return layout.device == "cuda"


def _reference(stage: str, values: Mapping[str, Any], *, is_full: bool) -> str:
    if stage != "dpo":
        return "none"
    if not is_full:
        return "adapter"
    return "none" if values.get("precompute_ref_log_probs") else "model"
