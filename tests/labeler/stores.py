"""Stores of pairs to label, of any size."""

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from align.store.connection import connect, transaction
from align.store.ids import canonical_json, content_id
from align.store.pairs import Purpose
from align.store.prompts import Prompt

TOPICS = ["bread", "rivers", "chess", "tea", "trains", "maps", "bees", "rain", "wool", "stars"]
SETTINGS = canonical_json({"temperature": 1.0})

Texts = Callable[[str, int], tuple[str, str]]


def usual_texts(topic: str, i: int) -> tuple[str, str]:
    return f"Well, {topic}, I say {i}.", f"Nobody asked me about {i}!"


def store_of_pairs(
    path: Path,
    n: int,
    *,
    each_prompt: int = 1,
    checkpoint: str = "001-sft",
    purpose: Purpose = "train",
    similarity: float | None = 0.2,
    texts: Texts = usual_texts,
) -> sqlite3.Connection:
    """Write a store of `n` pairs, `each_prompt` to a prompt; 100,000 take seconds."""
    conn = connect(path, create=True)
    add_many_pairs(
        conn,
        n,
        each_prompt=each_prompt,
        checkpoint=checkpoint,
        purpose=purpose,
        similarity=similarity,
        texts=texts,
    )
    return conn


def copy_of_pairs(path: Path, n: int, each_prompt: int) -> None:
    """Put a store of pairs at a path: made once, since that takes longer than a short test."""
    shutil.copy(_template(n, each_prompt), path)


@cache
def _template(n: int, each_prompt: int) -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    store_of_pairs(folder / "twin.db", n, each_prompt=each_prompt).close()
    return folder / "twin.db"


def add_many_pairs(
    conn: sqlite3.Connection,
    n: int,
    *,
    each_prompt: int = 1,
    checkpoint: str = "001-sft",
    purpose: Purpose = "train",
    similarity: float | None = 0.2,
    texts: Texts = usual_texts,
) -> list[str]:
    """Add `n` pairs, `each_prompt` to a prompt, and return their ids."""
    prompts: list[Prompt] = []
    answers: list[tuple[object, ...]] = []
    pairs: list[tuple[str, ...]] = []
    for i in range(n):
        number = i // each_prompt
        topic = f"{TOPICS[number % len(TOPICS)]} {number}"
        if i % each_prompt == 0:
            messages = [{"role": "user", "content": f"What of {topic}?"}]
            thread = f"thread {topic}"
            prompts.append(Prompt.new(messages, source="added", thread=thread, split="train"))
        prompt_id, source = prompts[-1].id, f"hash of {checkpoint}"
        ids = []
        for k, text in enumerate(texts(topic, i)):
            # The ids that `Answer` makes.
            ids.append(content_id(prompt_id, text, source, SETTINGS, i, k))
            answers.append((ids[-1], prompt_id, text, checkpoint, source, SETTINGS, i, k))
        pairs.append((content_id(prompt_id, *ids, purpose), prompt_id, *ids, purpose))
    with transaction(conn), _askable_at_once(conn):
        rows = [(p.id, canonical_json(p.messages), p.source, p.thread, p.split) for p in prompts]
        _insert(conn, "threads (thread, split)", (row[3:] for row in rows))
        _insert(conn, "prompts (id, messages, source, thread, split, level)", rows, 0)
        _insert(
            conn,
            "answers (id, prompt_id, text, checkpoint, checkpoint_hash, settings, seed, n)",
            answers,
        )
        columns = "pairs (id, prompt_id, answer_a, answer_b, purpose, similarity)"
        _insert(conn, columns, pairs, similarity)
    return [pair[0] for pair in pairs]


@contextmanager
def _askable_at_once(conn: sqlite3.Connection) -> Iterator[None]:
    """Let what triggers write for each row be written once for all, as the migration does it."""
    triggers = conn.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'askable_with_%'"
    ).fetchall()
    for name, _ in triggers:
        conn.execute(f"DROP TRIGGER {name}")
    yield
    conn.execute(
        "INSERT INTO askable SELECT * FROM askable_pairs "
        "WHERE pair_id NOT IN (SELECT pair_id FROM askable) ORDER BY 1, 2, 3"
    )
    for _, sql in triggers:
        conn.execute(sql)


def _insert(
    conn: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]], *constants: object
) -> None:
    """Insert rows by rising key, which is several times as fast as in any order."""
    marks = ",".join("?" * (table.count(",") + 1))
    values = ((*row, *constants) for row in sorted(rows, key=lambda row: str(row[0])))
    conn.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)
