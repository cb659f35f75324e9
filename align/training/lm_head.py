"""The LM head on the positions that are learned, and on no others.

TRL leaves out the positions of prompt and padding on Triton devices only; elsewhere it projects
every one, for the sake of accelerators that recompile when a shape changes. A CPU does not, and
the projection is the larger half of a small model's step.
"""

from typing import Any

from trl.trainer import utils


def project_learned_positions_only(device: Any) -> None:
    """Let TRL's fused head leave out positions without a label on this device as well.

    Log-probabilities, loss and gradients stay the same: a test compares them.

    Args:
        device: Where the model is trained; a torch device.
    """
    if device.type in ("cpu", "mps") and hasattr(utils, "_use_triton"):
        # Asked in this module for nothing but whether to compact; the kernels ask their own.
        utils._use_triton = lambda device: True
