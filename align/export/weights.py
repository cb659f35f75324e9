"""What safetensors files say of themselves, read from their headers: no weight is loaded."""

import json
import struct
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.paths import relative_to_root

# Bytes of one number, by the name that transformers and `--dtype` give its type.
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class Stored:
    """How many numbers a folder's weights hold, and the type of most of them."""

    parameters: int
    dtype: str


def stored(folder: Path) -> Stored:
    """Return what the model in a folder holds.

    Raises:
        UserError: There are no safetensors, or their numbers are of no type that is exported.
    """
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("model*.safetensors")):
        for tensor in _header(path).values():
            counts[tensor["dtype"]] += prod(tensor["shape"])
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
    return Stored(counts.total(), _NAMES[kind])


def _header(path: Path) -> dict[str, dict[str, Any]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return dict(header)
