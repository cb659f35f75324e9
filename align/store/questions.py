"""Questions that passages of documents answer, as a model wrote them."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from align.store.connection import transaction
from align.store.ids import content_id, storable
from align.store.tables import Added


@dataclass(frozen=True)
class Question:
    """A question, and the passage of a record that answers it."""

    record_id: str  # the document
    start: int  # where its passage begins in the record's text, in characters
    stop: int  # where it ends
    question: str  # or a request: to say in other words what it says plainly
    writer: str  # who wrote it: `rule`, or a model's name; `plain:…` wrote requests
    overlap: float  # share of its content words that stand in the passage
    # Natural log-probability a token that the question adds to the passage; None where no model
    # measured it.
    gain: float | None = None
    left_out: str | None = None  # why it is not learned, or None
    id: str = ""  # of a new one, made from its passage and writer

    def __post_init__(self) -> None:
        """Make a new question storable, and its id."""
        if not self.id:
            id = content_id(self.record_id, self.start, self.stop, self.writer)
            object.__setattr__(self, "question", storable(self.question))
            object.__setattr__(self, "id", id)


def add_questions(conn: sqlite3.Connection, questions: Iterable[Question]) -> Added:
    """Add questions; a writer's newer question for a passage stands in place of its older one."""
    with transaction(conn):
        known = 0
        rows = [
            (q.id, q.record_id, q.start, q.stop, q.question, q.writer, q.overlap, q.gain,
             q.left_out)
            for q in questions
        ]  # fmt: skip
        for row in rows:
            known += conn.execute("DELETE FROM questions WHERE id = ?", row[:1]).rowcount
            conn.execute("INSERT INTO questions VALUES (?,?,?,?,?,?,?,?,?)", row)
    return Added(len(rows) - known, known)


def questions_of(conn: sqlite3.Connection, record_id: str) -> list[Question]:
    """Return a document's questions, in the order of their passages."""
    rows = conn.execute(
        "SELECT * FROM questions WHERE record_id = ? ORDER BY start, writer", (record_id,)
    )
    return [Question(**dict(row)) for row in rows]


def iter_questions(conn: sqlite3.Connection) -> Iterator[Question]:
    """Yield all questions of records that are still used, by record and passage."""
    rows = conn.execute(
        "SELECT q.* FROM questions q JOIN records r ON r.id = q.record_id "
        "WHERE r.left_out IS NULL ORDER BY r.thread, r.origin, q.start, q.writer"
    )
    for row in rows:
        yield Question(**dict(row))
