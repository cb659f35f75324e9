"""Keys and values of what was generated so far, kept with room for what comes.

transformers' own cache joins each new token to a copy of all before it: on a CPU that is half of
the time that a small model's step takes.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

# Tokens that there is room for at a time.
_ROOM = 64


def growing_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model; layers with a sliding window stay transformers' own."""
    cache = DynamicCache(config=config)
    cache.layers = [
        _GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache


class _GrowingLayer(DynamicLayer):
    """One layer; `keys` and `values` are views, (B, heads, tokens, size), of what has room."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self._rooms = (key_states[:, :, :0], value_states[:, :, :0])

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[2]
        new = (key_states, value_states)
        if end > self._rooms[0].shape[2]:
            larger = tuple(
                states.new_empty((*states.shape[:2], end + _ROOM, states.shape[3]))
                for states in new
            )
            for room, before in zip(larger, self._rooms, strict=True):
                room[:, :, :start] = before[:, :, :start]
            self._rooms = larger
        for room, states in zip(self._rooms, new, strict=True):
            room[:, :, start:end] = states
        return self._show(end)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        if tokens := self.get_seq_length():
            self._rooms = tuple(room[indices] for room in self._rooms)
            self._show(tokens)

    def _show(self, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = (room[:, :, :tokens] for room in self._rooms)
        return self.keys, self.values
