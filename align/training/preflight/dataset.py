"""What there is to train on: rows by source, their lengths, and what max_length does to them."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.console import make_command
from align.training.preflight.findings import Finding, fine, look, wrong
from align.training.preflight.work import Lengths, most_tokens
from align.training.tokenised import TokenisedRows, dpo_tokens, sft_tokens
from align.training.tracking.speed import sequences_of

Row = dict[str, Any]

# Rows that are tokenised at the start of a run: the longest by letters, so the longest by tokens.
_LONGEST = 48


@dataclass(frozen=True)
class Measured:
    """Rows as they will be trained on."""

    lengths: Lengths | None  # of the longest; None where there are no rows
    spread: str  # of all lengths; empty where there are no rows
    fitted: TokenisedRows  # what max_length did


def row_mix(rows: Sequence[Row], stage: str, owner_id: str) -> list[Finding]:
    """Return how many rows there are for training, by source."""
    train = [row for row in rows if row.get("split", "train") == "train"]
    if not train:
        command = make_command("ingest" if stage == "sft" else "label", owner_id)
        return [wrong("dataset", "no rows for training", f"Run: {command}")]
    mix = Counter(str(row["source"]) for row in train)
    mix_text = ", ".join(f"{count:,} {source}" for source, count in sorted(mix.items()))
    held = len(rows) - len(train)
    what = "rows" if stage == "sft" else "pairs"
    return [fine("dataset", f"{len(train):,} {what} ({mix_text}), {held:,} held out")]


def measured(
    tokenizer: Any, rows: Sequence[Row], stage: str, values: Mapping[str, Any]
) -> Measured:
    """Return frozen rows' tokens, as the run itself will make them from the recipe's values."""
    tokens = sft_tokens if stage == "sft" else dpo_tokens
    fitted = tokens(tokenizer, rows, most_tokens(values))
    return Measured(lengths_of(fitted.rows), _spread_of(fitted.rows), fitted)


def lengths_of(rows: Sequence[dict[str, Any]]) -> Lengths | None:
    """Return the longest row and the most that is learned of one; None where there are no rows."""
    sequences = [size for row in rows for size in sequences_of(row)]
    if not sequences:
        return None
    longest, learned = (max(sizes) for sizes in zip(*sequences, strict=True))
    return Lengths(longest, learned, measured=True)


def _spread_of(rows: Sequence[Row]) -> str:
    """Return how the rows' lengths are spread, as a line's part; 19 of 20 are no longer."""
    lengths = sorted(max(sequences_of(row))[0] for row in rows)
    if not lengths:
        return ""
    high = lengths[min(len(lengths) - 1, int(0.95 * len(lengths)))]
    median = round(statistics.median(lengths))
    return f"median {median:,}, 95 % up to {high:,}, longest {lengths[-1]:,}"


def longest_lengths(
    tokenizer: Any, rows: Sequence[Row], stage: str, values: Mapping[str, Any]
) -> Lengths | None:
    """Return the lengths of the longest rows, without tokenising all."""
    longest = sorted(rows, key=letters_of)[-_LONGEST:]
    return measured(tokenizer, longest, stage, values).lengths


def lengths(rows: Measured, values: Mapping[str, Any]) -> list[Finding]:
    """Return how long the rows are, and what max_length takes from them."""
    fitted, most = rows.fitted, most_tokens(values)
    if not rows.spread:
        return [wrong("tokens", f"no row fits into {most:,} tokens", "Raise --max_length")]
    text = f"{rows.spread}; max_length {most:,}"
    cut = f"{fitted.shortened:,} rows lose their oldest turns, never the answer"
    left = f"{fitted.dropped:,} are left out, their last turn alone is longer"
    if fitted.dropped:
        both = f"{cut}; {left}" if fitted.shortened else left
        return [look("tokens", f"{text}; {both}", "Raise --max_length to keep them")]
    return [fine("tokens", f"{text}; {cut}" if fitted.shortened else f"{text}; nothing is cut")]


def letters_of(row: Row) -> int:
    """Return the letters of a row's longest sequence."""
    letters = sum(len(message["content"]) for message in row["messages"])
    return letters + max(len(row.get("chosen", "")), len(row.get("rejected", "")))
