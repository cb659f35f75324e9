"""The LM head on the positions that are learned, and on no others.

TRL leaves out the positions of prompt and padding on Triton devices only; elsewhere it projects
every one, for the sake of accelerators that recompile when a shape changes. A CPU does not, and
the projection is the larger half of a small model's step.
"""

from types import SimpleNamespace
from typing import Any

import torch
from transformers import PretrainedConfig
from trl.trainer import utils

from align.console import say
from align.training.prepared_run import is_main


def project_learned_positions_only(device: Any) -> None:
    """Let TRL's fused head leave out positions without a label on this torch device as well.

    Log-probabilities, loss and gradients stay the same: a test compares them. Where the head can't
    be changed, a line says so, and training computes every position.
    """
    if device.type not in ("cpu", "mps"):
        return
    plain = getattr(utils, "_use_triton", None)
    if plain is not None:
        # Asked in this module for nothing but whether to compact; the kernels ask their own.
        utils._use_triton = lambda device: True
        if _leaves_out_positions(device):
            return
        utils._use_triton = plain
    if is_main():
        say("TRL's LM head can't be kept to the learned positions: each step takes longer")


def _leaves_out_positions(device: Any) -> bool:
    """Return whether the head projects only what is learned, tried on a head of two words.

    The state of a position without a label is not a number: its projection, though no part of the
    loss, would leave the head a gradient that is none.
    """
    probe = _Probe(device)
    try:
        utils.add_fused_lm_head(probe)
        labels = torch.tensor([[-100, -100, 1]], device=device)
        probe.forward(labels=labels, fused_lm_head=True).loss.backward()
    except Exception:  # whatever changed in TRL: the head is not what is patched here
        return False
    return probe.weight.grad is not None and bool(torch.isfinite(probe.weight.grad).all())


class _Probe:
    """What TRL's fused head asks of a model: hidden states, (1, 3, 1), and a head, (2, 1)."""

    config = PretrainedConfig()

    def __init__(self, device: Any) -> None:
        self.weight = torch.ones(2, 1, device=device, requires_grad=True)
        self._hidden = torch.tensor([[[torch.nan], [1.0], [1.0]]], device=device)

    def forward(self, **inputs: Any) -> Any:
        raise NotImplementedError

    def base_model(self, **_: Any) -> Any:
        return SimpleNamespace(last_hidden_state=self._hidden)

    def get_output_embeddings(self) -> Any:
        return SimpleNamespace(weight=self.weight, bias=None)
