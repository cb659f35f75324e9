"""Search in the words of records, and what takes words out for good."""

import re
import sqlite3
from collections.abc import Iterator

from align.levels import stored
from align.store.connection import transaction
from align.store.records import Record, read_records

_WORD = re.compile(r'"[^"]+"|\S+')


def search(conn: sqlite3.Connection, query: str, *, limit: int = 50) -> Iterator[Record]:
    """Yield the records that hold all words of a query, the best first, left-out ones too.

    The query is words; "several words" in a row in quotes; a beginning with a star: `climb*`. The
    index of words is brought up to date first.
    """
    terms = " ".join(_term(word) for word in _WORD.findall(query) if word.strip('"* '))
    if not terms:
        return
    index_words(conn)
    rows = conn.execute(
        "SELECT rowid FROM record_words WHERE record_words MATCH ? ORDER BY rank, rowid LIMIT ?",
        (terms, limit),
    )
    for row in rows.fetchall():
        yield from read_records(conn, ["r.number = ?"], [row[0]])


def index_words(conn: sqlite3.Connection) -> None:
    """Take the words of records that came since the last search into the index."""
    with transaction(conn):
        conn.execute(
            "INSERT INTO record_words (rowid, text, title) SELECT number, text, title FROM records "
            "WHERE number > ? AND text <> ''",
            (_indexed(conn),),
        )


def drop(conn: sqlite3.Connection, records: list[Record]) -> int:
    """Erase the text of records; return how many prompts went with them.

    A row without text is left, so that reading the same source file again does not bring it back.
    Prompts made of a dropped record go too; those that have answers already stay as the answers'
    keys, sealed.
    """
    gone = 0
    with transaction(conn):
        indexed = _indexed(conn)
        for record in records:
            row = conn.execute(
                "SELECT number, text, title FROM records WHERE id = ?", (record.id,)
            ).fetchone()
            if row["number"] <= indexed and row["text"]:
                conn.execute(
                    "INSERT INTO record_words (record_words, rowid, text, title) "
                    "VALUES ('delete', ?, ?, ?)",
                    tuple(row),
                )
            conn.execute(
                "UPDATE records SET text = '', raw = NULL, title = NULL, left_out = 'dropped' "
                "WHERE id = ?",
                (record.id,),
            )
            conn.execute("DELETE FROM questions WHERE record_id = ?", (record.id,))
            gone += _drop_prompts(conn, record.id)
        # Words of what was erased must not linger in the index.
        conn.execute("INSERT INTO record_words (record_words) VALUES ('optimize')")
    return gone


def _drop_prompts(conn: sqlite3.Connection, record_id: str) -> int:
    behind = "(SELECT prompt_id FROM prompt_records WHERE record_id = ?)"
    gone = conn.execute(
        f"DELETE FROM prompts WHERE id IN {behind} "
        "AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.prompt_id = prompts.id) "
        "AND NOT EXISTS (SELECT 1 FROM evaluation_answers e WHERE e.prompt_id = prompts.id)",
        (record_id,),
    ).rowcount
    conn.execute(
        f"UPDATE prompts SET level = ? WHERE id IN {behind}", (stored("sealed"), record_id)
    )
    return gone


def _indexed(conn: sqlite3.Connection) -> int:
    # The index itself would answer from the records.
    row = conn.execute("SELECT max(id) FROM record_words_docsize").fetchone()
    return row[0] or 0


def _term(word: str) -> str:
    plain = word.strip('"').replace('"', "")
    if plain.endswith("*"):
        return f'"{plain.rstrip("*")}"*'
    return f'"{plain}"'
