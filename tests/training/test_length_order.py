"""Rows of like length in a batch: the order of an epoch, and what padding is left."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from align.training.length_order import EpochSeededSampler, longest_first
from align.training.tokenised import TokenisedRows


@given(st.lists(st.integers(1, 512), min_size=1, max_size=300), st.integers(0, 3))
def test_every_row_comes_once_an_epoch_the_longest_first_and_the_same_after_a_stop(
    lengths: list[int], epoch: int
) -> None:
    sampler, later = (EpochSeededSampler(4, lengths, seed=7) for _ in range(2))
    for passed in range(epoch + 1):
        sampler.set_epoch(passed)
        order = list(sampler)
    assert sorted(order) == list(range(len(lengths)))
    assert lengths[order[0]] == max(lengths)
    later.set_epoch(epoch)
    assert list(later) == order


def test_epochs_differ_and_little_of_a_batch_is_padding() -> None:
    lengths = [20 + 37 * at % 490 for at in range(400)]
    sampler = EpochSeededSampler(4, lengths, seed=7)
    first = list(sampler)
    padded = sum(2 * max(lengths[at] for at in first[i : i + 2]) for i in range(0, 400, 2))
    assert padded < 1.05 * sum(lengths)
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_a_pairs_length_is_its_longer_sequences_and_rows_are_sorted_only_where_asked() -> None:
    rows = [
        {"prompt_ids": [1] * prompt, "chosen_ids": [1] * chosen, "rejected_ids": [1] * rejected}
        for prompt, chosen, rejected in [(3, 1, 1), (1, 1, 9), (2, 4, 1)]
    ]
    part = TokenisedRows(list(rows))
    longest_first(SimpleNamespace(train_sampling_strategy="random"), part)
    assert part.rows == rows
    longest_first(SimpleNamespace(train_sampling_strategy="group_by_length"), part)
    assert [part.length(row) for row in part.rows] == [10, 6, 4]
