"""Prompts that nobody asked the owner: those he adds, and a list that comes with the toolkit."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from align.errors import UserError
from align.files import parse_jsonl
from align.ingest.text import clean, decoded
from align.paths import project_root
from align.store.ids import content_id, split_of
from align.store.prompts import Prompt, PromptSource, add_prompts
from align.store.records import Added


def bundled_file() -> Path:
    """Return the list that comes with the toolkit."""
    return project_root() / "data" / "prompts" / "prompts.jsonl"


def bundled_prompts(held_out: float) -> list[Prompt]:
    """Return the shipped prompts; each thread is on the side that its hash says."""
    return read_prompts(bundled_file(), held_out, source="bundled")


def add_bundled_prompts(conn: sqlite3.Connection, held_out: float) -> Added:
    """Add the shipped prompts to the store; those that are there stay as they are."""
    return add_prompts(conn, bundled_prompts(held_out))


def read_prompts(path: Path, held_out: float, *, source: PromptSource = "added") -> list[Prompt]:
    """Read prompts: JSONL `{"prompt": ..., "thread": ...}`, or plain text with one a line.

    Raises:
        UserError: No such file, not text, a line without a prompt, or nothing in it.
    """
    if not path.is_file():
        raise UserError(path, "no such file", "Name a .jsonl or .txt file of prompts")
    text = decoded(path.read_bytes())
    if text is None:
        raise UserError(path, "binary, not text", "Name a .jsonl or .txt file of prompts")
    rows = _jsonl(text, path) if path.suffix == ".jsonl" else _lines(text)
    prompts = list(_prompts(rows, held_out, source))
    if not prompts:
        raise UserError(path, "no prompts in it", "Write one prompt a line")
    return prompts


def _jsonl(text: str, path: Path) -> Iterator[tuple[str, str | None]]:
    for number, row in parse_jsonl(text.split("\n"), str(path)):
        prompt, thread = row.get("prompt"), row.get("thread")
        if not isinstance(prompt, str) or not clean(prompt):
            what = "no prompt in this line"
            raise UserError(f"{path}:{number}", what, 'Write {"prompt": "...", "thread": "..."}')
        if thread is not None and not isinstance(thread, str):
            raise UserError(f"{path}:{number}", "'thread' is not a text", "Write it as a text")
        yield clean(prompt), thread


def _lines(text: str) -> Iterator[tuple[str, str | None]]:
    for line in text.splitlines():
        if clean(line):
            yield clean(line), None


def _prompts(
    rows: Iterable[tuple[str, str | None]], held_out: float, source: PromptSource
) -> Iterator[Prompt]:
    for text, named in rows:
        thread = named or f"prompt-{content_id(text)}"
        message = {"role": "user", "content": text}
        yield Prompt.new([message], source=source, thread=thread, split=split_of(thread, held_out))
