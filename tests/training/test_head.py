"""Leaving out positions that nobody learns changes the work, never the result."""

from pathlib import Path
from typing import Any

import pytest
import torch

from align.training.lm_head import project_learned_positions_only


def gradients(base: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any, list[torch.Tensor]]:
    """Return how many positions were projected, the log-probabilities, and the gradients."""
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    utils.add_fused_lm_head(model)
    projected = []
    real = utils._ChunkedLogProbFunction.apply

    def counting(hidden: Any, *rest: Any) -> Any:
        projected.append(len(hidden))
        return real(hidden, *rest)

    monkeypatch.setattr(utils._ChunkedLogProbFunction, "apply", counting)
    ids = torch.arange(60).reshape(3, 20) + 5
    labels = ids.clone()
    labels[:, :12] = -100
    labels[1, 15:] = -100
    out = model(input_ids=ids, labels=labels, fused_lm_head=True)
    out.loss.backward()
    monkeypatch.setattr(utils._ChunkedLogProbFunction, "apply", real)
    found = [value.grad for value in model.parameters() if value.grad is not None]
    return projected[0], out.log_probs.detach(), found


def test_same_log_probabilities_and_gradients_from_fewer_positions(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
):
    from trl.trainer import utils

    monkeypatch.setattr(utils, "_use_triton", lambda device: False)
    every, before, gradients_before = gradients(tiny_base, monkeypatch)
    project_learned_positions_only(torch.device("cpu"))
    learned, after, gradients_after = gradients(tiny_base, monkeypatch)
    assert (every, learned) == (57, 19)
    torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-6)
    assert len(gradients_before) == len(gradients_after) > 0
    for first, second in zip(gradients_before, gradients_after, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
