"""Read from a store what is closed, and tell cheaply whether that may have changed."""

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from align.paths import project_root

Row = tuple[Any, ...]


class State(NamedTuple):
    """What tells one state of a store from another, as far as closed writing goes.

    Sums of products, not counts: that one record was closed and another opened is a change too.
    """

    records: tuple[Row, ...]
    prompts: tuple[Row, ...]
    pairs: tuple[Row, ...]
    events: tuple[Row, ...]

    @classmethod
    def of(cls, conn: sqlite3.Connection) -> "State":
        """Read the state of a store; in one of a million records it takes a quarter of a second."""
        records = (
            "SELECT count(*), sum(level * number), sum(level * (number * 7919 % 1000003)) "
            "FROM records"
        )
        prompts = (
            "SELECT count(*), max(rowid), sum(level * rowid), "
            "(SELECT count(*) FROM prompt_records) FROM prompts"
        )
        return cls(_all(conn, records), _all(conn, prompts), (), ()).newer(conn)

    def newer(self, conn: sqlite3.Connection) -> "State":
        """Return the state with what can be read at once read anew."""
        pairs = "SELECT (SELECT max(rowid) FROM pairs), (SELECT max(rowid) FROM answers)"
        events = "SELECT max(rowid) FROM events"
        return self._replace(pairs=_all(conn, pairs), events=_all(conn, events))


def version(conn: sqlite3.Connection) -> tuple[int, int]:
    """Return what changes with each commit, by this connection or another."""
    return int(conn.execute("PRAGMA data_version").fetchone()[0]), conn.total_changes


def levels(conn: sqlite3.Connection) -> "array[int]":
    """Return the level of each record by its number; -1 where there is none."""
    newest = conn.execute("SELECT max(number) FROM records").fetchone()[0] or 0
    found = array("b", [-1]) * (newest + 1)
    for number, level in _rows(conn, "SELECT number, level FROM records"):
        found[number] = level
    return found


def records(conn: sqlite3.Connection, where: str, *values: object) -> Iterator[Row]:
    """Yield number, level, author, is_owner, thread, title, text, raw and left_out of records."""
    yield from _rows(
        conn,
        "SELECT number, level, author, is_owner, thread, title, text, raw, left_out FROM records "
        f"WHERE {where}",
        *values,
    )


def closed_prompts(conn: sqlite3.Connection) -> Iterator[tuple[str, list[str], int]]:
    """Yield id, texts and level of prompts that are not open."""
    rows = _rows(conn, "SELECT id, messages, level FROM known_prompts WHERE level > 0")
    for id, messages, level in rows:
        yield id, _contents(messages), level


def private_pairs(conn: sqlite3.Connection) -> set[str]:
    """Return the pairs that the owner marked private."""
    found = _rows(conn, "SELECT pair_id FROM standing_events WHERE kind = 'private'")
    return {row[0] for row in found}


def closed_pairs(conn: sqlite3.Connection) -> Iterator[tuple[str, list[str], int]]:
    """Yield id, texts (the answers last) and level of pairs that are not open."""
    rows = _rows(
        conn, "SELECT id, messages, text_a, text_b, level FROM known_pairs WHERE level > 0"
    )
    for id, messages, text_a, text_b, level in rows:
        yield id, [*_contents(messages), text_a, text_b], level


def pairs_of(conn: sqlite3.Connection, ids: Iterable[str]) -> Iterator[tuple[str, list[str], int]]:
    """Yield the same of the pairs that are named."""
    for id in ids:
        query = "SELECT messages, text_a, text_b, level FROM known_pairs WHERE id = ?"
        for messages, text_a, text_b, level in _rows(conn, query, id):
            yield id, [*_contents(messages), text_a, text_b], level


def words_about_pairs(conn: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    """Yield number, pair and payload of the events that hold the owner's words on a pair."""
    yield from _rows(
        conn,
        "SELECT rowid, pair_id, payload FROM events "
        "WHERE kind IN ('rewrite', 'note', 'flag') AND pair_id IS NOT NULL",
    )


def strings(value: Any) -> list[str]:
    """Return all texts in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in strings(each)]


def shipped_texts() -> Iterator[str]:
    """Yield the prompts that come with the toolkit, and what stands beside them."""
    for path in sorted((project_root() / "data" / "prompts").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield from strings(json.loads(line))


def _contents(messages: str) -> list[str]:
    return [message["content"] for message in json.loads(messages)]


def _all(conn: sqlite3.Connection, query: str) -> tuple[Row, ...]:
    return tuple(_rows(conn, query))


def _rows(conn: sqlite3.Connection, query: str, *values: object) -> Iterator[Row]:
    cursor = conn.cursor()
    # There may be a million of them, and nobody needs their columns' names.
    cursor.row_factory = None
    return iter(cursor.execute(query, values))
