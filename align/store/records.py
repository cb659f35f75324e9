"""Records: the pieces of writing that were read in."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from align.levels import LEVELS, Level
from align.store.connection import transaction
from align.store.ids import Split, content_id, storable

Kind = Literal["turn", "document"]


class Added(NamedTuple):
    """How many rows were new, and how many were there already."""

    new: int
    known: int


@dataclass(frozen=True)
class Record:
    """One turn of a conversation, or one document.

    `origin` is the document or the conversation that it belongs to; `thread` what is held out
    together, which may be several of them; `left_out` why it is not used (`duplicate`,
    `superseded`), or None.
    """

    id: str
    kind: Kind
    source: str
    origin: str
    thread: str
    position: int
    author: str
    is_owner: bool
    time: str | None
    title: str | None
    text: str
    level: Level
    split: Split
    left_out: str | None = None

    @classmethod
    def new(
        cls,
        *,
        kind: Kind,
        source: str,
        origin: str,
        thread: str,
        text: str,
        is_owner: bool,
        level: Level,
        split: Split,
        position: int = 0,
        author: str = "",
        time: str | None = None,
        title: str | None = None,
        left_out: str | None = None,
    ) -> "Record":
        """Make a record, with the id that its content gives it."""
        text, origin, thread, author = map(storable, (text, origin, thread, author))
        title = None if title is None else storable(title)
        named = content_id(kind, source, origin, thread, position, author, is_owner, title, text)
        return cls(
            named, kind, source, origin, thread, position, author, is_owner, time, title, text,
            level, split, left_out,
        )  # fmt: skip


def add_records(conn: sqlite3.Connection, records: Iterable[Record]) -> Added:
    """Add records; known ones change nothing, an edited one supersedes what stood in its place.

    A record that was left out counts again once it is read again.
    A thread that is known already keeps its split, whatever the record says. A new record is at
    least as private as what it supersedes and as all of its thread: what the owner sealed stays
    sealed when he goes on writing it.
    """
    new = known = 0
    threads: dict[str, int] = {}
    with transaction(conn):
        for record in records:
            decide_split(conn, record.thread, record.split)
            if record.thread not in threads:
                threads[record.thread] = _level_of_thread(conn, record.thread)
            inherited = max(threads[record.thread], _level_at_place(conn, record))
            level = max(LEVELS.index(record.level), inherited)
            cursor = conn.execute(
                "INSERT OR IGNORE INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    record.id, record.kind, record.source, record.origin, record.thread,
                    record.position, record.author, record.is_owner, record.time, record.title,
                    record.text, level, record.left_out,
                ),
            )  # fmt: skip
            new += cursor.rowcount
            known += 1 - cursor.rowcount
            if not cursor.rowcount:
                conn.execute(
                    "UPDATE records SET left_out = ? WHERE id = ?", (record.left_out, record.id)
                )
            conn.execute(
                "UPDATE records SET left_out = 'superseded' WHERE origin = ? AND thread = ? "
                "AND position = ? AND left_out IS NULL AND id <> ?",
                (record.origin, record.thread, record.position, record.id),
            )
    return Added(new, known)


def _level_of_thread(conn: sqlite3.Connection, thread: str) -> int:
    row = conn.execute("SELECT min(level) FROM records WHERE thread = ?", (thread,)).fetchone()
    return row[0] or 0


def _level_at_place(conn: sqlite3.Connection, record: Record) -> int:
    row = conn.execute(
        "SELECT max(level) FROM records "
        "WHERE origin = ? AND thread = ? AND position = ? AND left_out IS NULL",
        (record.origin, record.thread, record.position),
    ).fetchone()
    return row[0] or 0


def decide_split(conn: sqlite3.Connection, thread: str, split: Split) -> Split:
    """Put a new thread on this side; return the side it is on, which never moves."""
    conn.execute("INSERT OR IGNORE INTO threads VALUES (?, ?)", (thread, split))
    row = conn.execute("SELECT split FROM threads WHERE thread = ?", (thread,)).fetchone()
    return cast(Split, row[0])


def iter_records(
    conn: sqlite3.Connection,
    *,
    split: Split | None = None,
    kind: Kind | None = None,
    is_owner: bool | None = None,
    levels: Collection[Level] | None = None,
    include_left_out: bool = False,
) -> Iterator[Record]:
    """Yield the records, ordered by thread, origin and position."""
    wanted = {"t.split": split, "r.kind": kind, "r.is_owner": is_owner}
    clauses = [f"{column} = ?" for column, value in wanted.items() if value is not None]
    values: list[object] = [value for value in wanted.values() if value is not None]
    if levels is not None:
        clauses.append(f"r.level IN ({','.join('?' * len(levels))})")
        values += [LEVELS.index(level) for level in levels]
    if not include_left_out:
        clauses.append("r.left_out IS NULL")
    yield from _select(conn, clauses, values)


def find_record(conn: sqlite3.Connection, beginning: str) -> list[Record]:
    """Return the records whose id begins so."""
    return list(_select(conn, ["substr(r.id, 1, ?) = ?"], [len(beginning), beginning]))


def _select(conn: sqlite3.Connection, clauses: list[str], values: list[object]) -> Iterator[Record]:
    where = " AND ".join(clauses) or "1"
    rows = conn.execute(
        "SELECT r.*, t.split FROM records r JOIN threads t ON t.thread = r.thread "
        f"WHERE {where} ORDER BY r.thread, r.origin, r.position, r.id",
        values,
    )
    for row in rows:
        fields = dict(row)
        fields["is_owner"] = bool(fields["is_owner"])
        fields["level"] = LEVELS[fields["level"]]
        yield Record(**fields)


def set_level(
    conn: sqlite3.Connection,
    level: Level,
    *,
    source: str | None = None,
    thread: str | None = None,
    id: str | None = None,
) -> int:
    """Set the level of one record, a thread's or a source's; return how many records it has now.

    Prompts follow the records behind them.

    Raises:
        ValueError: Not exactly one of the three is named.
    """
    named = [("source", source), ("thread", thread), ("id", id)]
    given = [(column, value) for column, value in named if value is not None]
    if len(given) != 1:
        raise ValueError("name one of source, thread and id")
    column, value = given[0]
    with transaction(conn):
        count = conn.execute(
            f"UPDATE records SET level = ? WHERE {column} = ?", (LEVELS.index(level), value)
        ).rowcount
        conn.execute(
            "UPDATE prompts SET level = 0 WHERE id IN (SELECT pr.prompt_id FROM prompt_records pr "
            f"JOIN records r ON r.id = pr.record_id WHERE r.{column} = ?)",
            (value,),
        )
    return count


def count_less_private(conn: sqlite3.Connection, source: str, level: Level) -> int:
    """Return how many records of a source are less private than this."""
    row = conn.execute(
        "SELECT count(*) FROM records WHERE source = ? AND level < ?",
        (source, LEVELS.index(level)),
    )
    return int(row.fetchone()[0])
