"""What the owner wrote in place of two answers becomes the answer to their prompt."""

import sqlite3
from collections.abc import Iterator

from align.conversations.examples.example_rows import Row, turn
from align.store.choices import decisive_pairs

REWRITE = "rewrite"


def rewrite_rows(conn: sqlite3.Connection) -> Iterator[Row]:
    """Yield what the owner wrote in place of two answers, as far as it stands, ordered by pair.

    Pairs of the evaluation side and sealed ones are left out. Earlier answers of a conversation
    are context: they are a twin's, or they are the owner's own and learned from his records.
    """
    for choice, pair in decisive_pairs(conn):
        text = (choice.rewrite or "").strip()
        if choice.outcome != "rewrite" or choice.actor != "owner" or not text:
            continue
        if pair.split == "train":
            before = [turn(m["role"], m["content"], is_learned=False) for m in pair.messages]
            messages = [*before, turn("assistant", text)]
            yield {"messages": messages, "source": REWRITE, "record_ids": []}
