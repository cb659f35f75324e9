"""Pairs: two answers to one prompt, of which the owner chooses the one that sounds right."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from align.levels import Level, from_stored, may_travel_sql
from align.store.ids import Split, content_id
from align.store.prompts import Message
from align.store.tables import Added, add_rows

Purpose = Literal["train", "arena"]


@dataclass(frozen=True)
class Pair:
    """A pair as it is stored: ids only."""

    prompt_id: str
    answer_a: str
    answer_b: str
    purpose: Purpose = "train"
    similarity: float | None = None

    @property
    def id(self) -> str:
        """The id that the two answers give it."""
        return content_id(self.prompt_id, self.answer_a, self.answer_b, self.purpose)


@dataclass(frozen=True)
class PairView:
    """A pair as it is read: with its texts, and as private as what stands behind it."""

    id: str
    prompt_id: str
    messages: tuple[Message, ...]
    thread: str
    split: Split
    text_a: str
    text_b: str
    checkpoint_a: str
    checkpoint_b: str
    level: Level
    purpose: Purpose
    similarity: float | None
    hash_a: str
    hash_b: str

    @property
    def drawn_by(self) -> str:
        """What drew the answers."""
        return drawn_by(self.hash_a, self.hash_b)


def drawn_by(hash_a: str, hash_b: str) -> str:
    """Return what drew two answers: the hash of their checkpoint, or of two."""
    return hash_a if hash_a == hash_b else "+".join(sorted((hash_a, hash_b)))


def add_pairs(conn: sqlite3.Connection, pairs: Iterable[Pair]) -> Added:
    """Add pairs; known ones change nothing."""
    rows = ((p.id, p.prompt_id, p.answer_a, p.answer_b, p.purpose, p.similarity) for p in pairs)
    return add_rows(conn, "pairs", rows)


def iter_pairs(conn: sqlite3.Connection, *, purpose: Purpose = "train") -> Iterator[PairView]:
    """Yield the pairs of a purpose, ordered by id."""
    rows = conn.execute("SELECT * FROM known_pairs WHERE purpose = ? ORDER BY id", (purpose,))
    yield from map(pair_view, rows.fetchall())


def get_pair(conn: sqlite3.Connection, id: str) -> PairView | None:
    """Return one pair, or None where there is none."""
    row = conn.execute("SELECT * FROM known_pairs WHERE id = ?", (id,)).fetchone()
    return None if row is None else pair_view(row)


def get_pairs(conn: sqlite3.Connection, ids: Collection[str]) -> dict[str, PairView]:
    """Return those of the pairs that are there, by id."""
    marks = ",".join("?" * len(ids))
    rows = conn.execute(f"SELECT * FROM known_pairs WHERE id IN ({marks})", tuple(ids))
    return {row["id"]: pair_view(row) for row in rows}


def pair_of_texts(
    conn: sqlite3.Connection, prompt_id: str, texts: tuple[str, str], purpose: Purpose
) -> tuple[str, bool] | None:
    """Return the pair that holds two texts, and whether they stand in it the other way round."""
    rows = conn.execute(
        "SELECT p.id, a.text, b.text FROM pairs p JOIN answers a ON a.id = p.answer_a "
        "JOIN answers b ON b.id = p.answer_b WHERE p.purpose = ? AND p.prompt_id = ? ORDER BY p.id",
        (purpose, prompt_id),
    )
    for pair_id, *pair_texts in rows:
        if sorted(pair_texts) == sorted(texts):
            return pair_id, pair_texts[0] != texts[0]
    return None


def pair_view(row: sqlite3.Row) -> PairView:
    """Return a row of the view `known_pairs` as what it means."""
    fields = {name: row[name] for name in PairView.__dataclass_fields__}
    fields["messages"] = tuple(json.loads(row["messages"]))
    fields["level"] = from_stored(row["level"])
    return PairView(**fields)


def pairs_that_may_travel(conn: sqlite3.Connection) -> set[str]:
    """Return the ids of the pairs that may travel."""
    rows = conn.execute(f"SELECT id FROM known_pairs WHERE {may_travel_sql('level')}")
    return {row[0] for row in rows}
