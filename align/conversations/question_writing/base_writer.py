"""The recipe's base writes the questions that passages of documents answer, and weighs them."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from align.console import progress
from align.conversations.question_writing.waiting import Waiting
from align.conversations.question_writing.weighing import Offered, prompt_of, question_in, weighed
from align.conversations.questions.rules import candidates
from align.store.connection import transaction
from align.store.questions import Question, add_questions

WRITE = (
    "Here is something that a person wrote:\n\n{passage}\n\n"
    "Write one short question, as a friend would ask it, to which this is the answer. "
    "Write the question only."
)
_DRAWN_TOKENS = 40


def write_questions(
    conn: sqlite3.Connection,
    twin: Any,
    passages_: Sequence[Waiting],
    *,
    writer: str,
    drawn: int = 4,
    language: str = "en",
    seed: int = 0,
    batch_size: int = 16,
) -> Iterator[Question]:
    """Yield a question for each passage, left out or not; each is in the store by then.

    Args:
        conn: The owner's store.
        twin: An `align.models.loaded_model.LoadedModel`: the base that writes.
        passages_: From `waiting`.
        writer: The name under which the questions are kept.
        drawn: Questions that the model draws for a passage; 0 only chooses among the rules'.
        language: Of the rules.
        seed: Of the draws.
        batch_size: Passages that are worked on together; what is done of them is kept.
    """
    starts = range(0, len(passages_), batch_size)
    for start in progress(starts, len(starts), "questions", unit=f"batches of {batch_size}"):
        batch = passages_[start : start + batch_size]
        offered = _offered(twin, batch, drawn, language, seed)
        written = list(weighed(twin, offered, writer))
        with transaction(conn):
            add_questions(conn, written)
        yield from written


def _offered(
    twin: Any, batch: Sequence[Waiting], drawn: int, language: str, seed: int
) -> list[Offered]:
    found = [
        candidates(each.record.title, each.passage, each.record.text, language) for each in batch
    ]
    if drawn:
        asked = [prompt_of(WRITE.format(passage=each.passage.text)) for each in batch]
        settings = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": _DRAWN_TOKENS}
        answers = twin.generate(asked, seed=seed, n=drawn, **settings)
        for known, texts in zip(found, answers, strict=True):
            known += [question for text in texts if (question := question_in(text))]
    return [
        Offered.of(each, each.passage.text, known) for known, each in zip(found, batch, strict=True)
    ]
