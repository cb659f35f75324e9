"""Draw tokens by inverse transform: one uniform number decides a token, on any device.

The numbers come from the prompt and the seed, so an answer does not hang on its batch.
"""

import hashlib
from collections.abc import Sequence

import torch


def uniforms(keys: Sequence[str], steps: int) -> torch.Tensor:
    """Return uniform numbers in [0, 1), (len(keys), steps), each row decided by its key."""
    rows = torch.empty((len(keys), steps), dtype=torch.float32)
    generator = torch.Generator()
    for row, key in enumerate(keys):
        generator.manual_seed(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big"))
        rows[row] = torch.rand(steps, generator=generator)
    return rows


def draw(
    logits: torch.Tensor, chances: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    """Return one token id a row, (B,).

    Args:
        logits: (B, V), float32.
        chances: (B,), uniform in [0, 1).
        temperature: Of the softmax; 0 takes the likeliest token.
        top_p: Tokens outside the smallest set of likeliest ones with this mass are never drawn.
    """
    if temperature <= 0:
        return logits.argmax(dim=1)
    chances = chances[:, None]
    if top_p >= 1:
        mass = torch.softmax(logits / temperature, dim=1).cumsum(dim=1)
        return torch.searchsorted(mass, chances * mass[:, -1:], right=True).clamp(
            max=logits.shape[1] - 1
        )[:, 0]
    ordered, tokens = torch.sort(logits / temperature, dim=1, descending=True, stable=True)
    chance = torch.softmax(ordered, dim=1)
    mass = chance.cumsum(dim=1)
    # The token that crosses top_p is still in.
    mass = torch.where(mass - chance < top_p, chance, 0.0).cumsum(dim=1)
    place = torch.searchsorted(mass, chances * mass[:, -1:], right=True)
    return tokens.gather(1, place.clamp(max=logits.shape[1] - 1))[:, 0]
