"""What safetensors files say of themselves, read from their headers: no weight is loaded."""

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from align.errors import UserError
from align.paths import relative_to_root

# Bytes of one number, by the name that transformers and `--dtype` give its type.
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class StoredWeights:
    """How many numbers a folder's weights hold, and the type of most of them."""

    parameters: int
    dtype: str


def stored_weights(folder: Path) -> StoredWeights:
    """Return how much a folder's model holds, by its headers; UserError of none, or other types."""
    from safetensors import safe_open

    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("model*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            for name in file.offset_keys():
                tensor = file.get_slice(name)
                counts[tensor.get_dtype()] += prod(tensor.get_shape())
    if not counts:
        raise UserError(
            relative_to_root(folder), "no model*.safetensors here", "Fetch the base anew"
        )
    kind = counts.most_common(1)[0][0]
    if kind not in _NAMES:
        raise UserError(
            relative_to_root(folder),
            f"its weights are stored as {kind}, which is no plain floating point",
            "Name the dtype: --dtype bfloat16",
        )
    return StoredWeights(counts.total(), _NAMES[kind])
