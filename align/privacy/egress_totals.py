"""What an owner's ledger comes to: by purpose, model, host and day, and what the gate stopped."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BY = ("purpose", "model", "host", "day")


@dataclass
class Sum:
    """What some attempts come to.

    Attributes:
        attempts: How many requests were sent, or may have been.
        bytes: Of their bodies.
        input_tokens: As far as they are known, those kept and read from the cache among them.
        output_tokens: As far as they are known.
        cost: USD, as far as it is known.
        unknown: How many may have cost something that is not known.
    """

    attempts: int = 0
    bytes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unknown: int = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Add an attempt, or what a batch came to."""
        if line["kind"] == "attempt":
            self.attempts += 1
            self.bytes += line.get("bytes") or 0
            self.unknown += _may_cost(line)
        for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens"):
            self.input_tokens += line.get(name) or 0
        self.output_tokens += line.get("output_tokens") or 0
        self.cost += line.get("cost") or 0.0


@dataclass
class Totals:
    """What a ledger comes to.

    Attributes:
        all: Everything.
        by: The sums by `BY`, and by what each is.
        refused: What the gate stopped, by reason.
        unfinished: Attempts of which nobody knows how they ended.
        underway: Attempts that have not ended yet.
        damaged: Lines that can't be read.
    """

    all: Sum = field(default_factory=Sum)
    by: dict[str, dict[str, Sum]] = field(default_factory=lambda: {name: {} for name in BY})
    refused: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    underway: int = 0
    damaged: int = 0


def totals(lines: Iterable[Mapping[str, Any]]) -> Totals:
    """Return what a ledger's lines come to."""
    found = Totals()
    for line in lines:
        kind = line["kind"]
        if kind == "refused":
            found.refused[str(line.get("reason"))] += 1
        elif kind == "damaged":
            found.damaged += 1
        elif kind in ("attempt", "settled"):
            found.unfinished += bool(line.get("unfinished"))
            found.underway += bool(line.get("underway"))
            found.all.add(line)
            for name in BY:
                what = line.get("time", "")[:10] if name == "day" else line.get(name)
                # Whoever asks how a batch goes names no model.
                found.by[name].setdefault(str(what or "-"), Sum()).add(line)
    return found


def _may_cost(line: Mapping[str, Any]) -> bool:
    """Tell whether an attempt may have been billed and nobody knows how much."""
    is_paid = line.get("method") == "POST" and str(line.get("path", "")).endswith("/messages")
    return is_paid and line.get("cost") is None and line.get("status") in (None, 200)
