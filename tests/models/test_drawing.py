"""Answers in batches, tokens drawn by top_p: the likeliest few decide as the whole would."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from align.models.loaded_model import _batches, draw


def drawn_by_full_sort(
    logits: torch.Tensor, chances: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    ordered, tokens = torch.sort(logits.double() / temperature, dim=1, descending=True)
    chance = torch.softmax(ordered, dim=1)
    mass = chance.cumsum(dim=1)
    kept = torch.where(mass - chance < top_p, chance, 0.0).cumsum(dim=1)
    place = torch.searchsorted(kept, chances[:, None].double() * kept[:, -1:], right=True)
    return tokens.gather(1, place.clamp(max=logits.shape[1] - 1))[:, 0]


@pytest.mark.parametrize("sharpness", [0.01, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("vocabulary", [20, 3000])
def test_the_likeliest_tokens_decide_as_all_would(
    vocabulary: int, top_p: float, sharpness: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, vocabulary, generator=generator) * sharpness
    # Away from the borders between tokens, where float32 may round either way.
    chances = torch.rand(60, generator=generator) * 0.98 + 0.01
    drawn = draw(logits, chances, 0.9, top_p)
    expected = drawn_by_full_sort(logits, chances, 0.9, top_p)
    assert (drawn == expected).float().mean() >= 0.95
    rank = (logits > logits.gather(1, drawn[:, None])).sum(dim=1)
    expected_rank = (logits > logits.gather(1, expected[:, None])).sum(dim=1)
    assert (rank - expected_rank).abs().max() <= 1


def test_a_row_is_drawn_as_it_would_be_alone() -> None:
    """Flat rows, which all tokens are sorted for, beside sharp ones, which the likeliest decide."""
    logits = torch.randn(60, 3000, generator=torch.Generator().manual_seed(1))
    logits *= torch.tensor([0.5, 9.0]).repeat(30)[:, None]
    chances = torch.linspace(0.01, 0.99, 60)
    together = draw(logits, chances, 0.9, 0.95)
    alone = [draw(logits[at : at + 1], chances[at : at + 1], 0.9, 0.95) for at in range(60)]
    assert together.tolist() == torch.cat(alone).tolist()


def test_nothing_outside_top_p_is_drawn() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(99, 1)
    chances = torch.linspace(0, 0.9999, 99)
    assert set(draw(logits, chances, 1.0, 0.79).tolist()) == {0, 1}
    assert set(draw(logits, chances, 1.0, 0.81).tolist()) == {0, 1, 2}


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=60).map(sorted),
    st.integers(1, 9),
    st.integers(1, 200),
)
def test_batches_hold_all_rows_in_order_within_both_limits(
    lengths: list[int], batch_size: int, most: int
) -> None:
    batches = list(_batches(lengths, batch_size, most))
    assert [at for start, end in batches for at in range(start, end)] == list(range(len(lengths)))
    for start, end in batches:
        assert end - start <= batch_size
        assert end - start == 1 or (end - start) * lengths[end - 1] <= most
