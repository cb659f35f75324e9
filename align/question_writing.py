"""A local model writes the questions that passages of documents answer, and checks them.

For each passage there are the questions by rule and those that the model draws when shown the
passage. Of those whose words the passage speaks of, the one that makes the passage likeliest is
kept; where none makes it likelier than no question does, the passage answers nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from align.console import progress
from align.printable import printable
from align.questions.answered import LEAST_OVERLAP, overlap
from align.questions.passages import Passage, passages
from align.questions.rules import candidates
from align.store.connection import transaction
from align.store.questions import Question, add_questions, questions_of
from align.store.records import Record, iter_records

WRITE = (
    "Here is something that a person wrote:\n\n{passage}\n\n"
    "Write one short question, as a friend would ask it, to which this is the answer. "
    "Write the question only."
)
# What a passage's likelihood is compared with: asked to write, without a word on what.
NEUTRAL = "Write something."
_LONGEST_QUESTION = 200
_DRAWN_TOKENS = 40


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
        twin: An `align.twins.Twin`: the base that writes.
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
        written = list(_chosen(twin, batch, offered, writer))
        with transaction(conn):
            add_questions(conn, written)
        yield from written


def _offered(
    twin: Any, batch: Sequence[Waiting], drawn: int, language: str, seed: int
) -> list[list[str]]:
    """Return for each passage the questions that it speaks of, none twice."""
    found = [
        candidates(each.record.title, each.passage, each.record.text, language) for each in batch
    ]
    if drawn:
        asked = [_prompt(WRITE.format(passage=each.passage.text)) for each in batch]
        settings = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": _DRAWN_TOKENS}
        answers = twin.generate(asked, seed=seed, n=drawn, **settings)
        for known, texts in zip(found, answers, strict=True):
            known += [question for text in texts if (question := _question_in(text))]
    return [
        [q for q in dict.fromkeys(known) if overlap(q, each.passage.text) >= LEAST_OVERLAP]
        for known, each in zip(found, batch, strict=True)
    ]


def _chosen(
    twin: Any, batch: Sequence[Waiting], offered: list[list[str]], writer: str
) -> Iterator[Question]:
    from align.twins import log_likelihood

    # Another document's question as well: some bases find anything likelier after a question.
    against = [[NEUTRAL, *_foreign(batch, offered, at)] for at in range(len(batch))]
    asked = [
        (at, question)
        for at, questions in enumerate(offered)
        for question in ([*against[at], *questions] if questions else [])
    ]
    rows = [
        [*_prompt(question), {"role": "assistant", "content": batch[at].passage.text}]
        for at, question in asked
    ]
    scores: dict[tuple[int, str], float] = {
        key: score.log_prob / max(score.tokens, 1)
        for key, score in zip(asked, log_likelihood(twin, rows, batch_size=8), strict=True)
    }
    for at, each in enumerate(batch):
        without = max((scores[at, q] for q in against[at] if offered[at]), default=0.0)
        gains = [(scores[at, q] - without, q) for q in offered[at]]
        # Of equals the first: rules go before draws.
        gain, question = max(gains, key=lambda one: one[0], default=(None, ""))
        if gain is None:
            reason: str | None = "no question speaks of it"
        else:
            reason = None if gain > 0 else "no likelier for being asked"
        yield Question.new(
            record_id=each.record.id,
            start=each.passage.start,
            stop=each.passage.stop,
            question=question,
            writer=writer,
            overlap=overlap(question, each.passage.text),
            gain=gain,
            left_out=reason,
        )


def _foreign(batch: Sequence[Waiting], offered: list[list[str]], at: int) -> list[str]:
    """Return a question of another document of which this passage does not speak, if any."""
    for other, questions in zip(batch, offered, strict=True):
        if other.record.id != batch[at].record.id:
            for question in questions:
                if not overlap(question, batch[at].passage.text):
                    return [question]
    return []


def _question_in(text: str) -> str | None:
    """Return the one question in what a model wrote; None where it wrote something else."""
    for line in printable(text).splitlines():
        line = line.strip().strip("\"'*").removeprefix("Question:").strip().strip("\"'*")
        if line.endswith("?") and len(line.split()) > 2 and len(line) <= _LONGEST_QUESTION:
            return line
    return None


def _prompt(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]
