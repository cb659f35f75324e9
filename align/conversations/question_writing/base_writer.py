"""The recipe's base writes the questions that passages of documents answer, and weighs them."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from align.console import progress
from align.conversations.question_writing.weighing import Offer, best_questions, question_in
from align.conversations.questions.passage_questions import OpenPassage
from align.conversations.questions.rules import candidates
from align.store.connection import transaction
from align.store.questions import Question, add_questions

WRITE = (
    "Here is something that a person wrote:\n\n{passage}\n\n"
    "Write one short question, as a friend would ask it, to which this is the answer. "
    "Write the question only."
)
# Passages that are worked on together; a finished batch is kept.
_BATCH = 16
_DRAW = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": 40}


def write_questions(
    conn: sqlite3.Connection,
    base: Any,
    open_passages: Sequence[OpenPassage],
    *,
    writer: str,
    drawn: int = 4,
    language: str = "en",
    seed: int = 0,
) -> Iterator[Question]:
    """Yield a question for each passage, left out or not; each is in the store by then.

    Args:
        conn: The owner's store.
        base: An `align.models.loaded_model.LoadedModel`.
        open_passages: Those without a question of this writer.
        writer: The name under which the questions are kept.
        drawn: Questions that the model draws for a passage; 0 only chooses among the rules'.
        language: Of the rules.
        seed: Of the draws.
    """
    starts = range(0, len(open_passages), _BATCH)
    for start in progress(starts, len(starts), "questions", unit=f"batches of {_BATCH}"):
        batch = open_passages[start : start + _BATCH]
        questions = [
            candidates(one.record.title, one.passage, one.record.text, language) for one in batch
        ]
        if drawn:
            texts = [WRITE.format(passage=one.passage.text) for one in batch]
            prompts = [[{"role": "user", "content": text}] for text in texts]
            draws = base.generate(prompts, seed=seed, n=drawn, **_DRAW)
            for candidate_list, replies in zip(questions, draws, strict=True):
                candidate_list += [q for reply in replies if (q := question_in(reply))]
        offers = [
            Offer.of(one, one.passage.text, candidate_list)
            for one, candidate_list in zip(batch, questions, strict=True)
        ]
        written = list(best_questions(base, offers, writer))
        with transaction(conn):
            add_questions(conn, written)
        yield from written
