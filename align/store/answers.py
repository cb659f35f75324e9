"""Answers: what a twin wrote to a prompt."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from align.store.connection import transaction
from align.store.ids import canonical_json, content_id, storable
from align.store.records import Added


@dataclass(frozen=True)
class Answer:
    """One drawn answer; `n` counts the answers that the same prompt, settings and seed gave."""

    id: str
    prompt_id: str
    text: str
    checkpoint: str
    checkpoint_hash: str
    settings: Mapping[str, Any]
    seed: int
    n: int

    @classmethod
    def new(
        cls,
        *,
        prompt_id: str,
        text: str,
        checkpoint: str,
        checkpoint_hash: str,
        settings: Mapping[str, Any],
        seed: int,
        n: int = 0,
    ) -> "Answer":
        """Make an answer, with the id that its content gives it."""
        text = storable(text)
        named = content_id(
            prompt_id, text, checkpoint_hash, canonical_json(dict(settings)), seed, n
        )
        return cls(named, prompt_id, text, checkpoint, checkpoint_hash, settings, seed, n)


def add_answers(conn: sqlite3.Connection, answers: Iterable[Answer]) -> Added:
    """Add answers; known ones change nothing."""
    new = known = 0
    with transaction(conn):
        for answer in answers:
            cursor = conn.execute(
                "INSERT OR IGNORE INTO answers VALUES (?,?,?,?,?,?,?,?)",
                (
                    answer.id, answer.prompt_id, answer.text, answer.checkpoint,
                    answer.checkpoint_hash, canonical_json(dict(answer.settings)), answer.seed,
                    answer.n,
                ),
            )  # fmt: skip
            new += cursor.rowcount
            known += 1 - cursor.rowcount
    return Added(new, known)


def answers_of(conn: sqlite3.Connection, checkpoint_hash: str) -> list[Answer]:
    """Return what was drawn from a checkpoint, ordered by prompt, seed and n."""
    rows = conn.execute(
        "SELECT * FROM answers WHERE checkpoint_hash = ? ORDER BY prompt_id, seed, n, id",
        (checkpoint_hash,),
    )
    return [Answer(**{**dict(row), "settings": json.loads(row["settings"])}) for row in rows]
