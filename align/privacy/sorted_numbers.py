"""Look 64-bit numbers up in sorted arrays, with a table that rules most of them out."""

from typing import Any

import numpy as np

# NumPy's own type says neither shape nor kind in a way that is worth its length.
Numbers = Any
# 2^25 cells are 32 MiB.
_LARGEST = 25


def table(count: int) -> Numbers:
    """Return an empty table for so many numbers."""
    return np.zeros(1 << min(_LARGEST, (16 * count + 512).bit_length()), bool)


def table_of(numbers: Numbers) -> Numbers:
    """Return a table that tells of most numbers that they are not among these."""
    cells = table(len(numbers))
    enter(cells, numbers)
    return cells


def enter(cells: Numbers, numbers: Numbers) -> None:
    """Enter numbers into a table."""
    cells[_cells(cells, numbers)] = True


def may_be_in(cells: Numbers, numbers: Numbers) -> Numbers:
    """Tell of each number whether it may be in the table: `(N,) -> (N,)`."""
    return cells[_cells(cells, numbers)]


def distinct(numbers: Numbers) -> Numbers:
    """Return the numbers once each, sorted; NumPy's own way hashes ours into few places."""
    numbers = np.sort(numbers)
    return (
        numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers
    )


def positions(known: Numbers, numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Return which of the numbers are among sorted ones, and at which place there."""
    if not len(known) or not len(numbers):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    which = np.flatnonzero(known[at] == numbers)
    return which, at[which]


def _cells(cells: Numbers, numbers: Numbers) -> Numbers:
    # By the high half: the low bits of a product know nothing of the high bits of its factors.
    # As signed numbers, which need no conversion to be indices.
    return ((numbers >> np.uint64(32)) & np.uint64(len(cells) - 1)).view(np.int64)
