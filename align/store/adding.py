"""Records come in: known ones change nothing, an edited one supersedes what stood in its place."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from align.levels import stored
from align.store.connection import transaction
from align.store.records import Record, decide_split
from align.store.tables import Added

_OPEN = stored("open")
_INSERT = (
    "INSERT OR IGNORE INTO records (id, kind, source, origin, thread, position, author, is_owner, "
    'time, title, text, raw, "key", reply_to, level, left_out) '
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
DROPPED = "dropped"
# Rows that are handed to SQLite together.
_BATCH = 1_000


class _Known(NamedTuple):
    thread: str
    is_owner: int
    left_out: str | None


def add_records(conn: sqlite3.Connection, records: Iterable[Record]) -> Added:
    """Add records, those of one origin in a row; memory stays flat however many there are.

    What is known stays where it is; whether it is left out, and whether the owner wrote it, follows
    the newest reading. A thread that is known keeps its split, and a message between known
    ones belongs to their thread. A new record is at least as private as what it supersedes and as
    all of its thread: what the owner sealed stays sealed when they go on writing it.
    """
    new = known = 0
    with transaction(conn):
        for origin, records_of_origin in groupby(records, key=attrgetter("origin")):
            row = conn.execute("SELECT 1 FROM records WHERE origin = ?", (origin,)).fetchone()
            added, read = (_add_known if row else _add_new)(conn, records_of_origin)
            new += added
            known += read - added
    return Added(new, known)


def _add_new(conn: sqlite3.Connection, records: Iterable[Record]) -> tuple[int, int]:
    """Add records of an origin that has none yet; return how many were new, and how many came."""
    before, read, level = conn.total_changes, 0, _OPEN
    threads, rows = 0, []
    for _, stretch in groupby(records, key=attrgetter("thread")):
        for at, record in enumerate(stretch):
            if not at:
                is_new = decide_split(conn, record.thread, record.split)
                threads += is_new
                level = _OPEN if is_new else _level_of_thread(conn, record.thread)
            rows.append(_row(record, level))
        if len(rows) >= _BATCH:
            read += len(rows)
            conn.executemany(_INSERT, rows)
            rows.clear()
    conn.executemany(_INSERT, rows)
    return conn.total_changes - before - threads, read + len(rows)


def _add_known(conn: sqlite3.Connection, records: Iterable[Record]) -> tuple[int, int]:
    """Add records of an origin that has some already; return as `_add_new` does."""
    new = read = 0
    for _, stretch in groupby(records, key=attrgetter("thread")):
        stretch_records = list(stretch)
        new += _add_stretch(conn, stretch_records)
        read += len(stretch_records)
    return new, read


def _add_stretch(conn: sqlite3.Connection, records: list[Record]) -> int:
    known = _known(conn, [record.id for record in records])
    if not known and records[0].kind == "turn" and all(record.key is None for record in records):
        return _add_new(conn, records)[0]
    # What comes before the first known message belongs to its thread too.
    thread = next((known[r.id].thread for r in records if r.id in known), records[0].thread)
    new = 0
    for record in records:
        here = known.get(record.id)
        if here is None:
            decide_split(conn, thread, record.split)
            level = max(_level_of_thread(conn, thread), _level_at_place(conn, record))
            new += conn.execute(_INSERT, _row(record, level, thread)).rowcount
        else:
            thread = here.thread
            _take_over(conn, record, here)
        if record.kind == "document" or record.key is not None:
            conn.execute(
                "UPDATE records SET left_out = 'superseded' WHERE origin = ? AND \"key\" IS ? "
                "AND kind = ? AND id <> ? AND coalesce(left_out, '') <> ?",
                (record.origin, record.key, record.kind, record.id, DROPPED),
            )
    return new


def supersede_others(conn: sqlite3.Connection, ids: Mapping[str, Set[str]]) -> None:
    """Leave out what an origin had that is not among its ids: a corrected edition replaces it."""
    for origin, kept in ids.items():
        rows = conn.execute("SELECT id FROM records WHERE origin = ?", (origin,)).fetchall()
        conn.executemany(
            "UPDATE records SET left_out = 'superseded' "
            "WHERE id = ? AND coalesce(left_out, '') <> 'dropped'",
            [(id,) for (id,) in rows if id not in kept],
        )


def _take_over(conn: sqlite3.Connection, record: Record, known: _Known) -> None:
    reading = (int(record.is_owner), record.left_out)
    if known.left_out != DROPPED and reading != (known.is_owner, known.left_out):
        conn.execute(
            "UPDATE records SET is_owner = ?, left_out = ? WHERE id = ?", (*reading, record.id)
        )


def _known(conn: sqlite3.Connection, ids: list[str]) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        rows = conn.execute(
            "SELECT id, thread, is_owner, left_out FROM records "
            f"WHERE id IN ({','.join('?' * len(some))})",
            some,
        )
        known.update((row[0], _Known(*row[1:])) for row in rows)
    return known


def _row(record: Record, level: int, thread: str | None = None) -> tuple[object, ...]:
    return (
        record.id, record.kind, record.source, record.origin, thread or record.thread,
        record.position, record.author, record.is_owner, record.time, record.title, record.text,
        record.raw, record.key, record.reply_to, max(stored(record.level), level),
        record.left_out,
    )  # fmt: skip


def _level_of_thread(conn: sqlite3.Connection, thread: str) -> int:
    row = conn.execute("SELECT min(level) FROM records WHERE thread = ?", (thread,)).fetchone()
    return row[0] or _OPEN


def _level_at_place(conn: sqlite3.Connection, record: Record) -> int:
    row = conn.execute(
        'SELECT max(level) FROM records WHERE origin = ? AND "key" IS ? AND kind = ? '
        "AND (? OR \"key\" IS NOT NULL) AND left_out IS NOT 'superseded'",
        (record.origin, record.key, record.kind, record.kind == "document"),
    ).fetchone()
    return row[0] or _OPEN


def threads_in(conn: sqlite3.Connection) -> set[str]:
    """Return the threads whose split is decided: all that have records."""
    return {row[0] for row in conn.execute("SELECT thread FROM threads")}


def hold_out_newest(
    conn: sqlite3.Connection, new_threads: Mapping[str, str | None], share: float
) -> None:
    """Hold out the share of each source's new threads that is newest, within a transaction.

    What was decided before never moves: a newer source file holds out the newest of its own. A
    thread without a last time stays on the side that its name's hash put it on.
    """
    by_source: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for thread, time in new_threads.items():
        row = conn.execute("SELECT source FROM records WHERE thread = ? LIMIT 1", (thread,))
        if time is not None and (source := row.fetchone()) is not None:
            by_source[source[0]].append((time, thread))
    for threads in by_source.values():
        first = len(threads) - int(len(threads) * share + 0.5)
        sides = [
            ("evaluation" if place >= first else "train", thread)
            for place, (_, thread) in enumerate(sorted(threads))
        ]
        conn.executemany("UPDATE threads SET split = ? WHERE thread = ?", sides)


def split_counts(conn: sqlite3.Connection, threads: Iterable[str]) -> Counter[str]:
    """Return how many of the threads are on each side."""
    select = "SELECT split FROM threads WHERE thread = ?"
    return Counter(conn.execute(select, (thread,)).fetchone()[0] for thread in threads)
