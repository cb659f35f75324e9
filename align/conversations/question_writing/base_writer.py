"""The recipe's base writes what passages of documents answer, and weighs it.

That is a question; or the passage said plainly, with the request to say it as the owner would: what
is learned then is the voice alone, since what to say is given.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from align.console import progress
from align.conversations.examples.cutting import sentences
from align.conversations.question_writing.weighing import Offer, best_questions, question_in
from align.conversations.questions.passage_questions import PLAIN_WRITER, OpenPassage
from align.conversations.questions.passages import Passage
from align.conversations.questions.rules import candidates, notes
from align.store.connection import transaction
from align.store.questions import Question, add_questions
from align.text.printable import printable
from align.text.similarity import words

WRITE = (
    "Here is something that a person wrote:\n\n{passage}\n\n"
    "Write one short question, as a friend would ask it, to which this is the answer. "
    "Write the question only."
)
SAY_PLAINLY = (
    "Here is something that a person wrote:\n\n{passage}\n\n"
    "Say the same in two or three short and plain sentences, as if you had written it yourself. "
    "Write the sentences only."
)
# Without a word that a passage could speak of.
NOTED = "Say this as you would, from notes: {}"
REQUESTS = ("Say this as you would: {}", "How would you say this? {}", "Say it your way: {}")
# So many words in a row are copied, and to copy is not to say plainly.
_COPIED = 8
_FEWEST_PLAIN = 5
# Share of pairs of words that are new where nothing is said over and over.
_LEAST_NEW = 0.8
# Passages that are worked on together; a finished batch is kept.
_BATCH = 16
_DRAW = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": 40}
_DRAW_PLAIN = {"temperature": 0.5, "top_p": 0.9, "max_new_tokens": 96}


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
    """Yield a question or a request for each passage, left out or not, as it is stored.

    The base is an `align.models.loaded_model.LoadedModel`; without draws it only chooses among the
    rules' questions. They are kept under the writer's name; one of `PLAIN_WRITER` says passages
    plainly.
    """
    is_plain = writer.startswith(PLAIN_WRITER)
    wanted, draw = (SAY_PLAINLY, _DRAW_PLAIN) if is_plain else (WRITE, _DRAW)
    starts = range(0, len(open_passages), _BATCH)
    for start in progress(starts, len(starts), "questions", unit=f"batches of {_BATCH}"):
        batch = open_passages[start : start + _BATCH]
        questions = [
            [] if is_plain else candidates(one.record.title, one.passage, one.record.text, language)
            for one in batch
        ]
        if drawn:
            texts = [wanted.format(passage=one.passage.text) for one in batch]
            prompts = [[{"role": "user", "content": text}] for text in texts]
            draws = base.generate(prompts, seed=seed, n=drawn, **draw)
            for candidate_list, replies, one in zip(questions, draws, batch, strict=True):
                for reply in replies:
                    found = request_in(reply, one.passage) if is_plain else question_in(reply)
                    candidate_list += [found] if found else []
        offers = [
            Offer.of(one, one.passage.text, candidate_list)
            for one, candidate_list in zip(batch, questions, strict=True)
        ]
        written = list(best_questions(base, offers, writer))
        with transaction(conn):
            add_questions(conn, written)
        yield from written


def write_notes(conn: sqlite3.Connection, open_passages: Sequence[OpenPassage]) -> list[Question]:
    """Store, for each passage, the request to say in the owner's words what its notes say.

    No model has part in it: a small one copies a passage, or loops, when it is to say it plainly.
    """
    written = [
        Question(
            record_id=one.record.id,
            start=one.passage.start,
            stop=one.passage.stop,
            question=NOTED.format(noted),
            writer=f"{PLAIN_WRITER}rule",
            overlap=1.0,
        )
        for one in open_passages
        if (noted := notes(one.passage.text))
    ]
    add_questions(conn, written)
    return written


def request_in(reply: str, passage: Passage) -> str | None:
    """Return the request to say in the owner's words what a model said plainly.

    None where it said too little, or more than the passage, copied it or repeats itself; what broke
    off in the middle of a sentence ends before that.
    """
    whole = [s for s in sentences(printable(reply)) if s.rstrip("\"' \n").endswith((".", "!", "?"))]
    plain = " ".join("".join(whole).split()).strip("\"'")
    said, written = words(plain), words(passage.text)
    runs = {tuple(written[at : at + _COPIED]) for at in range(len(written) - _COPIED + 1)}
    is_copied = any(tuple(said[at : at + _COPIED]) in runs for at in range(len(said) - _COPIED + 1))
    pairs = list(pairwise(said))
    loops = len(set(pairs)) < _LEAST_NEW * len(pairs)
    if is_copied or loops or not _FEWEST_PLAIN <= len(said) <= len(written):
        return None
    return REQUESTS[passage.start % len(REQUESTS)].format(plain)
