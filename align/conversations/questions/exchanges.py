"""Which question goes with each passage of a document: a model's, else one by rule."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from align.conversations.questions.answered import best_answered
from align.conversations.questions.passages import Passage, passages
from align.conversations.questions.rules import candidates
from align.store.questions import Question, questions_of
from align.store.records import Record


@dataclass(frozen=True)
class Exchange:
    """A question, and the owner's own words that answer it."""

    question: str
    passage: Passage


def exchanges(conn: sqlite3.Connection, record: Record, language: str = "en") -> Iterator[Exchange]:
    """Yield the questions that a document's passages answer; a passage that answers none has none.

    What a model wrote for a passage goes before the rules, of several the one that made the
    passage likeliest; where it found that the passage answers nothing, no rule is asked. No
    question is asked twice.
    """
    asked: set[str] = set()
    written: dict[tuple[int, int], Question] = {}
    for each in sorted(questions_of(conn, record.id), key=_worth):
        written[each.start, each.stop] = each
    for passage in passages(record.text):
        known = written.get((passage.start, passage.stop))
        if known is not None:
            if known.left_out is None:
                yield Exchange(known.question, passage)
            continue
        found = candidates(record.title, passage, record.text, language)
        best = best_answered((each for each in found if each not in asked), passage.text)
        if best is not None:
            asked.add(best[0])
            yield Exchange(best[0], passage)


def _worth(question: Question) -> tuple[bool, float]:
    """Return what sorts a better question last: one that is answered, and by how much."""
    return question.left_out is None, -math.inf if question.gain is None else question.gain
