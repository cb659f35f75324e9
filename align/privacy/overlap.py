"""Withhold what repeats private writing: eight or more words in a row of a closed record."""

import sqlite3

from align.privacy.redaction import Redactor
from align.store.records import iter_records
from align.text.similarity import RunIndex

RUN = 8
NOTE = "(withheld: it repeats {n} words in a row of writing that is not open)"


def closed_index(
    conn: sqlite3.Connection, length: int = RUN, redactor: Redactor | None = None
) -> RunIndex:
    """Return an index of all sealed and train-only records, those left out of training too.

    With a redactor also of what a twin learns of them, which it may repeat.
    """
    records = iter_records(conn, levels=("sealed", "train-only"), include_left_out=True)
    index = RunIndex(length=length)
    for record in records:
        for text in filter(None, (record.text, record.title)):
            index.add(text)
            if redactor is not None and (learned := redactor.redact(text)) != text:
                index.add(learned)
    return index


def withheld(index: RunIndex, answer: str) -> str | None:
    """Return the note that stands for an answer that repeats private writing, else None."""
    run = index.repeated(answer)
    return NOTE.format(n=len(run)) if run else None
