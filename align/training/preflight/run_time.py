"""How long a run takes: what its rows are to the model, in operations. Pure but for a tokenizer."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.training.preflight.dataset import Row, letters_of, measured
from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import Work, most_tokens
from align.training.tracking.speed import (
    Lengths,
    Passed,
    attention_flops_per_token,
    sequences_of,
    train_flops_per_token,
)

# Rows that are tokenised to know of all; letters of a token where nothing can be tokenised.
_SAMPLED, _LETTERS = 48, 4.0
# Seconds that libraries, the model and the checkpoint take beside the work.
_AROUND = 25.0
_EPOCHS, _EVAL_STEPS = 3.0, 500


@dataclass(frozen=True)
class Load:
    """What rows are to a model as they go through it once, padded in batches."""

    rows: int
    tokens: float = 0.0  # padding included; a pair is two sequences
    learned: float = 0.0  # share of them with a label
    attended: float = 0.0  # mean length of the sequence that a token stands in


@dataclass(frozen=True)
class RunTime:
    """What a run has to compute."""

    training: float  # operations of all steps, and of the evaluations between them
    beside: float  # those of the reference before, and of the last evaluation
    steps: int
    epochs: float

    def seconds(self, flops: float) -> float:
        """Return how long it takes at so many operations a second."""
        return (self.training + self.beside) / flops + _AROUND


def load_of(tokenizer: Any, rows: Sequence[Row], work: Work, values: Mapping[str, Any]) -> Load:
    """Return what rows are to a model, from the tokens of some and the letters of all.

    The recipe's values say what becomes of long rows; the tokenizer is None where none is here.
    """
    letters = [letters_of(row) for row in rows]
    if not sum(letters):
        return Load(len(rows))
    chosen = range(0, len(rows), max(1, len(rows) // _SAMPLED))
    each, learned = 1 / _LETTERS, 0.5
    if tokenizer is not None:
        fitted = measured(tokenizer, [rows[at] for at in chosen], work.stage, values).fitted.rows
        sizes = [size for row in fitted for size in sequences_of(row)]
        tokens = sum(length for length, _ in sizes)
        if tokens:
            each = tokens / work.sequences(1) / sum(letters[at] for at in chosen)
            learned = sum(count for _, count in sizes) / tokens
    lengths = [min(each * count, most_tokens(values)) for count in letters]
    if values.get("train_sampling_strategy") == "group_by_length" or values.get("packing"):
        lengths.sort()
    else:
        random.Random(0).shuffle(lengths)
    batches = [lengths[at : at + work.batch] for at in range(0, len(lengths), work.batch)]
    padded = [(max(batch), len(batch)) for batch in batches]
    total = sum(length * count for length, count in padded)
    attended = sum(length**2 * count for length, count in padded) / total
    return Load(len(rows), total * work.sequences(1), learned * sum(lengths) / total, attended)


def run_time(
    shape: ModelShape, work: Work, train: Load, held_out: Load, values: Mapping[str, Any]
) -> RunTime:
    """Return what a run has to compute."""
    of_step = work.batch * work.accumulation * work.processes
    of_epoch = max(1, math.ceil(train.rows / of_step))
    epochs = float(values.get("num_train_epochs") or _EPOCHS)
    most = int(values.get("max_steps") or -1)
    steps = most if most > 0 else max(1, round(of_epoch * epochs))
    epochs = steps / of_epoch
    between = _evaluations(values, steps, epochs) if held_out.rows else 0
    caches = bool(work.scoring_batch)
    return RunTime(
        training=_trained(shape, work, train) * epochs + between * _read(shape, held_out),
        beside=(_read(shape, train) + _read(shape, held_out)) * caches + _read(shape, held_out),
        steps=steps,
        epochs=epochs,
    )


def _evaluations(values: Mapping[str, Any], steps: int, epochs: float) -> int:
    strategy = values.get("eval_strategy", "no")
    if strategy == "epoch":
        return math.ceil(epochs)
    every = float(values.get("eval_steps") or values.get("logging_steps") or _EVAL_STEPS)
    every = every if every >= 1 else max(1.0, every * steps)
    return int(steps // every) if strategy == "steps" else 0


def _passed(shape: ModelShape) -> Passed:
    head = shape.vocabulary * shape.hidden
    return Passed(shape.weights - shape.embeddings, head, shape.layers, shape.queries)


def _trained(shape: ModelShape, work: Work, load: Load) -> float:
    """Return the operations of one epoch's steps."""
    is_live = work.stage == "dpo" and not work.scoring_batch
    lengths = Lengths(round(load.tokens), load.learned, load.attended)
    return load.tokens * train_flops_per_token(
        _passed(shape),
        lengths,
        trains_all=work.rank is None,
        gradient_checkpointing=work.checkpointing,
        live_reference=is_live,
    )


def _read(shape: ModelShape, load: Load) -> float:
    """Return the operations of one pass without gradients."""
    passed = _passed(shape)
    weights = passed.body + passed.head * load.learned
    return load.tokens * (2 * weights + attention_flops_per_token(passed, load.attended))
