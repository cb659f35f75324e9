"""Muon for small matrices on a processor: all matrices of one shape in one batched product.

torch.optim.Muon orthogonalises in bfloat16, one matrix at a time. Without hardware for
bfloat16 that is a hundred times slower than float32, so the demo base brings its own.
"""

import math
from collections.abc import Iterable

import torch

# Coefficients of the quintic iteration: Jordan et al. 2024, "Muon".
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


def orthogonalised(batch: torch.Tensor) -> torch.Tensor:
    """Return the nearest half-orthogonal matrices by Newton-Schulz, (B, m, n) -> (B, m, n)."""
    tall = batch.shape[-2] > batch.shape[-1]
    x = batch.mT if tall else batch
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * (gram @ gram)) @ x
    return x.mT if tall else x


class Muon:
    """Step matrices along their orthogonalised Nesterov momentum."""

    def __init__(
        self, matrices: Iterable[torch.nn.Parameter], lr: float, momentum: float = 0.95
    ) -> None:
        """Group the matrices by shape."""
        self.lr, self.momentum = lr, momentum
        self.groups: dict[tuple[int, ...], list[torch.nn.Parameter]] = {}
        for matrix in matrices:
            self.groups.setdefault(tuple(matrix.shape), []).append(matrix)
        self.buffers = {
            shape: torch.zeros(len(group), *shape) for shape, group in self.groups.items()
        }

    def step(self) -> None:
        """Take one step from the gradients, and clear them."""
        with torch.no_grad():
            for shape, group in self.groups.items():
                self._step_group(shape, group)

    def _step_group(self, shape: tuple[int, ...], group: list[torch.nn.Parameter]) -> None:
        grads = torch.stack([matrix.grad for matrix in group if matrix.grad is not None])
        buffer = self.buffers[shape].lerp_(grads, 1 - self.momentum)
        update = orthogonalised(grads.lerp(buffer, self.momentum))
        # The scale that matches AdamW's root mean square: Liu et al. 2025.
        scale = self.lr * 0.2 * math.sqrt(max(shape))
        for matrix, change in zip(group, update, strict=True):
            matrix.add_(change, alpha=-scale)
            matrix.grad = None
