"""Keys and values with room: the same logits, bit for bit, as from transformers' own cache."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.cache_utils import DynamicCache, DynamicSlidingWindowLayer

from align.models import growing_cache as caches
from align.models.growing_cache import growing_cache


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=99, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@torch.inference_mode()
def logits(model: Any, make_cache: Callable[[Any], Any], lengths: list[int]) -> list[torch.Tensor]:
    """Return the logits of a prompt and of 20 steps, in which three rows leave one by one."""
    cache, ids = make_cache(model.config), torch.arange(5 * max(lengths)).reshape(5, -1) % 99
    attention = torch.ones_like(ids)
    for row, length in enumerate(lengths):
        attention[row, : max(lengths) - length] = 0
    seen = []
    for step in range(20):
        out = model(ids, attention_mask=attention, past_key_values=cache, use_cache=True).logits
        seen.append(out[:, -1])
        ids = out[:, -1].argmax(1)[:, None]
        if step in (3, 9, 10):
            going = torch.tensor([row for row in range(len(ids)) if row != 1])
            cache.batch_select_indices(going)
            ids, attention = ids[going], attention[going]
        attention = torch.cat([attention, attention.new_ones(len(ids), 1)], dim=1)
    return seen


@pytest.mark.parametrize("room", [1, 2, 7, 64])
@pytest.mark.parametrize("lengths", [[1, 1, 1, 1, 1], [3, 9, 4, 6, 9]])
def test_answers_are_those_of_a_plain_cache(
    model: Any, lengths: list[int], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "_ROOM", room)
    plain = logits(model, lambda config: DynamicCache(config=config), lengths)
    grown = logits(model, growing_cache, lengths)
    assert all(torch.equal(one, other) for one, other in zip(plain, grown, strict=True))


def test_a_sliding_window_keeps_the_cache_of_its_own() -> None:
    layers = ["sliding_attention", "full_attention"]
    config = LlamaConfig(num_hidden_layers=2, sliding_window=4)
    config.layer_types = layers
    kinds = [type(layer) for layer in growing_cache(config).layers]
    assert kinds == [DynamicSlidingWindowLayer, caches._GrowingLayer]
