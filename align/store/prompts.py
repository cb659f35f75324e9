"""Prompts: what a twin is asked. The last message is the user's."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from align.levels import Level, from_stored, may_travel_sql, stored
from align.store.connection import transaction
from align.store.ids import Split, canonical_json, content_id, storable
from align.store.records import decide_split, split_of_thread
from align.store.tables import Added, add_rows, condition

PromptSource = Literal["asked", "added", "bundled", "identity"]
Message = dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """A conversation that waits for its answer.

    `records` names the records behind it; the level that is read back is the most private of
    theirs and its own.
    """

    id: str
    messages: tuple[Message, ...]
    source: PromptSource
    thread: str
    split: Split
    level: Level
    records: tuple[str, ...] = ()

    @classmethod
    def new(
        cls,
        messages: Sequence[Message],
        *,
        source: PromptSource,
        thread: str,
        split: Split,
        level: Level = "open",
        records: Iterable[str] = (),
    ) -> "Prompt":
        """Make a prompt, with the id that its messages give it."""
        kept = tuple({"role": m["role"], "content": storable(m["content"])} for m in messages)
        if not kept or kept[-1]["role"] != "user":
            raise ValueError("a prompt's last message is the user's")
        id = content_id([[m["role"], m["content"]] for m in kept])
        return cls(id, kept, source, storable(thread), split, level, tuple(records))

    @property
    def text(self) -> str:
        """The last message: what is to be answered."""
        return self.messages[-1]["content"]


def add_prompts(conn: sqlite3.Connection, prompts: Iterable[Prompt]) -> Added:
    """Add prompts; one that is known keeps its thread, and so its split."""
    prompts = list(prompts)

    def rows() -> Iterator[tuple[object, ...]]:
        for prompt in prompts:
            decide_split(conn, prompt.thread, prompt.split)
            split = split_of_thread(conn, prompt.thread)
            # The level of records is looked up, so that it can change with them.
            level = stored("open") if prompt.records else stored(prompt.level)
            messages = canonical_json(prompt.messages)
            yield prompt.id, messages, prompt.source, prompt.thread, split, level

    with transaction(conn):
        added = add_rows(conn, "prompts", rows())
        add_rows(conn, "prompt_records", ((p.id, record) for p in prompts for record in p.records))
    return added


def make_as_private(conn: sqlite3.Connection, prompt_id: str, level: Level) -> None:
    """Make a prompt at least as private as a level."""
    with transaction(conn):
        conn.execute(
            "UPDATE prompts SET level = max(level, ?) WHERE id = ?", (stored(level), prompt_id)
        )


def iter_prompts(
    conn: sqlite3.Connection,
    *,
    split: Split | None = None,
    levels: Collection[Level] | None = None,
    source: PromptSource | None = None,
) -> Iterator[Prompt]:
    """Yield the prompts, ordered by id: an order that says nothing about them."""
    numbers = None if levels is None else [stored(level) for level in levels]
    where, values = condition({"split": split, "source": source, "level": numbers})
    behind: dict[str, list[str]] = {}
    for prompt, record in conn.execute("SELECT * FROM prompt_records ORDER BY 1, 2"):
        behind.setdefault(prompt, []).append(record)
    rows = conn.execute(f"SELECT * FROM known_prompts WHERE {where} ORDER BY id", values)
    for row in rows.fetchall():
        yield Prompt(
            row["id"],
            tuple(json.loads(row["messages"])),
            row["source"],
            row["thread"],
            row["split"],
            from_stored(row["level"]),
            tuple(behind.get(row["id"], ())),
        )


def prompt_ids(conn: sqlite3.Connection) -> set[str]:
    """Return the ids of all prompts."""
    return {row[0] for row in conn.execute("SELECT id FROM prompts")}


def prompts_that_may_travel(
    conn: sqlite3.Connection, split: Split | None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the prompts of a side, or of both, that may travel, ordered by id."""
    where, values = condition({"split": split})
    rows = conn.execute(
        "SELECT id, messages, source, thread, split, level FROM known_prompts "
        f"WHERE {where} AND {may_travel_sql('level')} ORDER BY id",
        values,
    )
    yield from map(dict, rows)
