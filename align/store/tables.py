"""What the tables share: rows are added once, and read by the values of their columns."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from align.store.connection import transaction


class Added(NamedTuple):
    """How many rows were new, and how many were there already."""

    new: int
    known: int


def add_rows(conn: sqlite3.Connection, table: str, rows: Iterable[Sequence[object]]) -> Added:
    """Add rows, with the values of all columns; those whose key is known change nothing."""
    new = total = 0
    with transaction(conn):
        for row in rows:
            marks = ",".join("?" * len(row))
            new += conn.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row).rowcount
            total += 1
    return Added(new, total - new)


def condition(columns: Mapping[str, object]) -> tuple[str, list[object]]:
    """Return an SQL condition that columns have these values, and the values it takes.

    A list or tuple stands for any of its values; None asks nothing of its column.
    """
    clauses: list[str] = []
    values: list[object] = []
    for column, value in columns.items():
        if isinstance(value, list | tuple):
            clauses.append(f"{column} IN ({','.join('?' * len(value))})")
            values += value
        elif value is not None:
            clauses.append(f"{column} = ?")
            values.append(value)
    return " AND ".join(clauses) or "1", values
