"""Choices become rows of prompt, chosen, rejected, weight and source."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from align.store.choices import Choice, decisive_pairs
from align.store.pairs import PairView

Message = dict[str, str]
Side = Literal["train", "held_out"]


@dataclass(frozen=True)
class Preference:
    """One answer preferred to another.

    Attributes:
        messages: The conversation up to the answer; the last turn is the user's.
        chosen: The answer that sounds like the owner.
        rejected: The one that doesn't, or less.
        weight: How much the row counts.
        source: Who chose: `owner`, `simulated`, `imported`.
        pair_id: The pair that was chosen from.
        prompt_id: What is held out together.
        split: `train` or `held_out`.
    """

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    weight: float
    source: str
    pair_id: str
    prompt_id: str
    split: Side

    def to_row(self) -> dict[str, Any]:
        """Return it as a row of a frozen rows file."""
        return {**asdict(self), "messages": list(self.messages)}


def build_preferences(conn: sqlite3.Connection, *, held_out: float = 0.12) -> list[Preference]:
    """Return the rows of all choices that stand, ordered by pair.

    `both` and `neither` are never rows; prompts of the evaluation side aren't either.
    """
    return [row for choice, pair in decisive_pairs(conn) for row in _rows(choice, pair, held_out)]


def side_of(prompt_id: str, held_out: float) -> Side:
    """Return a prompt's side, which depends on nothing but the prompt and the share."""
    number = int(hashlib.sha256(f"held out {prompt_id}".encode()).hexdigest()[:8], 16)
    return "held_out" if number / 2**32 < held_out else "train"


def length_difference(rows: Iterable[Preference]) -> float | None:
    """Return by how many words the chosen answers are longer on average; None without rows."""
    differences = [len(row.chosen.split()) - len(row.rejected.split()) for row in rows]
    return sum(differences) / len(differences) if differences else None


def _rows(choice: Choice, pair: PairView, held_out: float) -> Iterator[Preference]:
    if pair.split != "train":
        return
    if choice.outcome == "rewrite":
        # The owner's own words beat both answers; together they count as one choice.
        chosen = choice.rewrite or ""
        contests = [(chosen, pair.text_a, 0.5), (chosen, pair.text_b, 0.5)]
    elif choice.outcome == "a":
        contests = [(pair.text_a, pair.text_b, 1.0)]
    elif choice.outcome == "b":
        contests = [(pair.text_b, pair.text_a, 1.0)]
    else:
        return
    for better, worse, weight in contests:
        if better.strip() and better.strip() != worse.strip():
            yield Preference(
                messages=tuple(dict(message) for message in pair.messages),
                chosen=better,
                rejected=worse,
                weight=weight,
                source=choice.actor,
                pair_id=choice.pair_id,
                prompt_id=pair.prompt_id,
                split=side_of(pair.prompt_id, held_out),
            )
