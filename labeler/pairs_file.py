"""Label a file: pairs from JSON lines, choices to JSON lines, the session in a store beside them.

Each line of the file is `{"prompt": "...", "a": "...", "b": "..."}`; `prompt` may be a list of
messages, and `model_a` and `model_b` may name who answered.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.files import parse_jsonl, write_jsonl_atomically
from align.store.acts import all_marks
from align.store.answers import Answer, add_answers
from align.store.choices import current_choices
from align.store.connection import connect, transaction
from align.store.events import newest_event
from align.store.pairs import Pair, add_pairs, get_pair, pair_of_texts
from align.store.prompts import Prompt, add_prompts
from align.text.similarity import similarity
from labeler.store_lock import new_only_if_started, only_labeler

# Pairs of larger files are compared when it is their turn: one takes a third of a millisecond.
COMPARED = 5_000
A_LINE = 'A line is {"prompt": "...", "a": "...", "b": "..."}'


@contextmanager
def file_store(path: Path, out: Path) -> Iterator[sqlite3.Connection]:
    """Open the store `<out>.db` with all pairs of the file, and write the choices at the end.

    A line that is known adds nothing, and neither does one with the same answers the other way
    round.

    Raises:
        UserError: The file is missing, has no pairs, a line is no pair, or another labeler is open
            on the store. A store that was not there before is not there then.
    """
    if not path.is_file():
        raise UserError(str(path), "no such file", "Name a file of pairs, or --owner NAME")
    with path.open("rb") as file:
        lines = [_pair(row, f"{path}:{number}") for number, row in parse_jsonl(file, str(path))]
    if not lines:
        raise UserError(str(path), "no pairs to choose from", A_LINE)
    out.parent.mkdir(parents=True, exist_ok=True)
    store = out.with_name(f"{out.name}.db")
    with (
        only_labeler(store),
        new_only_if_started(store),
        closing(connect(store, create=True)) as conn,
    ):
        with transaction(conn):
            for prompt, answers, pair in lines:
                texts = answers[0].text, answers[1].text
                if not pair_of_texts(conn, prompt.id, texts, "train"):
                    likeness = round(similarity(*texts), 4) if len(lines) <= COMPARED else None
                    add_prompts(conn, [prompt])
                    add_answers(conn, answers)
                    add_pairs(conn, [replace(pair, similarity=likeness)])
        started = True
        try:
            yield conn
        except UserError:
            started = newest_event(conn)[1] > 0
            raise
        finally:
            if started:
                write_choices(conn, out)


def _pair(row: Mapping[str, Any], where: str) -> tuple[Prompt, tuple[Answer, Answer], Pair]:
    """Return what a line holds.

    Raises:
        UserError: A key is missing, or is no text.
    """
    for key in ("a", "b"):
        if not isinstance(row.get(key), str):
            raise UserError(where, f"no text under {key!r}", A_LINE)
    messages: Any = row.get("prompt")
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    try:
        prompt = Prompt.new(messages, source="added", thread=json.dumps(messages), split="train")
    except (ValueError, KeyError, TypeError, AttributeError):
        remedy = "Write a text, or messages of which the last is the user's"
        raise UserError(where, "no prompt under 'prompt'", remedy) from None
    first, second = (
        Answer(
            prompt_id=prompt.id,
            text=row[side],
            checkpoint=str(row.get(f"model_{side}", "")),
            checkpoint_hash=str(row.get(f"model_{side}", "")),
            settings={},
            seed=0,
            n=n,
        )
        for n, side in enumerate("ab")
    )
    pair = Pair(prompt_id=prompt.id, answer_a=first.id, answer_b=second.id)
    return prompt, (first, second), pair


def write_choices(conn: sqlite3.Connection, out: Path) -> None:
    """Write all current choices with their marks, whole or not at all."""
    rows, marks = [], all_marks(conn)
    for choice in current_choices(conn, actors=["owner"]):
        pair = get_pair(conn, choice.pair_id)
        if pair is None:
            continue
        prompt: Any = [dict(message) for message in pair.messages]
        if len(prompt) == 1:
            prompt = prompt[0]["content"]
        row = {
            "prompt": prompt,
            "a": pair.text_a,
            "b": pair.text_b,
            "outcome": choice.outcome,
            "time": choice.time,
        }
        for side, model in (("a", pair.checkpoint_a), ("b", pair.checkpoint_b)):
            if model:
                row[f"model_{side}"] = model
        if choice.clear:
            row["clear"] = True
        if choice.rewrite is not None:
            row["rewrite"] = choice.rewrite
        rows.append({**row, **marks.get(choice.pair_id, {})})
    write_jsonl_atomically(out, rows, mode=0o600)
