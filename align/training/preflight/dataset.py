"""What there is to train on: rows by source, their lengths, and what max_length does to them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.console import make_command
from align.training.preflight.findings import Finding, fine, look, unknown, wrong
from align.training.preflight.lengths import Spread, lengths_of, spread_of
from align.training.preflight.light_tokenizer import LightTokenizer
from align.training.preflight.work import Lengths, most_tokens
from align.training.tokenised import TokenisedRows, dpo_tokens, sft_tokens

Row = dict[str, Any]

# Rows that are tokenised at the start of a run: the longest by letters, so the longest by tokens.
_LONGEST = 48


@dataclass(frozen=True)
class Measured:
    """Rows as they will be trained on."""

    lengths: Lengths | None  # of the longest; None where there are no rows
    spread: Spread | None  # of all
    fitted: TokenisedRows  # what max_length did


def rows_found(rows: Sequence[Row], stage: str, owner: str) -> list[Finding]:
    """Return how many rows there are for training, by source."""
    train = [row for row in rows if row.get("split", "train") == "train"]
    if not train:
        command = make_command("ingest" if stage == "sft" else "label", owner)
        return [wrong("dataset", "no rows for training", f"Run: {command}")]
    mix = Counter(str(row["source"]) for row in train)
    said = ", ".join(f"{count:,} {source}" for source, count in sorted(mix.items()))
    held = len(rows) - len(train)
    what = "rows" if stage == "sft" else "pairs"
    return [fine("dataset", f"{len(train):,} {what} ({said}), {held:,} held out")]


def measured(
    tokenizer: Any, rows: Sequence[Row], stage: str, values: Mapping[str, Any]
) -> Measured:
    """Return the rows' tokens, as the run itself will make them.

    Args:
        tokenizer: The base's.
        rows: Frozen rows.
        stage: `sft` or `dpo`.
        values: Of the recipe.
    """
    tokens = sft_tokens if stage == "sft" else dpo_tokens
    fitted = tokens(tokenizer, rows, most_tokens(values))
    return Measured(lengths_of(fitted.rows), spread_of(fitted.rows), fitted)


def longest_lengths(
    tokenizer: Any, rows: Sequence[Row], stage: str, values: Mapping[str, Any]
) -> Lengths | None:
    """Return the lengths of the longest rows, without tokenising all."""
    longest = sorted(rows, key=_letters)[-_LONGEST:]
    return measured(tokenizer, longest, stage, values).lengths


def lengths(found: Measured, values: Mapping[str, Any]) -> list[Finding]:
    """Return how long the rows are, and what max_length takes from them."""
    fitted, most = found.fitted, most_tokens(values)
    if found.spread is None:
        return [wrong("tokens", f"no row fits into {most:,} tokens", "Raise --max_length")]
    said = f"{found.spread.words()}; max_length {most:,}"
    cut = f"{fitted.shortened:,} rows lose their oldest turns, never the answer"
    left = f"{fitted.dropped:,} are left out, their last turn alone is longer"
    if fitted.dropped:
        both = f"{cut}; {left}" if fitted.shortened else left
        return [look("tokens", f"{said}; {both}", "Raise --max_length to keep them")]
    return [fine("tokens", f"{said}; {cut}" if fitted.shortened else f"{said}; nothing is cut")]


def no_tokens(name: str, tokenizer: LightTokenizer | None) -> list[Finding]:
    """Return that tokens can't be counted before the base's tokenizer is here."""
    why = "its tokenizer can't be read without torch" if tokenizer else "its tokenizer is not here"
    return [unknown("tokens", f"known once {name} is here: {why}")]


def _letters(row: Row) -> int:
    said = sum(len(message["content"]) for message in row["messages"])
    return said + max(len(row.get("chosen", "")), len(row.get("rejected", "")))
