"""Whether one device can hold a model, found without torch: else it is spread over several."""

import json

from align.errors import UserError
from align.models.checkpoints import Checkpoint
from align.models.lineage import FULL, weights_files
from align.training.preflight.machine import gpus_here

# Beside the weights: keys and values of what is being answered, and the libraries' own.
_ROOM = 1.25


def must_be_spread(checkpoint: Checkpoint) -> bool:
    """Tell whether several CUDA devices are visible, of which none can hold the model alone."""
    gpus = gpus_here()
    if len(gpus) < 2:
        return False
    return weights_bytes(checkpoint) * _ROOM > min(gpu.total for gpu in gpus)


def check_each_holds(spread: bool, checkpoint: Checkpoint) -> None:
    """Refuse (UserError) several processes where each could not hold the model, or it is spread."""
    if spread:
        what = "one model over all devices, and a model on each: not both"
        raise UserError("--spread", what, "Leave --spread out, or start one process")
    if must_be_spread(checkpoint):
        what = "none of the devices can hold the model alone"
        raise UserError(checkpoint.name, what, "Spread it from one process: align sample --spread")


def weights_bytes(checkpoint: Checkpoint) -> int:
    """Return the bytes of a checkpoint's whole model in bfloat16, as it answers on a GPU."""
    is_full = checkpoint.lineage is not None and checkpoint.lineage.kind == FULL
    if is_full and checkpoint.path is not None:
        folder, files = checkpoint.path, weights_files(checkpoint.path)
    else:
        folder = checkpoint.base.path
        files = sorted(folder.glob("*.safetensors"))
    size = sum(path.stat().st_size for path in files if path.is_file())
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        is_single = "float32" in (config.get("dtype"), config.get("torch_dtype"))
    except (OSError, ValueError, AttributeError):
        is_single = False
    return size // 2 if is_single else size
