"""Read from a store what is private, and tell cheaply whether that may have changed."""

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from align.levels import Level, at_least_sql, stored

Row = tuple[Any, ...]
# Number, level, author, is_owner, thread, title, text, raw and left_out.
_RECORDS = (
    "SELECT number, level, author, is_owner, thread, title, text, raw, left_out FROM records WHERE "
)
_PAIRS = "SELECT id, messages, text_a, text_b, level FROM known_pairs WHERE "


class State(NamedTuple):
    """What tells one state of a store from another, as far as private text goes.

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
    """Return the level of each record by its number, as it is stored; -1 where there is none."""
    newest = conn.execute("SELECT max(number) FROM records").fetchone()[0] or 0
    by_number = array("b", [-1]) * (newest + 1)
    for number, level in _rows(conn, "SELECT number, level FROM records"):
        by_number[number] = level
    return by_number


def records_of(conn: sqlite3.Connection, levels: Iterable[Level]) -> Iterator[Row]:
    """Yield the records of these levels."""
    for level in levels:
        yield from _rows(conn, _RECORDS + "level = ?", stored(level))


def private_records(conn: sqlite3.Connection, least: Level) -> Iterator[Row]:
    """Yield the records that are so private or more."""
    return _rows(conn, _RECORDS + at_least_sql("level", least))


def records_numbered(conn: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[Row]:
    """Yield the records of these numbers."""
    for number in numbers:
        yield from _rows(conn, _RECORDS + "number = ?", number)


def private_prompts(conn: sqlite3.Connection, least: Level) -> Iterator[tuple[str, list[str], int]]:
    """Yield id, texts and stored level of the prompts that are so private or more."""
    query = f"SELECT id, messages, level FROM known_prompts WHERE {at_least_sql('level', least)}"
    for id, messages, level in _rows(conn, query):
        yield id, _contents(messages), level


def marked_pairs(conn: sqlite3.Connection) -> set[str]:
    """Return the pairs that the owner marked private."""
    marks = _rows(conn, "SELECT pair_id FROM standing_events WHERE kind = 'private'")
    return {row[0] for row in marks}


def private_pairs(conn: sqlite3.Connection, least: Level) -> Iterator[tuple[str, list[str], int]]:
    """Yield id, texts (the answers last) and stored level of pairs so private or more."""
    return map(_pair, _rows(conn, _PAIRS + at_least_sql("level", least)))


def pairs_of(conn: sqlite3.Connection, ids: Iterable[str]) -> Iterator[tuple[str, list[str], int]]:
    """Yield the same of the pairs of these ids."""
    for id in ids:
        yield from map(_pair, _rows(conn, _PAIRS + "id = ?", id))


def words_about_pairs(conn: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    """Yield number, pair and payload of the events that hold the owner's words on a pair."""
    yield from _rows(
        conn,
        "SELECT rowid, pair_id, payload FROM events "
        "WHERE kind IN ('rewrite', 'note', 'flag') AND pair_id IS NOT NULL",
    )


def _pair(row: Row) -> tuple[str, list[str], int]:
    id, messages, text_a, text_b, level = row
    return id, [*_contents(messages), text_a, text_b], level


def _contents(messages: str) -> list[str]:
    return [message["content"] for message in json.loads(messages)]


def _all(conn: sqlite3.Connection, query: str) -> tuple[Row, ...]:
    return tuple(_rows(conn, query))


def _rows(conn: sqlite3.Connection, query: str, *values: object) -> Iterator[Row]:
    cursor = conn.cursor()
    # There may be a million of them, and nobody needs their columns' names.
    cursor.row_factory = None
    return iter(cursor.execute(query, values))
