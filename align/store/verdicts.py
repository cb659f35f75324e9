"""Verdicts: what a judge said of a pair; never a choice."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from align.store.connection import transaction
from align.store.ids import content_id
from align.store.records import Added


@dataclass(frozen=True)
class Verdict:
    """One answer of a judge; `winner` is None where it could not be understood.

    `cost` is in USD, None where it is not known. `order` is how the answers were shown.
    """

    id: str
    pair_id: str
    judge: str
    model: str
    order: Literal["ab", "ba"]
    prompt_hash: str
    repeat: int
    winner: Literal["a", "b", "tie"] | None
    certainty: str | None
    cost: float | None
    time: str

    @classmethod
    def new(
        cls,
        *,
        pair_id: str,
        judge: str,
        model: str,
        order: Literal["ab", "ba"],
        prompt_hash: str,
        winner: Literal["a", "b", "tie"] | None,
        time: str,
        repeat: int = 0,
        certainty: str | None = None,
        cost: float | None = None,
    ) -> "Verdict":
        """Make a verdict, with the id that its content gives it."""
        named = content_id(
            pair_id, judge, model, order, prompt_hash, repeat, winner, certainty, time
        )
        return cls(
            named, pair_id, judge, model, order, prompt_hash, repeat, winner, certainty, cost, time
        )


def add_verdicts(conn: sqlite3.Connection, verdicts: Iterable[Verdict]) -> Added:
    """Add verdicts; known ones change nothing."""
    new = known = 0
    with transaction(conn):
        for verdict in verdicts:
            cursor = conn.execute(
                "INSERT OR IGNORE INTO verdicts VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (
                    verdict.id, verdict.pair_id, verdict.judge, verdict.model, verdict.order,
                    verdict.prompt_hash, verdict.repeat, verdict.winner, verdict.certainty,
                    verdict.cost, verdict.time,
                ),
            )  # fmt: skip
            new += cursor.rowcount
            known += 1 - cursor.rowcount
    return Added(new, known)


def iter_verdicts(
    conn: sqlite3.Connection, *, pair_id: str | None = None, judge: str | None = None
) -> Iterator[Verdict]:
    """Yield verdicts, ordered by pair, judge, order and repeat."""
    wanted = {"pair_id": pair_id, "judge": judge}
    clauses = [f"{column} = ?" for column, value in wanted.items() if value is not None]
    rows = conn.execute(
        f"SELECT * FROM verdicts WHERE {' AND '.join(clauses) or '1'} "
        'ORDER BY pair_id, judge, model, "order", repeat, id',
        [value for value in wanted.values() if value is not None],
    )
    for row in rows.fetchall():
        yield Verdict(**dict(row))
