"""Tokens drawn by top_p: the likeliest few hundred decide as the whole vocabulary would."""

import pytest
import torch

from align.models.loaded_model import draw


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


def test_nothing_outside_top_p_is_drawn() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(99, 1)
    chances = torch.linspace(0, 0.9999, 99)
    assert set(draw(logits, chances, 1.0, 0.79).tolist()) == {0, 1}
    assert set(draw(logits, chances, 1.0, 0.81).tolist()) == {0, 1, 2}
