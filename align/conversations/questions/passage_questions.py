"""What each passage of a document answers: a model's question, one by rule, a plain wording."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from align.conversations.questions.passages import Passage, answer_passages, passages
from align.conversations.questions.rules import best_answered, candidates
from align.levels import TRAINABLE
from align.store.questions import Question, questions_of
from align.store.records import Record, iter_records

# The names of writers that say a passage plainly begin so; others ask a question.
PLAIN_WRITER = "plain:"


@dataclass(frozen=True)
class Exchange:
    """A question, and the owner's own words that answer it."""

    question: str
    passage: Passage


@dataclass(frozen=True)
class OpenPassage:
    """A passage for which a writer has not written a question yet."""

    record: Record
    passage: Passage


def exchanges(conn: sqlite3.Connection, record: Record, language: str = "en") -> Iterator[Exchange]:
    """Yield the questions that a document's passages answer; a passage that answers none has none.

    A question that a model wrote for a passage goes before the rules; of several, the one that
    made the passage likeliest. Where the model found that the passage answers nothing, no rule is
    tried. No question comes twice.
    """
    by_rule: set[str] = set()
    written = _written(conn, record, plainly=False)
    for passage in passages(record.text):
        known = written.get((passage.start, passage.stop))
        if known is not None:
            if known.left_out is None:
                yield Exchange(known.question, passage)
            continue
        offered = candidates(record.title, passage, record.text, language)
        best = best_answered((text for text in offered if text not in by_rule), passage.text)
        if best is not None:
            by_rule.add(best[0])
            yield Exchange(best[0], passage)


def plain_exchanges(conn: sqlite3.Connection, record: Record) -> Iterator[Exchange]:
    """Yield what a model said plainly, as a request, and the owner's own words for it."""
    for (start, stop), asked in sorted(_written(conn, record, plainly=True).items()):
        if asked.left_out is None:
            yield Exchange(asked.question, Passage(start, stop, record.text[start:stop], None))


def open_passages(conn: sqlite3.Connection, writer: str) -> list[OpenPassage]:
    """Return the passages of trained documents for which a writer wrote nothing yet, in order."""
    cut = answer_passages if writer.startswith(PLAIN_WRITER) else passages
    records = iter_records(conn, split="train", kind="document", is_owner=True, levels=TRAINABLE)
    still_open = []
    for record in list(records):
        known = {(q.start, q.stop) for q in questions_of(conn, record.id) if q.writer == writer}
        still_open += [
            OpenPassage(record, passage)
            for passage in cut(record.text)
            if (passage.start, passage.stop) not in known
        ]
    return still_open


def _written(
    conn: sqlite3.Connection, record: Record, *, plainly: bool
) -> dict[tuple[int, int], Question]:
    """Return what models wrote for each passage, the best one of several."""
    return {
        (question.start, question.stop): question
        for question in sorted(questions_of(conn, record.id), key=_worth)
        if question.writer.startswith(PLAIN_WRITER) == plainly
    }


def _worth(question: Question) -> tuple[bool, float]:
    """Return what sorts a better question last: one that is answered, and by how much."""
    return question.left_out is None, -math.inf if question.gain is None else question.gain
