"""Records around one another: the owner's messages, and what stands before and after one."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from align.levels import trainable_sql
from align.store.ids import Split
from align.store.records import RECORD_FIELDS, Record, record_of

_PLACE = "r.id, r.thread, r.origin, r.position, r.number, t.split"
# A plus keeps SQLite from an index of its own choice, which would sort a million rows first.
_LEARNED = (
    f"+r.kind = 'turn' AND +r.is_owner = 1 AND +r.left_out IS NULL AND {trainable_sql('+r.level')}"
)


class Place(NamedTuple):
    """Where a message of the owner's stands."""

    id: str
    thread: str
    origin: str
    position: int
    number: int
    split: Split


def owner_messages(conn: sqlite3.Connection) -> Iterator[Place]:
    """Yield the owner's messages that may be learned, ordered by id, as they are asked for.

    That order says nothing about them, and the index on the id gives it without reading all.
    """
    rows = conn.execute(
        f"SELECT {_PLACE} FROM records r CROSS JOIN threads t ON t.thread = r.thread "
        f"WHERE {_LEARNED} ORDER BY r.id"
    )
    yield from map(Place._make, rows)


def follows_owner(conn: sqlite3.Connection, place: Place) -> bool | None:
    """Tell who wrote before a message, but for what is left out of the owner's; None: nobody."""
    row = conn.execute(
        "SELECT is_owner FROM records WHERE thread = ? AND origin = ? "
        "AND (position, number) < (?, ?) AND NOT (is_owner = 1 AND left_out IS NOT NULL) "
        "ORDER BY position DESC, number DESC LIMIT 1",
        (place.thread, place.origin, place.position, place.number),
    ).fetchone()
    return None if row is None else bool(row[0])


def newest_first(conn: sqlite3.Connection, thread: str, ids: Sequence[str]) -> list[str]:
    """Return those of the records that stand in a thread, the last one first."""
    rows = conn.execute(
        f"SELECT id FROM records WHERE id IN ({','.join('?' * len(ids))}) AND +thread = ? "
        "ORDER BY origin, position DESC, number DESC",
        (*ids, thread),
    )
    return [row[0] for row in rows]


def next_owner_messages(conn: sqlite3.Connection, thread: str, id: str, most: int) -> list[Place]:
    """Return the owner's first messages after a record of a thread that may be learned."""
    rows = conn.execute(
        f"SELECT {_PLACE} FROM records b CROSS JOIN records r ON r.thread = b.thread "
        "AND r.origin = b.origin AND (r.position, r.number) > (b.position, b.number) "
        "JOIN threads t ON t.thread = r.thread "
        f"WHERE b.id = ? AND b.thread = ? AND {_LEARNED} ORDER BY r.position, r.number LIMIT ?",
        (id, thread, most),
    )
    return [Place._make(row) for row in rows]


def records_around(
    conn: sqlite3.Connection, place: Place, *, before: int, after: int
) -> list[Record]:
    """Return a message with at most so many records of its conversation on either side."""
    here = (place.thread, place.origin, place.position, place.number)
    select = (
        f"SELECT {RECORD_FIELDS} FROM records r JOIN threads t ON t.thread = r.thread "
        "WHERE r.thread = ? AND r.origin = ? AND (r.position, r.number) "
    )
    earlier = conn.execute(
        f"{select} <= (?, ?) ORDER BY r.position DESC, r.number DESC LIMIT ?", (*here, before + 1)
    ).fetchall()
    later = conn.execute(
        f"{select} > (?, ?) ORDER BY r.position, r.number LIMIT ?", (*here, after)
    ).fetchall()
    return [record_of(row) for row in (*reversed(earlier), *later)]
