"""What of the store may travel to another machine of the owner's, and in which words.

Ids and keys are as they are, or the stores could not be merged again; texts are redacted. A store
that knows a row keeps its own words when the row comes back.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from align.privacy.normal_form import texts_in
from align.privacy.redaction import Redactor
from align.privacy.scope import Detector, repeated
from align.store.ids import Split, canonical_json, content_id
from align.store.merge import export_rows
from align.store.pairs import pairs_that_may_travel
from align.store.prompts import prompts_that_may_travel

Row = dict[str, Any]
# Events whose payload is the owner's own words, and what in it is none.
WORDY = ("rewrite", "note", "flag")
_NO_WORDS = ("flag", "side", "of", "target", "version")


@dataclass
class Traveller:
    """Decides what travels, and redacts it."""

    detector: Detector  # finds what repeats sealed writing
    redactor: Redactor
    withheld: Counter[str] = field(default_factory=Counter)  # what stayed behind, by kind

    def kept(
        self, what: str, rows: Iterable[Row], texts: Callable[[Row], Iterable[str]]
    ) -> list[Row]:
        """Return the rows that repeat nothing sealed, in their own words."""
        kept = []
        for row in rows:
            if self.repeats_sealed(texts(row)):
                self.withheld[what] += 1
            else:
                kept.append(row)
        return kept

    def repeats_sealed(self, texts: Iterable[str]) -> bool:
        """Tell whether one of the texts repeats sealed writing."""
        return repeated(self.detector.match, list(texts)) is not None

    def example(self, row: Row) -> Row:
        """Return a row of messages, redacted."""
        return {**row, "messages": self.redactor.redact_messages(row["messages"])}

    def preference(self, row: Row) -> Row:
        """Return a row of messages and two answers, redacted together."""
        texts = texts_of_preference(row)
        *contents, chosen, rejected = self.redactor.redact_texts(texts)
        messages = [
            {**message, "content": content}
            for message, content in zip(row["messages"], contents, strict=True)
        ]
        return {**row, "messages": messages, "chosen": chosen, "rejected": rejected}

    def thread(self, name: str) -> str:
        """Return a thread's name or, where it tells something private, one that tells nothing.

        It comes after any other in the alphabet that begins with a letter of ASCII: of two names
        of a thread, a merge keeps the first.
        """
        return name if self.redactor.redact(name) == name else f"~{content_id(name)}"

    def value(self, value: Any) -> Any:
        """Return a JSON value whose texts are redacted."""
        if isinstance(value, str):
            return self.redactor.redact(value)
        if isinstance(value, dict):
            return {
                key: inner if key in _NO_WORDS else self.value(inner)
                for key, inner in value.items()
            }
        return [self.value(inner) for inner in value] if isinstance(value, list) else value


def store_rows(
    conn: sqlite3.Connection, split: Split | None, traveller: Traveller, *, wordy: Sequence[str]
) -> dict[str, list[Row]]:
    """Return the rows of the store that may travel, by table, redacted.

    `split` says which side's prompts, None both; `wordy` which kinds of events with words in them
    may travel, where their pair does.
    """
    prompts = traveller.kept(
        "prompts",
        prompts_that_may_travel(conn, split),
        lambda row: texts_in(json.loads(row["messages"])),
    )
    context = {row["id"]: _texts_of_messages(json.loads(row["messages"])) for row in prompts}
    answers = traveller.kept(
        "answers",
        (row for row in export_rows(conn, "answers") if row["prompt_id"] in context),
        lambda row: [row["text"]],
    )
    pairs = _open_pairs(conn, {row["id"] for row in answers})
    used = {row[side] for row in pairs for side in ("answer_a", "answer_b")}
    threads = {row["thread"] for row in prompts}
    return {
        "threads": [
            {**row, "thread": traveller.thread(row["thread"])}
            for row in export_rows(conn, "threads")
            if row["thread"] in threads
        ],
        "prompts": [_prompt(row, traveller) for row in prompts],
        "answers": [
            {**row, "text": traveller.redactor.redact(row["text"], context[row["prompt_id"]])}
            for row in answers
            if row["id"] in used
        ],
        "pairs": pairs,
        "events": _events(conn, {row["id"] for row in pairs}, traveller, wordy),
    }


def texts_of_example(row: Row) -> list[str]:
    """Return all texts of a row of messages."""
    return _texts_of_messages(row["messages"])


def texts_of_preference(row: Row) -> list[str]:
    """Return all texts of a row of messages and two answers."""
    return [*texts_of_example(row), row["chosen"], row["rejected"]]


def _open_pairs(conn: sqlite3.Connection, answers: set[str]) -> list[Row]:
    """Return the pairs of two travelling answers that nobody sealed."""
    unsealed = pairs_that_may_travel(conn)
    return [
        row
        for row in export_rows(conn, "pairs")
        if row["id"] in unsealed and {row["answer_a"], row["answer_b"]} <= answers
    ]


def _prompt(row: Row, traveller: Traveller) -> Row:
    messages = traveller.redactor.redact_messages(json.loads(row["messages"]))
    return {**row, "messages": canonical_json(messages), "thread": traveller.thread(row["thread"])}


def _events(
    conn: sqlite3.Connection, pairs: set[str], traveller: Traveller, wordy: Sequence[str]
) -> list[Row]:
    """Return the events: all that hold no words, so that an undo or a seal always arrives."""
    travelling = []
    for row in export_rows(conn, "events"):
        if row["kind"] in WORDY:
            if row["kind"] not in wordy or (row["pair_id"] and row["pair_id"] not in pairs):
                continue
            payload = json.loads(row["payload"])
            if traveller.repeats_sealed(texts_in(payload)):
                traveller.withheld["events"] += 1
                continue
            row = {**row, "payload": canonical_json(traveller.value(payload))}
        travelling.append(row)
    return travelling


def _texts_of_messages(messages: Iterable[Row]) -> list[str]:
    return [message["content"] for message in messages]
