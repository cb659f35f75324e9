"""Records, and the rows that a store of them gives."""

import sqlite3
from typing import Any

from align.conversations.examples.building import build_examples
from align.owner import Owner
from align.store.records import Record

OWNER = Owner(name="Ann", aliases=["Annie"], facts={"Where do you live?": "By the sea."})


def turn(at: int, text: str, *, owner: bool, **more: Any) -> Record:
    """Make a message of the chat c1."""
    values = {"source": "messages", "origin": "c1", "thread": "c1", "split": "train"} | more
    values.setdefault("level", "open")
    return Record.new(kind="turn", position=at, text=text, is_owner=owner, **values)


def document(text: str, **more: Any) -> Record:
    """Make a document of the owner's."""
    values = {"source": "documents", "origin": "d1", "thread": "d1", "split": "train"} | more
    values.setdefault("level", "open")
    values.setdefault("is_owner", True)
    return Record.new(kind="document", text=text, **values)


def rows(
    conn: sqlite3.Connection, owner: Owner = OWNER, *, identity: bool = False, **more: Any
) -> list[dict[str, Any]]:
    """Return the rows, identity conversations apart."""
    return list(build_examples(conn, owner, identity=identity, **more))


def words(text: str) -> int:
    """Count words, where a test wants lengths that can be seen."""
    return len(text.split())


def learned(made: list[dict[str, Any]]) -> list[str]:
    """Return the answers that are learned, over all rows."""
    return [
        message["content"]
        for row in made
        for message in row["messages"]
        if message["role"] == "assistant" and message.get("train", True)
    ]
