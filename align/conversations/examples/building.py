"""The SFT rows of a store, in its order: records, rewrites, and who the owner is."""

import hashlib
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from align.conversations.examples.chats import chat_rows
from align.conversations.examples.documents import document_rows, plain_rows, question_rows
from align.conversations.examples.example_rows import (
    PLAIN,
    QUESTIONS,
    REWRITE,
    CountTokens,
    ExampleStatistics,
    Row,
    RowLimit,
    estimated_tokens,
    turn,
    why_not,
)
from align.conversations.identity import identity_rows
from align.owner import Owner
from align.privacy.redaction import Redactor, redactor_for
from align.store.choices import decisive_pairs
from align.store.ids import canonical_json
from align.store.records import Record, iter_records

Watch = Callable[[Iterator[Record]], Iterator[Record]]


def build_examples(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    split: str = "train",
    count_tokens: CountTokens = estimated_tokens,
    max_tokens: int = 1024,
    longest_answer: int | None = None,
    identity: bool = True,
    identity_share: float = 0.0,
    dates: bool = False,
    statistics: ExampleStatistics | None = None,
    redactor: Redactor | None = None,
    watch: Watch = iter,
) -> Iterator[Row]:
    """Yield rows {messages, source, record_ids} of one side of the split, in the store's order.

    Sealed records are never in a row, left-out ones at most as context. Rewrites and questions are
    on the training side only; there `owner.mix` says how often a source's rows come, and
    `identity_share` the least share of them that says who the owner is. What is private in a row is
    redacted last. Lengths are in tokens: `max_tokens` of a row, template included, and
    `longest_answer` of what is learned in one part; None: a row's. `dates` says when a document was
    written. `statistics` are complete once the last row was taken; `redactor` counts for callers
    that report it, else it is one of the owner's; `watch` sees the records go by, for progress.
    """
    redactor = redactor or redactor_for(owner)
    limit = RowLimit(count_tokens, max_tokens, longest_answer)
    counts = ExampleStatistics() if statistics is None else statistics
    records = watch(iter_records(conn, split=split, include_left_out=True))  # type: ignore[arg-type]
    rows = _record_rows(conn, owner, records, split, limit, counts, dates)
    for row in _with_identity(rows, owner, split, identity_share) if identity else rows:
        times = times_learned(row, owner.mix)
        if split != "train":
            # What is held out measures: none twice, and nothing of what isn't learned.
            times = int(owner.mix.get(row["source"], 1.0) > 0)
        if not times and statistics is None:
            continue
        row = {**row, "messages": redactor.redact_messages(row["messages"])}
        if statistics is not None:
            statistics.add(row, times, count_tokens)
        for _ in range(times):
            yield dict(row)


def times_learned(row: Row, mix: Mapping[str, float]) -> int:
    """Return how often a row is learned: `1.5` is twice for half of a source's rows, else once.

    The row's words alone decide which half, so it stays the same half.
    """
    wanted = mix.get(row["source"], 1.0)
    whole = math.floor(wanted)
    words = canonical_json([[message["role"], message["content"]] for message in row["messages"]])
    place = int(hashlib.sha256(f"mix {words}".encode()).hexdigest()[:8], 16) / 2**32
    return whole + (place < wanted - whole)


def rewrite_rows(conn: sqlite3.Connection) -> Iterator[Row]:
    """Yield what the owner wrote in place of two answers, as far as it stands, ordered by pair.

    Pairs of the evaluation side and sealed ones are left out. Earlier answers of a conversation
    are context: they are a model's, or the owner's own and learned from their records.
    """
    for choice, pair in decisive_pairs(conn):
        text = (choice.rewrite or "").strip()
        if choice.outcome != "rewrite" or choice.actor != "owner" or not text:
            continue
        if pair.split == "train":
            before = [turn(m["role"], m["content"], is_learned=False) for m in pair.messages]
            messages = [*before, turn("assistant", text)]
            yield {"messages": messages, "source": REWRITE, "record_ids": []}


def _with_identity(rows: Iterator[Row], owner: Owner, split: str, share: float) -> Iterator[Row]:
    """Yield rows, and after them the conversations on who the owner is."""
    others = 0
    for row in rows:
        others += times_learned(row, owner.mix)
        yield row
    is_training = split == "train"
    wanted = math.ceil(others * share / (1 - share)) if is_training else 0
    for row in identity_rows(owner, wanted):
        if row["split"] == ("train" if is_training else "held_out"):
            yield {key: value for key, value in row.items() if key != "split"}


def _record_rows(
    conn: sqlite3.Connection,
    owner: Owner,
    records: Iterator[Record],
    split: str,
    limit: RowLimit,
    statistics: ExampleStatistics,
    dates: bool,
) -> Iterator[Row]:
    """Yield the rows of records, of questions and of rewrites, before the mix."""
    asks = {
        source: split == "train" and owner.mix.get(source, 1.0) > 0 for source in (QUESTIONS, PLAIN)
    }
    for (_, _, kind), group in groupby(records, key=lambda r: (r.thread, r.origin, r.kind)):
        if kind != "document":
            yield from chat_rows(list(group), owner.conversations, limit, statistics, dates=dates)
            continue
        for document in group:
            if not document.is_owner:
                continue
            reason = why_not(document)
            if reason is not None:
                statistics.leave_out(document, reason)
                continue
            yield from document_rows(document, limit, dates=dates)
            if asks[QUESTIONS]:
                yield from question_rows(conn, document, owner.language, limit)
            if asks[PLAIN]:
                yield from plain_rows(conn, document, limit)
    if split == "train":
        yield from rewrite_rows(conn)
