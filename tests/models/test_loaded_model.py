"""A model in memory: what drawing and weighing leave behind."""

from pathlib import Path

import pytest
import torch

from align.models.base import resolve_base
from align.models.checkpoints import Checkpoint
from align.models.loaded_model import LoadedModel, log_likelihood
from align.models.loading import load_model
from tests.tiny import write_tiny_base


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedModel:
    base = resolve_base(str(write_tiny_base(tmp_path / "tiny")), where="test")
    return load_model(Checkpoint("base", None, base.hash, base))


def test_neither_drawing_nor_weighing_keeps_what_a_gradient_would_need(
    loaded: LoadedModel,
) -> None:
    # Each step's activations would stay in memory until the last token is drawn.
    keeps: list[bool] = []
    loaded.model.register_forward_hook(
        lambda _module, _inputs, output: keeps.append(output.logits.requires_grad)
    )
    message = {"role": "user", "content": "Well?"}
    loaded.generate([[message]], seed=0, max_new_tokens=4)
    log_likelihood(loaded, [[message, {"role": "assistant", "content": "Yes."}]])
    assert len(keeps) > 1 and not any(keeps)
    assert torch.is_grad_enabled()


def test_what_stands_long_before_an_answer_is_not_weighed(loaded: LoadedModel) -> None:
    last = [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Yes."}]
    before = [
        {"role": role, "content": f"{'Rain again. ' * 9}{at}"}
        for at in range(9) for role in ("user", "assistant")
    ]  # fmt: skip
    [alone] = log_likelihood(loaded, [last])
    [cut] = log_likelihood(loaded, [[*before, *last]], max_prompt_tokens=40)
    [whole] = log_likelihood(loaded, [[*before, *last]])
    assert cut == alone
    assert whole.tokens > 9 * cut.tokens
