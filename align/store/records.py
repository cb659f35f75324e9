"""Records: the pieces of writing that were read in."""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple, cast

from align.levels import Level, at_least_sql, from_stored, may_travel_sql, stored
from align.store.connection import transaction
from align.store.ids import Split, storable
from align.store.tables import condition

Kind = Literal["turn", "document"]


class Record(NamedTuple):
    """One turn of a conversation, or one document."""

    id: str  # made from the content and its place: the same in a newer source file
    kind: Kind  # `turn` or `document`
    source: str  # what it came from, for privacy and the mix
    origin: str  # the document, or the chat that it belongs to
    thread: str  # what is held out together, which may be several documents or a stretch of a chat
    position: int  # its place in the origin; later ones are larger
    author: str  # who wrote it
    is_owner: bool
    time: str | None  # ISO 8601, in UTC where the zone is known
    title: str | None  # the document's, or the chat's
    text: str  # the writing, cleaned
    level: Level
    split: Split  # the side that its thread is on
    left_out: str | None = None  # why it is not learned (`align.ingest.reasons`), or None
    raw: str | None = None  # what the source file holds, where `text` is not all of it
    key: str | None = None  # the service's own name for it within the origin
    reply_to: str | None = None  # the key of what it answers

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
        raw: str | None = None,
        key: str | None = None,
        reply_to: str | None = None,
        nth: int | None = None,
    ) -> "Record":
        """Make a record, with the id that its content gives it.

        A message without a key is known by its time: `nth` tells apart equal texts of one moment.
        Who wrote it and its thread are not part of the id: a person may be renamed, and a newer
        source file may begin elsewhere.
        """
        # There may be a million of them, and most need nothing.
        if not f"{text}{origin}{thread}{author}{title}{raw}{key}{reply_to}".isascii():
            text, origin, thread, author = map(storable, (text, origin, thread, author))
            title, raw, key, reply_to = (
                None if each is None else storable(each) for each in (title, raw, key, reply_to)
            )
        place = key if key is not None else position if nth is None else (time, nth)
        parts = (kind, source, origin, place, title if kind == "document" else None, text)
        # As unambiguous as content_id's JSON, and three times as fast.
        id = hashlib.sha256(ascii(parts).encode()).hexdigest()[:16]
        return cls(
            id, kind, source, origin, thread, position, author, is_owner, time, title, text,
            level, split, left_out, raw, key, reply_to,
        )  # fmt: skip


def decide_split(conn: sqlite3.Connection, thread: str, split: Split) -> bool:
    """Put a new thread on this side; tell whether it was new. A known one never moves."""
    added = conn.execute("INSERT OR IGNORE INTO threads VALUES (?, ?)", (thread, split))
    return added.rowcount > 0


def split_of_thread(conn: sqlite3.Connection, thread: str) -> Split:
    """Return the side that a known thread is on."""
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
    numbers = None if levels is None else [stored(level) for level in levels]
    where, values = condition(
        {"t.split": split, "r.kind": kind, "r.is_owner": is_owner, "r.level": numbers}
    )
    left_out = [] if include_left_out else ["r.left_out IS NULL"]
    yield from read_records(conn, [where, *left_out], values)


def find_record(conn: sqlite3.Connection, beginning: str) -> list[Record]:
    """Return the records whose id begins so."""
    return list(read_records(conn, ["substr(r.id, 1, ?) = ?"], [len(beginning), beginning]))


def read_records(
    conn: sqlite3.Connection, clauses: list[str], values: list[object]
) -> Iterator[Record]:
    """Yield the records for which all clauses hold: SQL on `r`, a record, and `t`, its thread."""
    rows = conn.execute(
        f"SELECT {RECORD_FIELDS} FROM records r JOIN threads t ON t.thread = r.thread "
        f"WHERE {' AND '.join(clauses)} ORDER BY r.thread, r.origin, r.position, r.number",
        values,
    )
    yield from map(record_of, rows)


# In the order of a record's fields, of `r`, a record, and `t`, its thread.
RECORD_FIELDS = ", ".join("t.split" if n == "split" else f'r."{n}"' for n in Record._fields)
_IS_OWNER, _LEVEL = Record._fields.index("is_owner"), Record._fields.index("level")


def record_of(row: Sequence[Any]) -> Record:
    """Return a row of `RECORD_FIELDS` as a record."""
    values = list(row)
    values[_IS_OWNER], values[_LEVEL] = bool(values[_IS_OWNER]), from_stored(values[_LEVEL])
    return Record(*values)


def set_level(
    conn: sqlite3.Connection,
    level: Level,
    *,
    source: str | None = None,
    thread: str | None = None,
    id: str | None = None,
) -> int:
    """Set the level of one record, a thread's or a source's; return how many records it has now.

    Prompts follow the records behind them. ValueError: not exactly one of the three is named.
    """
    columns = [("source", source), ("thread", thread), ("id", id)]
    given = [(column, value) for column, value in columns if value is not None]
    if len(given) != 1:
        raise ValueError("name one of source, thread and id")
    column, value = given[0]
    with transaction(conn):
        count = conn.execute(
            f"UPDATE records SET level = ? WHERE {column} = ?", (stored(level), value)
        ).rowcount
        conn.execute(
            "UPDATE prompts SET level = ? WHERE id IN (SELECT pr.prompt_id FROM prompt_records pr "
            f"JOIN records r ON r.id = pr.record_id WHERE r.{column} = ?)",
            (stored("open"), value),
        )
    return count


def count_less_private(conn: sqlite3.Connection, source: str, level: Level) -> int:
    """Return how many records of a source are less private than this."""
    row = conn.execute(
        f"SELECT count(*) FROM records WHERE source = ? AND NOT {at_least_sql('level', level)}",
        (source,),
    )
    return int(row.fetchone()[0])


def texts_that_may_travel(conn: sqlite3.Connection) -> list[str]:
    """Return the texts that are learned or may travel, each once; sealed ones never are."""
    rows = conn.execute(
        f"SELECT DISTINCT text FROM records WHERE {may_travel_sql('level')} AND left_out IS NULL"
    )
    return [row[0] for row in rows]


def short_owner_text(conn: sqlite3.Connection) -> str:
    """Return a line of 30 to 110 letters that the owner wrote, or "" where there is none."""
    row = conn.execute(
        "SELECT text FROM records WHERE is_owner AND left_out IS NULL "
        "AND length(text) BETWEEN 30 AND 110 AND instr(text, char(10)) = 0 ORDER BY id LIMIT 1"
    ).fetchone()
    return "" if row is None else row[0]
