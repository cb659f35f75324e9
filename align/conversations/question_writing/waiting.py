"""The passages that have no question yet."""

import sqlite3
from dataclasses import dataclass

from align.conversations.questions.passages import Passage, passages
from align.store.questions import questions_of
from align.store.records import Record, iter_records


@dataclass(frozen=True)
class Waiting:
    """A passage that has no question of this writer yet."""

    record: Record
    passage: Passage


def waiting(conn: sqlite3.Connection, writer: str) -> list[Waiting]:
    """Return the passages of trained documents for which a writer wrote nothing yet, in order."""
    records = iter_records(
        conn, split="train", kind="document", is_owner=True, levels=("open", "train-only")
    )
    found = []
    for record in list(records):
        known = {(q.start, q.stop) for q in questions_of(conn, record.id) if q.writer == writer}
        found += [
            Waiting(record, passage)
            for passage in passages(record.text)
            if (passage.start, passage.stop) not in known
        ]
    return found
