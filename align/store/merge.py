"""Merge stores: a set union, in any order and any number of times the same view.

Rows are made to be added only. What can change in one (a level, a split that two machines
decided apart, a place that was taken over) takes the larger of two values in a fixed order, so
that every machine ends with the same, and with the more private and more held-out one.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from align.store.connection import transaction
from align.store.tables import Added

Row = Mapping[str, Any]

# Table: its columns, its key, and how two rows of one key join.
_TABLES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "threads": (("thread", "split"), "thread", "split = min(split, excluded.split)"),
    "records": (
        ("id", "kind", "source", "origin", "thread", "position", "author", "is_owner", "time",
         "title", "text", "raw", "key", "reply_to", "level", "left_out"),
        "id",
        "thread = min(thread, excluded.thread), is_owner = max(is_owner, excluded.is_owner), "
        "level = max(level, excluded.level), "
        "left_out = max(coalesce(left_out, excluded.left_out), "
        "coalesce(excluded.left_out, left_out)), "
        # What one machine dropped is gone on the other too.
        "text = CASE 'dropped' WHEN left_out THEN '' WHEN excluded.left_out THEN '' ELSE text END, "
        "time = max(coalesce(time, excluded.time), coalesce(excluded.time, time))",
    ),
    "prompts": (
        ("id", "messages", "source", "thread", "split", "level"),
        "id",
        "source = min(source, excluded.source), thread = min(thread, excluded.thread), "
        "split = min(split, excluded.split), level = max(level, excluded.level)",
    ),
    "prompt_records": (("prompt_id", "record_id"), "prompt_id, record_id", ""),
    "answers": (
        ("id", "prompt_id", "text", "checkpoint", "checkpoint_hash", "settings", "seed", "n"),
        "id",
        "checkpoint = min(checkpoint, excluded.checkpoint)",
    ),
    "pairs": (
        ("id", "prompt_id", "answer_a", "answer_b", "purpose", "similarity"),
        "id",
        "similarity = max(coalesce(similarity, excluded.similarity), "
        "coalesce(excluded.similarity, similarity))",
    ),
    "events": (
        ("device", "counter", "kind", "actor", "pair_id", "payload", "time"),
        "device, counter",
        "",
    ),
    "verdicts": (
        ("id", "pair_id", "judge", "model", "order", "prompt_hash", "repeat", "winner",
         "certainty", "cost", "time", "request", "problem", "briefing", "answered"),
        "id",
        "cost = max(coalesce(cost, excluded.cost), coalesce(excluded.cost, cost))",
    ),
    "gates": (
        ("id", "judge", "model", "prompt_hash", "is_open", "weight", "certainties", "choices",
         "report", "time", "briefing", "answered", "drawn_by"),
        "id",
        "",
    ),
    "evaluation_answers": (
        ("id", "prompt_id", "checkpoint", "checkpoint_hash", "seed", "settings", "text"),
        "id",
        "checkpoint = min(checkpoint, excluded.checkpoint)",
    ),
}  # fmt: skip
TABLES = tuple(_TABLES)
# Columns that came later, and what stands in them in rows that an older version packed.
_LATER: dict[str, Row] = {
    "verdicts": {"request": "", "problem": None, "briefing": "", "answered": ""},
    "gates": {"briefing": "", "answered": "", "drawn_by": ""},
}


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns that travel of a table."""
    return _TABLES[table][0]


def export_rows(conn: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """Return a table's rows as plain values, in the order of their keys."""
    columns, key, _ = _TABLES[table]
    names = ", ".join(f'"{column}"' for column in columns)
    return [dict(row) for row in conn.execute(f"SELECT {names} FROM {table} ORDER BY {key}")]


def merge(
    conn: sqlite3.Connection, other: sqlite3.Connection | Mapping[str, Iterable[Row]]
) -> dict[str, Added]:
    """Take in rows of another store; return what was new by table, KeyError of an unknown name."""
    added = {}
    with transaction(conn):
        for table in TABLES:
            rows: Iterable[Row]
            if isinstance(other, sqlite3.Connection):
                rows = export_rows(other, table)
            else:
                rows = other.get(table, ())
            added[table] = _take_in(conn, table, rows)
        if not isinstance(other, sqlite3.Connection) and (unknown := set(other) - set(TABLES)):
            raise KeyError(f"no such table: {', '.join(sorted(unknown))}")
    return added


def _take_in(conn: sqlite3.Connection, table: str, rows: Iterable[Row]) -> Added:
    columns, key, join = _TABLES[table]
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    on_conflict = f"UPDATE SET {join}" if join else "NOTHING"
    before, later = _count(conn, table), _LATER.get(table, {})
    total = 0
    for row in rows:
        total += 1
        conn.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO {on_conflict}",
            [row[column] if column in row else later[column] for column in columns],
        )
    new = _count(conn, table) - before
    return Added(new, total - new)


def _count(conn: sqlite3.Connection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
