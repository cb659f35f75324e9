"""How often a source's rows are learned."""

import hashlib
import math
from collections.abc import Mapping

from align.conversations.examples.example_rows import Row
from align.store.ids import canonical_json


def times(row: Row, mix: Mapping[str, float]) -> int:
    """Return how often a row is learned: `1.5` is twice for half of a source's rows, else once.

    Which half depends on a row's words alone, so that it stays the same half.
    """
    wanted = mix.get(row["source"], 1.0)
    whole = math.floor(wanted)
    return whole + (_place(row) < wanted - whole)


def _place(row: Row) -> float:
    """Return a number from 0 to 1 that a row's words decide."""
    words = canonical_json([[each["role"], each["content"]] for each in row["messages"]])
    return int(hashlib.sha256(f"mix {words}".encode()).hexdigest()[:8], 16) / 2**32
