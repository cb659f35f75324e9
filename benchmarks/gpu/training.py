"""Runs on the device: families, precision, the reference, resuming, batch shapes."""

import math
import os
import signal
from collections.abc import Iterator
from typing import Any

from benchmarks.gpu.ground import (
    FailedRunError,
    Ground,
    largest_difference,
    last_line,
    of_tests,
    watched,
)
from benchmarks.harness import Row, at_least, at_most

LN2 = math.log(2)
# The logged loss of a step is rounded to no less than this.
_FIRST_LOSS = 1e-3
# By how much losses may differ in bf16, relative: a margin of preferences is a small difference of
# large sums. On a CPU batches of 8x1 and 1x8 differ by 7e-6 and 4e-4; the tiny model's SFT loss,
# which falls by no more than 2 %, would hide a wrong rate behind a wider bound.
_HALF = {"sft": 2e-3, "dpo": 2e-2}
WHOLE = ("--use_peft", "false")
# At the tiny recipe's own learning rates an adapter moves; every weight at once would leap.
_GENTLE = ("--learning_rate", "1e-3")


def families(ground: Ground) -> Iterator[Row]:
    """Train a tiny model of each architecture, SFT and DPO."""
    known = of_tests("tiny_families")
    for name in list(known.FAMILIES)[: 2 if ground.is_small else None]:
        known.write_family_base(ground.root / "models" / name, name)
        sft = ground.train("sft", name, "--model_name_or_path", f"models/{name}", *precise(ground))
        yield at_least(f"{name}, SFT loss falls by", sft.losses[0] - sft.losses[-1], 0.0, "nats")
        dpo = ground.train("dpo", name, *precise(ground))
        yield at_most(f"{name}, first DPO loss against ln 2", abs(dpo.losses[0] - LN2), _FIRST_LOSS)


def checkpointing(ground: Ground) -> Iterator[Row]:
    """Compare bf16 runs with gradient checkpointing and without, adapter and every weight."""
    kinds = {"adapter": (), "every weight": (*WHOLE, *_GENTLE)}
    for kind, more in list(kinds.items())[: 1 if ground.is_small else None]:
        for stage in ("sft", "dpo"):
            runs = []
            for word in ("true", "false"):
                owner = f"gc-{word}-{kind.replace(' ', '-')}"
                words = ("--bf16", "true", "--gradient_checkpointing", word, *more)
                runs.append(ground.train(stage, owner, *words).losses)
            differs = largest_difference(*runs)
            yield at_most(f"{stage} {kind}, losses with and without", differs, _HALF[stage])


def reference(ground: Ground) -> Iterator[Row]:
    """Hold step 0 to ln 2, and see a wrong reference caught, for adapters and whole models."""
    for kind, more in (("adapter", ()), ("whole", (*WHOLE, *_GENTLE))):
        ground.train("sft", f"ref-{kind}", *precise(ground), *more)
        for cached in ("true", "false"):
            words = (*precise(ground), *more, "--precompute_ref_log_probs", cached)
            first = ground.train("dpo", f"ref-{kind}", *words).losses[0]
            name = f"{kind}, {'cached' if cached == 'true' else 'live'}: first loss against ln 2"
            yield at_most(name, abs(first - LN2), _FIRST_LOSS)
        yield at_least(f"{kind}, a wrong reference is caught", _is_caught(ground, kind, more), 1)


def _is_caught(ground: Ground, kind: str, more: tuple[str, ...]) -> int:
    words = (*precise(ground), *more, "--precompute_ref_log_probs", "false", "--seed", "5")
    with watched(_spoil_reference):
        code, said = ground.attempt("dpo", f"ref-{kind}", *words)
    return int(code == 2 and "policy and reference differ" in said)


def _spoil_reference(trainer: Any, run: Any) -> list[Any]:
    import torch

    model = trainer.ref_model or trainer.model
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if trainer.ref_model is not None or ".ref." in name:
                weight.add_(0.5 * torch.randn_like(weight))
    return []


def resuming(ground: Ground) -> Iterator[Row]:
    """Stop runs in the middle, go on, and compare with runs that nobody stopped."""
    parent = ("--checkpoint", str(ground.root / "checkpoints" / "unstopped" / "sft"))
    for stage in ("sft", "dpo"):
        words = (*precise(ground), *(parent if stage == "dpo" else ()))
        whole = ground.train(stage, "unstopped", *words)
        with watched(lambda trainer, run: [_told_to_stop_at(3)]):
            code, said = ground.attempt(stage, "stopped", *words)
        if code != 128 + signal.SIGTERM:
            raise FailedRunError(f"a stopped {stage} ended with {code}: {last_line(said)}")
        resumed = ground.train(stage, "stopped", *words)
        if "going on from step" not in resumed.said:
            raise FailedRunError(f"the {stage} did not go on from a save")
        differs = largest_difference(whole.losses, resumed.losses)
        yield at_most(f"{stage}, losses against a run never stopped", differs, same(ground, stage))


def _told_to_stop_at(step: int) -> Any:
    """Return a callback that sends this process what a spot instance gets before it goes."""
    from transformers import TrainerCallback

    class Spot(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == step:
                os.kill(os.getpid(), signal.SIGTERM)

    return Spot()


def batch_shapes(ground: Ground) -> Iterator[Row]:
    """Compare batches of 1x8, 2x4 and 8x1 (rows x accumulation): the same losses, step by step."""
    plain = ("--held_out", "0", "--num_train_epochs", "2")
    ground.train("sft", "shapes-parent", *precise(ground))
    parent = ("--checkpoint", str(ground.root / "checkpoints" / "shapes-parent" / "sft"))
    kinds: dict[str, tuple[str, ...]] = {
        "sft": ("--lora_dropout", "0", *_GENTLE),
        "dpo": (*parent, *_GENTLE),
    }
    for stage, more in kinds.items():
        limits = {"false": 1e-4 if ground.device == "cpu" else 1e-3, "true": _HALF[stage]}
        for bf16, limit in list(limits.items())[: 1 if ground.is_small else None]:
            runs = {}
            for rows, steps in ((8, 1), (2, 4), (1, 8)):
                shape: tuple[str, ...] = ("--per_device_train_batch_size", str(rows))
                shape += ("--gradient_accumulation_steps", str(steps), "--bf16", bf16)
                # One owner each: the rows of a run are frozen beside those of its owner.
                owner = f"shape-{rows}-{bf16}"
                runs[rows, steps] = ground.train(stage, owner, *plain, *more, *shape).losses
            for rows, steps in ((2, 4), (1, 8)):
                differs = largest_difference(runs[8, 1], runs[rows, steps])
                name = f"{stage}, {'bf16' if bf16 == 'true' else 'float32'}, {rows}x{steps}"
                yield at_most(f"{name} against 8x1", differs, limit)


def precise(ground: Ground) -> tuple[str, ...]:
    """Return the precision that the device is checked in."""
    return ("--bf16", "true" if ground.device == "cuda" else "false")


def same(ground: Ground, stage: str) -> float:
    """Return by how much losses of two equal runs may differ, relative.

    On a CPU with one thread count not at all; on CUDA the backward pass of attention adds up in
    whichever order its blocks finish.
    """
    return 1e-6 if ground.device == "cpu" else _HALF[stage]
