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


def test_a_head_that_does_not_listen_is_said_once_and_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trl.trainer import utils

    def unpatched(device: Any) -> bool:
        return False

    add = utils.add_fused_lm_head

    def deaf(model: Any) -> None:
        """Build TRL's head so that it asks another name than the one that is patched."""
        patched, utils._use_triton = utils._use_triton, unpatched
        add(model)
        forward = model.forward

        def plain(**inputs: Any) -> Any:
            utils._use_triton = unpatched
            try:
                return forward(**inputs)
            finally:
                utils._use_triton = patched

        model.forward = plain
        utils._use_triton = patched

    monkeypatch.setattr(utils, "_use_triton", unpatched)
    monkeypatch.setattr(utils, "add_fused_lm_head", deaf)
    project_learned_positions_only(torch.device("cpu"))
    assert utils._use_triton is unpatched
    assert capsys.readouterr().err.count("LM head") == 1
    monkeypatch.setenv("RANK", "1")
    project_learned_positions_only(torch.device("cpu"))
    assert not capsys.readouterr().err


def test_a_trl_without_the_patched_name_is_said_and_trains_the_plain_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trl.trainer import utils

    monkeypatch.delattr(utils, "_use_triton")
    project_learned_positions_only(torch.device("cpu"))
    assert not hasattr(utils, "_use_triton")
    assert "LM head" in capsys.readouterr().err


def test_a_head_that_listens_is_said_nothing_of_and_draws_no_random_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trl.trainer import utils

    monkeypatch.setattr(utils, "_use_triton", lambda device: False)
    state = torch.get_rng_state()
    project_learned_positions_only(torch.device("cpu"))
    assert utils._use_triton(None)
    assert torch.equal(state, torch.get_rng_state())
    assert not capsys.readouterr().err
