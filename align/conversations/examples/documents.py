"""A document becomes rows: titled pieces, and passages that answer questions, all verbatim."""

import sqlite3
from collections.abc import Iterable, Iterator

from align.conversations.examples.cutting import cut_at_paragraph_ends, last_sentence, sentences
from align.conversations.examples.example_rows import (
    FRAME,
    LONGEST_SENTENCE,
    PLAIN,
    QUESTIONS,
    Row,
    RowLimit,
    row_of,
    row_tokens,
    turn,
)
from align.conversations.questions.passage_questions import Exchange, exchanges, plain_exchanges
from align.store.records import Record

DOCUMENT_PROMPT = 'Write a piece titled "{title}".'
DATED_PROMPT = 'Write a piece titled "{title}", dated {date}.'
CONTINUATION_PROMPT = 'Continue "{title}" after: "{last_sentence}"'
UNTITLED_PROMPT = 'Continue after: "{last_sentence}"'

_LONGEST_TITLE = 120


def document_rows(record: Record, limit: RowLimit, *, dates: bool = False) -> Iterator[Row]:
    """Yield a document's titled piece and its continuations; no word is lost between them.

    One without a title goes on after its first sentence. With `dates` the first prompt says when it
    was written, where that is known.
    """
    text, title = record.text, " ".join((record.title or "").split())[:_LONGEST_TITLE]
    first, *rest = sentences(text) or [text]
    goes_on = UNTITLED_PROMPT
    if title or not "".join(rest).strip() or len(first) > LONGEST_SENTENCE:
        title = title or " ".join(text.split()[:8]).rstrip(".,;:!?")[:_LONGEST_TITLE]
        goes_on = CONTINUATION_PROMPT
    count, most = limit.count_tokens, limit.most
    room = max(most - FRAME - count(title) - LONGEST_SENTENCE // 2, most // 2)
    prompt = DOCUMENT_PROMPT.format(title=title)
    if dates and record.time:
        prompt = DATED_PROMPT.format(title=title, date=record.time[:10])
    if goes_on == UNTITLED_PROMPT:
        prompt, text = goes_on.format(last_sentence=first.strip()), "".join(rest)
    for chunk in cut_at_paragraph_ends(text, count, min(limit.answer or room, room)):
        yield row_of([turn("user", prompt), turn("assistant", chunk.strip())], [record])
        sentence = last_sentence(chunk, LONGEST_SENTENCE)
        prompt = goes_on.format(title=title, last_sentence=sentence)


def question_rows(
    conn: sqlite3.Connection, record: Record, language: str, limit: RowLimit
) -> Iterator[Row]:
    """Yield the questions that a document's passages answer, where both fit into a row."""
    yield from _passage_rows(QUESTIONS, exchanges(conn, record, language), record, limit)


def plain_rows(conn: sqlite3.Connection, record: Record, limit: RowLimit) -> Iterator[Row]:
    """Yield what a model said plainly, and the owner's own words for it."""
    yield from _passage_rows(PLAIN, plain_exchanges(conn, record), record, limit)


def _passage_rows(
    source: str, found: Iterable[Exchange], record: Record, limit: RowLimit
) -> Iterator[Row]:
    """Yield rows of one source; of a long passage the first part answers."""
    for exchange in found:
        text = exchange.passage.text
        if limit.answer:
            text = cut_at_paragraph_ends(text, limit.count_tokens, limit.longest_answer)[0].strip()
        messages = [turn("user", exchange.question), turn("assistant", text)]
        if row_tokens(messages, limit.count_tokens) <= limit.most:
            yield {**row_of(messages, [record]), "source": source}
