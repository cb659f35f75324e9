"""How long the rows are, in tokens, and what max_length does to them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from align.training.preflight.work import Lengths


@dataclass(frozen=True)
class Spread:
    """Tokens of rows: half are no longer than `median`, 19 of 20 no longer than `high`."""

    median: int
    high: int
    longest: int

    def words(self) -> str:
        """Return it as a line's part."""
        return f"median {self.median:,}, 95 % up to {self.high:,}, longest {self.longest:,}"


def sizes(row: dict[str, Any]) -> tuple[int, int]:
    """Return a tokenised row's length and how much of it is learned.

    Of a pair these are its longer sequence, and the longer of its answers.
    """
    if "input_ids" in row:
        return len(row["input_ids"]), sum(label != -100 for label in row["labels"])
    answer = max(len(row["chosen_ids"]), len(row["rejected_ids"]))
    return len(row["prompt_ids"]) + answer, answer


def lengths_of(rows: Sequence[dict[str, Any]]) -> Lengths | None:
    """Return the longest row and the most that is learned of one; None where there are no rows."""
    found = [sizes(row) for row in rows]
    if not found:
        return None
    return Lengths(max(f[0] for f in found), max(f[1] for f in found), measured=True)


def spread_of(rows: Sequence[dict[str, Any]]) -> Spread | None:
    """Return how the rows' lengths are spread; None where there are no rows."""
    lengths = sorted(sizes(row)[0] for row in rows)
    if not lengths:
        return None
    high = lengths[min(len(lengths) - 1, int(0.95 * len(lengths)))]
    return Spread(round(statistics.median(lengths)), high, lengths[-1])
