"""The rows of a store, in its order: records, rewrites, and who the owner is."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from align.conversations.examples.asked import QUESTIONS, question_rows
from align.conversations.examples.chats import Room, chat_rows
from align.conversations.examples.documents import document_rows
from align.conversations.examples.example_rows import CountTokens, Row, estimated_tokens, why_not
from align.conversations.examples.example_statistics import ExampleStatistics
from align.conversations.examples.mix import times
from align.conversations.examples.rewrites import rewrite_rows
from align.conversations.identity import identity_rows
from align.owner import Owner
from align.privacy.redaction import Redactor, redactor_for
from align.store.records import Record, iter_records

Watch = Callable[[Iterator[Record]], Iterator[Record]]


def build_examples(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    split: str = "train",
    count_tokens: CountTokens = estimated_tokens,
    max_tokens: int = 1024,
    identity: bool = True,
    dates: bool = False,
    statistics: ExampleStatistics | None = None,
    redactor: Redactor | None = None,
    watch: Watch = iter,
) -> Iterator[Row]:
    """Yield rows {messages, source, record_ids} of one side of the split, in the store's order.

    Sealed records are never in a row, left-out ones at most as context. Rewrites and questions are
    on the training side only; there `owner.mix` says how often a source's rows come. What is
    private in a row is redacted last.

    Args:
        conn: The owner's store.
        owner: For the identity conversations, the mix, and how messages become turns.
        split: `train` or `evaluation`.
        count_tokens: Length of a text in tokens.
        max_tokens: Longest row, template included.
        identity: Whether conversations on who the owner is are added.
        dates: Whether a document's prompt says when it was written.
        statistics: Takes the counts, whole once the last row was taken.
        redactor: Counts what it replaces, where somebody wants to know; else one of the owner's.
        watch: Sees the records go by.
    """
    redactor = redactor or redactor_for(owner)
    told = ExampleStatistics() if statistics is None else statistics
    room = Room(count_tokens, max_tokens)
    building = _Building(conn, owner, split == "train", room, dates, told)
    for row in building.rows(watch, identity):
        wanted = times(row, owner.mix)
        if split != "train":
            # What is held out measures: none twice, and nothing of what isn't learned.
            wanted = int(owner.mix.get(row["source"], 1.0) > 0)
        if not wanted and statistics is None:
            continue
        row = {**row, "messages": redactor.redact_messages(row["messages"])}
        if statistics is not None:
            statistics.add(row, wanted, count_tokens)
        for _ in range(wanted):
            yield dict(row)


@dataclass(frozen=True)
class _Building:
    """What rows are made of, and how."""

    conn: sqlite3.Connection
    owner: Owner
    is_training: bool
    room: Room
    dates: bool
    statistics: ExampleStatistics

    def rows(self, watch: Watch, identity: bool) -> Iterator[Row]:
        """Yield the rows before the mix."""
        split = "train" if self.is_training else "evaluation"
        records = watch(iter_records(self.conn, split=split, include_left_out=True))  # type: ignore[arg-type]
        for (_, _, kind), group in groupby(records, key=lambda r: (r.thread, r.origin, r.kind)):
            if kind == "document":
                for record in group:
                    yield from self._of_document(record)
            else:
                settings = self.owner.conversations
                yield from chat_rows(list(group), settings, self.room, self.statistics)
        if self.is_training:
            yield from rewrite_rows(self.conn)
        if identity:
            yield from self._of_identity()

    def _of_document(self, record: Record) -> Iterator[Row]:
        if not record.is_owner:
            return
        reason = why_not(record)
        if reason is not None:
            self.statistics.leave_out(record, reason)
            return
        counted = self.room.count_tokens, self.room.most
        yield from document_rows(record, *counted, dates=self.dates)
        if self.is_training and self.owner.mix.get(QUESTIONS, 1.0) > 0:
            yield from question_rows(self.conn, record, self.owner.language, *counted)

    def _of_identity(self) -> Iterator[Row]:
        side = "train" if self.is_training else "held_out"
        for row in identity_rows(self.owner):
            if row["split"] == side:
                yield {key: value for key, value in row.items() if key != "split"}
