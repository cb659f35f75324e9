"""Rows of like length in a batch, the longest first: little padding, and no memory that grows.

Where lengths come as they may, each longer batch finds the allocator's memory in pieces too small
for it: on a CPU a run of a hundred steps held twice what its largest step needs.
"""

from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers.trainer_pt_utils import LengthGroupedSampler

from align.training.tokenised import TokenisedRows


class EpochSeededSampler(LengthGroupedSampler):
    """Draws each epoch's order from the run's seed, so that a run that goes on has the same."""

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self._seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch, as accelerate's loader calls it."""
        self.generator.manual_seed(self._seed + epoch)


def is_by_length(args: Any) -> bool:
    """Tell whether a run's settings ask for batches by length."""
    return bool(args.train_sampling_strategy == "group_by_length")


def order_by_length(trainer: Any, lengths: list[int]) -> None:
    """Let a trainer take its training rows, of so many tokens each, by length, if it is asked to.

    The trainer's own way knows only rows with `input_ids`, and another order after each stop.
    """
    args = trainer.args
    size = args.train_batch_size * args.gradient_accumulation_steps
    if is_by_length(args):
        trainer._get_train_sampler = lambda _=None: EpochSeededSampler(size, lengths, args.seed)
        trainer._get_eval_sampler = SequentialSampler  # held-out rows are sorted below


def longest_first(args: Any, *parts: TokenisedRows) -> None:
    """Sort rows that are passed over in their order: held-out ones, and DPO's for the reference."""
    if is_by_length(args):
        for part in parts:
            part.rows.sort(key=lambda row: -part.length(row))
