"""Passages of a document become answers: the owner's own words, unchanged."""

import sqlite3
from collections.abc import Iterator

from align.conversations.examples.example_rows import CountTokens, Row, row_of, row_tokens, turn
from align.conversations.questions.exchanges import exchanges
from align.store.records import Record

QUESTIONS = "questions"


def question_rows(
    conn: sqlite3.Connection,
    record: Record,
    language: str,
    count_tokens: CountTokens,
    max_tokens: int,
) -> Iterator[Row]:
    """Yield the questions that a document's passages answer, as far as both fit into a row."""
    for each in exchanges(conn, record, language):
        messages = [turn("user", each.question), turn("assistant", each.passage.text)]
        if row_tokens(messages, count_tokens) <= max_tokens:
            yield {**row_of(messages, [record]), "source": QUESTIONS}
