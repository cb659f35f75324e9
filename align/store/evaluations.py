"""Evaluation answers: what each checkpoint wrote to the held-out prompts, kept for resuming."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from align.store.connection import transaction
from align.store.ids import canonical_json, content_id, storable
from align.store.records import Added


@dataclass(frozen=True)
class EvaluationAnswer:
    """One answer to a held-out prompt."""

    id: str
    prompt_id: str
    checkpoint: str
    checkpoint_hash: str
    seed: int
    settings: Mapping[str, Any]
    text: str

    @classmethod
    def new(
        cls,
        *,
        prompt_id: str,
        checkpoint: str,
        checkpoint_hash: str,
        seed: int,
        settings: Mapping[str, Any],
        text: str,
    ) -> "EvaluationAnswer":
        """Make an answer, with the id that its content gives it."""
        text = storable(text)
        named = content_id(prompt_id, checkpoint_hash, seed, canonical_json(dict(settings)), text)
        return cls(named, prompt_id, checkpoint, checkpoint_hash, seed, settings, text)


def add_evaluation_answers(conn: sqlite3.Connection, answers: Iterable[EvaluationAnswer]) -> Added:
    """Add answers; known ones change nothing."""
    new = known = 0
    with transaction(conn):
        for answer in answers:
            cursor = conn.execute(
                "INSERT OR IGNORE INTO evaluation_answers VALUES (?,?,?,?,?,?,?)",
                (
                    answer.id, answer.prompt_id, answer.checkpoint, answer.checkpoint_hash,
                    answer.seed, canonical_json(dict(answer.settings)), answer.text,
                ),
            )  # fmt: skip
            new += cursor.rowcount
            known += 1 - cursor.rowcount
    return Added(new, known)


def iter_evaluation_answers(
    conn: sqlite3.Connection, *, checkpoint_hash: str | None = None, seed: int | None = None
) -> Iterator[EvaluationAnswer]:
    """Yield the answers, ordered by checkpoint, seed and prompt."""
    wanted = {"checkpoint_hash": checkpoint_hash, "seed": seed}
    clauses = [f"{column} = ?" for column, value in wanted.items() if value is not None]
    rows = conn.execute(
        f"SELECT * FROM evaluation_answers WHERE {' AND '.join(clauses) or '1'} "
        "ORDER BY checkpoint_hash, seed, prompt_id, id",
        [value for value in wanted.values() if value is not None],
    )
    for row in rows.fetchall():
        yield EvaluationAnswer(**{**dict(row), "settings": json.loads(row["settings"])})
