"""The pairs of one purpose as a pool to select from, read only as far as it is walked."""

import sqlite3
from collections.abc import Collection, Iterator
from itertools import chain, repeat
from typing import Any

from align.choices.selection import Candidate, flaw_of
from align.store.pairs import Purpose

# Rows read at a time: few for the first question, more the longer the walk.
_CHUNKS = (64, 256, 1024)
_COLUMNS = "pair_id, prompt_id, checkpoint_number, empty, likeness"


class AskablePairs:
    """An `align.choices.selection.Pool` of the store's pairs, for training or of the arena.

    `looked_at` are the suspects of which texts were compared, and whether they are near-identical.
    """

    def __init__(self, conn: sqlite3.Connection, purpose: Purpose = "train") -> None:
        self._conn, self._purpose = conn, purpose
        self.looked_at: dict[Candidate, bool] = {}

    def numbers(self) -> list[int]:
        """Return the numbers of the checkpoints that have pairs, newest first."""
        rows = self._conn.execute(
            "SELECT checkpoint_number FROM askable_counts WHERE purpose = ? AND pairs "
            "ORDER BY 1 DESC",
            (self._purpose,),
        )
        return [row[0] for row in rows]

    def count(self, number: int | None) -> int:
        """Return how many pairs a checkpoint has, or all have, without those that are empty."""
        return self._sum("pairs - empty", number)

    def total(self) -> int:
        """Return how many pairs there are."""
        return self._sum("pairs")

    def empty(self) -> int:
        """Return how many pairs have an empty answer."""
        return self._sum("empty")

    def open_places(self, a_prompt: int) -> int:
        """Return how many pairs would be asked were none answered, so many of a prompt at most."""
        query = (
            "SELECT sum(min(n, ?)) FROM (SELECT count(*) AS n FROM askable "
            "WHERE purpose = ? AND NOT empty GROUP BY prompt_id)"
        )
        return self._conn.execute(query, (a_prompt, self._purpose)).fetchone()[0] or 0

    def walk(self, number: int | None, start: str) -> Iterator[Candidate]:
        """Yield the pairs of a checkpoint, or all, by rising id from `start` and round once."""
        yield from self._stretch(number, "pair_id >= ?", start, None)
        yield from self._stretch(number, "pair_id >= ?", "", start)

    def of_prompts(self, prompt_ids: Collection[str]) -> Iterator[Candidate]:
        """Yield all pairs of some prompts."""
        query = f"SELECT {_COLUMNS} FROM askable WHERE purpose = ? AND prompt_id = ?"
        for prompt_id in prompt_ids:
            yield from map(Candidate._make, self._rows(query, self._purpose, prompt_id))

    def candidate(self, pair_id: str) -> Candidate:
        """Return one pair that is here whole."""
        query = f"SELECT {_COLUMNS} FROM askable WHERE purpose = ? AND pair_id = ?"
        return Candidate._make(self._rows(query, self._purpose, pair_id)[0])

    def extent(self) -> tuple[int, ...]:
        """Return numbers that are others once pairs have come."""
        tables = ("pairs", "answers", "prompts")
        columns = ", ".join(f"(SELECT max(rowid) FROM {table})" for table in tables)
        return tuple(self._conn.execute(f"SELECT {columns}").fetchone())

    def near_identical(self, candidate: Candidate) -> bool:
        """Look at a suspect's texts and tell whether a reader would call them the same."""
        if candidate not in self.looked_at:
            row = self._conn.execute(
                "SELECT a.text, b.text FROM pairs JOIN answers a ON a.id = answer_a "
                "JOIN answers b ON b.id = answer_b WHERE pairs.id = ?",
                (candidate.pair_id,),
            ).fetchone()
            flaw = flaw_of(row[0], row[1], candidate.likeness)
            self.looked_at[candidate] = flaw == "near-identical"
        return self.looked_at[candidate]

    def _stretch(
        self, number: int | None, condition: str, start: str, end: str | None
    ) -> Iterator[Candidate]:
        """Yield pairs from one id up to another, in chunks: no cursor stays open meanwhile."""
        values: list[object] = [self._purpose]
        clause = "purpose = ?"
        if number is not None:
            clause += " AND checkpoint_number = ?"
            values.append(number)
        if end is not None:
            clause += " AND pair_id < ?"
            values.append(end)
        for chunk in chain(_CHUNKS, repeat(_CHUNKS[-1])):
            rows = self._rows(
                f"SELECT {_COLUMNS} FROM askable WHERE {clause} AND {condition} "
                "ORDER BY pair_id LIMIT ?",
                *values,
                start,
                chunk,
            )
            yield from map(Candidate._make, rows)
            if len(rows) < chunk:
                return
            condition, start = "pair_id > ?", rows[-1][0]

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self._conn.cursor()
        cursor.row_factory = None  # Plain tuples, which are unpacked faster.
        return cursor.execute(query, values).fetchall()

    def _sum(self, column: str, number: int | None = None) -> int:
        query = f"SELECT sum({column}) FROM askable_counts WHERE purpose = ?1"
        query += " AND coalesce(?2, checkpoint_number) = checkpoint_number"
        return self._conn.execute(query, (self._purpose, number)).fetchone()[0] or 0
