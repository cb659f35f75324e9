"""Answers: what a checkpoint wrote to a prompt, for pairs or for the evaluation."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from align.store.ids import canonical_json, content_id, storable
from align.store.tables import Added, add_rows, condition


@dataclass(frozen=True)
class Answer:
    """One drawn answer; `n` counts the answers that the same prompt, settings and seed gave."""

    prompt_id: str
    text: str
    checkpoint: str
    checkpoint_hash: str
    settings: Mapping[str, Any]
    seed: int
    n: int = 0
    id: str = ""  # of a new one, made from its content

    def __post_init__(self) -> None:
        """Make a new answer's text storable, and its id."""
        if not self.id:
            text, settings = storable(self.text), canonical_json(dict(self.settings))
            parts = (self.prompt_id, text, self.checkpoint_hash, settings, self.seed, self.n)
            object.__setattr__(self, "text", text)
            object.__setattr__(self, "id", content_id(*parts))


def add_answers(conn: sqlite3.Connection, answers: Iterable[Answer]) -> Added:
    """Add answers; known ones change nothing."""
    rows = (
        (a.id, a.prompt_id, a.text, a.checkpoint, a.checkpoint_hash,
         canonical_json(dict(a.settings)), a.seed, a.n)
        for a in answers
    )  # fmt: skip
    return add_rows(conn, "answers", rows)


def answers_of(conn: sqlite3.Connection, checkpoint_hash: str) -> list[Answer]:
    """Return what was drawn from a checkpoint, ordered by prompt, seed and n."""
    rows = conn.execute(
        "SELECT * FROM answers WHERE checkpoint_hash = ? ORDER BY prompt_id, seed, n, id",
        (checkpoint_hash,),
    )
    return [Answer(**{**dict(row), "settings": json.loads(row["settings"])}) for row in rows]


@dataclass(frozen=True)
class EvaluationAnswer:
    """One answer to a held-out prompt."""

    prompt_id: str
    checkpoint: str
    checkpoint_hash: str
    seed: int
    settings: Mapping[str, Any]
    text: str
    id: str = ""  # of a new one, made from its content

    def __post_init__(self) -> None:
        """Make a new answer's text storable, and its id."""
        if not self.id:
            text, settings = storable(self.text), canonical_json(dict(self.settings))
            parts = (self.prompt_id, self.checkpoint_hash, self.seed, settings, text)
            object.__setattr__(self, "text", text)
            object.__setattr__(self, "id", content_id(*parts))


def add_evaluation_answers(conn: sqlite3.Connection, answers: Iterable[EvaluationAnswer]) -> Added:
    """Add answers; known ones change nothing."""
    rows = (
        (a.id, a.prompt_id, a.checkpoint, a.checkpoint_hash, a.seed,
         canonical_json(dict(a.settings)), a.text)
        for a in answers
    )  # fmt: skip
    return add_rows(conn, "evaluation_answers", rows)


def iter_evaluation_answers(
    conn: sqlite3.Connection, *, checkpoint_hash: str | None = None, seed: int | None = None
) -> Iterator[EvaluationAnswer]:
    """Yield the answers, ordered by checkpoint, seed and prompt."""
    where, values = condition({"checkpoint_hash": checkpoint_hash, "seed": seed})
    rows = conn.execute(
        f"SELECT * FROM evaluation_answers WHERE {where} "
        "ORDER BY checkpoint_hash, seed, prompt_id, id",
        values,
    )
    for row in rows.fetchall():
        yield EvaluationAnswer(**{**dict(row), "settings": json.loads(row["settings"])})
