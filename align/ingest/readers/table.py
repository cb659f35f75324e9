"""Tables of any origin: .csv, .tsv, JSON and JSON lines with a row a message or a text.

`--columns text=body,author=from` says which column is which, where their names don't. Rows with an
author are messages; without, documents; with a question and an answer, question-answers.
"""

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice, pairwise
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats.columns import (
    NoColumns,
    columns_of,
    date_and_time,
    dialect_of,
    header_of,
    is_journal,
    is_metas_line,
    owners_column,
    unescaped,
)
from align.ingest.formats.dates import is_day_first, when
from align.ingest.formats.json_rows import (
    LINES,
    ConversationNames,
    Faults,
    Row,
    cells_of,
    json_rows,
    line_rows,
    pair,
    shape_of,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog, claim_each
from align.ingest.tree import LINE, Tree, suffix_of
from align.store.ids import content_id, storable

_DELIMITED = frozenset({".csv", ".tsv", ".tab"})
# By so many rows it is told how dates are written, and which end is the newest.
_SAMPLE = 2_000
_SHOWN = 30


def _is_table(tree: Tree, name: str) -> bool:
    suffix = suffix_of(name)
    if suffix in _DELIMITED or suffix in LINES:
        return True
    if suffix != ".json":
        return False
    shape = shape_of(tree, name)
    if shape is None or not shape.prefix or not shape.columns:
        return False
    try:
        return bool(columns_of(shape.columns, {}))
    except NoColumns:
        # Beside other files it is some program's data; named itself, it is asked about.
        return tree.names == (name,)


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    for name in inputs.names:
        problems_before = len(log.problems)
        try:
            names, rows = _table(inputs, name, log)
            if names:
                by = columns_of(names, options.columns)
                roles = _Roles(names, by, date_and_time(names, by), is_mine=options.is_mine)
                yield from _contents(inputs, name, log, rows, roles)
            elif len(log.problems) == problems_before:
                log.passed("empty")
        except UserError as error:
            log.problems.append(error)
        except NoColumns as error:
            columns = ", ".join(names[:_SHOWN]) or "none"
            remedy = "Say which is which: --columns text=...,author=...,time=..."
            log.problem(inputs.place(name), f"{error}; its columns are {columns}", remedy)


@dataclass
class _Roles:
    """Which column is what, and how its dates are written."""

    names: Sequence[str]  # the file's columns
    by: Mapping[str, str]  # the file's column, by our name
    times: tuple[str, ...]  # the columns of the time
    day_first: bool = False  # whether 3/5/2024 is in May
    # What the values of the column `mine` mean; nothing where there is no such column.
    mine: Mapping[str, bool] = field(default_factory=dict)
    is_mine: bool = False  # whether the user says that what names no author is theirs

    def text(self, row: Row, ours: str) -> str:
        """Return a cell, clean; nothing where there is no such column."""
        column = self.by.get(ours)
        return clean(row.get(column, "")) if column is not None else ""

    def time_text(self, row: Row) -> str:
        """Return the cells of the time."""
        return " ".join(filter(None, (row.get(column, "").strip() for column in self.times)))

    def time(self, row: Row) -> datetime | None:
        """Return the time, None where it can't be read."""
        return when(self.time_text(row), day_first=self.day_first)


def _table(inputs: Inputs, name: str, log: ReadLog) -> tuple[list[str], Iterator[Row]]:
    """Return the columns of a file and its rows."""
    suffix = suffix_of(name)
    if suffix in _DELIMITED:
        return _delimited(inputs, name, log)
    shape = shape_of(inputs.tree, name)
    if suffix in LINES:
        faults = Faults(inputs, name, log)
        rows: Iterator[Any] = (row for _, row in line_rows(inputs, name, faults))
        first = list(islice(rows, 20))
        if not first:
            faults.report(is_any_read=False)
        names = list(dict.fromkeys(key for row in first for key in cells_of(row)))
        return names, _with_faults(map(cells_of, chain(first, rows)), faults)
    names = shape.columns if shape else []
    prefix = shape.prefix if shape else "item"
    return names, (cells_of(row) for row in json_rows(inputs, name, prefix, log))


def _with_faults(rows: Iterable[Row], faults: Faults) -> Iterator[Row]:
    yield from rows
    faults.report(is_any_read=True)


def _delimited(inputs: Inputs, name: str, log: ReadLog) -> tuple[list[str], Iterator[Row]]:
    head = inputs.tree.head_text(name)
    delimiter = "\t" if suffix_of(name) in (".tsv", ".tab") else dialect_of(head)
    lines = (f"{line}\n" for line in inputs.tree.lines_of(name))
    if head.casefold().startswith("sep="):
        next(lines, None)
    csv.field_size_limit(LINE)
    cells = csv.reader(lines, delimiter=delimiter)
    rows = _parsed(cells, inputs, name, log)
    names = header_of(next(rows, []))
    return names, _as_rows(rows, names, delimiter)


def _parsed(cells: Any, inputs: Inputs, name: str, log: ReadLog) -> Iterator[list[str]]:
    """Yield the rows that have cells; what is no row is logged and passed over."""
    wrong = 0
    while True:
        try:
            row = next(cells, None)
        except csv.Error as error:
            wrong += 1
            if wrong == 1:
                place = inputs.place(name, cells.line_num)
                log.problem(place, f"no row ({error})", "Look for a quote that is not closed")
            continue
        except UserError as error:
            log.problems.append(error)
            row = None
        if row is None:
            break
        if any(row):
            yield row
    if wrong > 1:
        what = f"{wrong - 1:,} more rows are broken"
        log.problem(inputs.place(name), what, "The rest was taken")


def _as_rows(rows: Iterator[list[str]], names: list[str], delimiter: str) -> Iterator[Row]:
    for cells in rows:
        if len(cells) > len(names) > 0:
            # Commas of the last column that nobody put into quotes.
            last = delimiter.join(cells[len(names) - 1 :]).rstrip(delimiter)
            cells = [*cells[: len(names) - 1], last]
        yield dict(zip(names, cells, strict=False))


def _contents(
    inputs: Inputs, name: str, log: ReadLog, rows: Iterator[Row], roles: _Roles
) -> Iterator[Content]:
    sample = list(islice(rows, _SAMPLE))
    texts = [text for row in sample if (text := roles.time_text(row))]
    roles.day_first = is_day_first(texts, guess=any("." in text[:6] for text in texts[:1]))
    times = [time.replace(tzinfo=None) for row in sample if (time := roles.time(row))]
    rows = chain(sample, rows)
    origin, source = inputs.origin(name), inputs.source_of(name)
    if is_journal(roles.names):
        source = "journal"
    roles.mine = owners_column(sample, roles.by)
    if "text" not in roles.by:
        yield from _exchanges(rows, roles, origin, source or "question-answers")
    elif "author" in roles.by or roles.mine:
        newest_first = sum(b < a for a, b in pairwise(times)) > len(times) / 2
        if "thread" in roles.by or newest_first:
            rows = _in_order(rows, roles, newest_first)
        yield from _messages(rows, roles, origin, source)
    elif {"thread", "other"} & set(roles.by) and not roles.is_mine:
        columns = ", ".join(roles.names[:_SHOWN])
        what = f"whose words are these? It looks like a chat; its columns are {columns}"
        remedy = "Say who wrote it: --columns author=..., or --mine where all of it is yours"
        log.problem(inputs.place(name), what, remedy)
        return
    else:
        yield from _documents(rows, roles, origin, source or "documents")
    unread = sum(bool(roles.time_text(row)) and not roles.time(row) for row in sample)
    if unread:
        what = f"{unread:,} times of the first {len(sample):,} rows cannot be read"
        remedy = "Say which column has the time: --columns time=..."
        log.problem(inputs.place(name), what, remedy)


def _messages(
    rows: Iterable[Row], roles: _Roles, origin: str, source: str | None
) -> Iterator[Message]:
    seen: Counter[str] = Counter()
    others: set[str] = set()
    for row in rows:
        thread, author = roles.text(row, "thread"), roles.text(row, "author")
        is_owner = roles.mine.get(roles.text(row, "mine").casefold())
        # A column of contacts names whom the owner wrote to.
        others |= {author} if is_owner is False else set()
        author = "" if is_owner and author in others else author
        author = author or ("" if is_owner else roles.text(row, "other"))
        text, key = roles.text(row, "text"), roles.text(row, "id")
        if not text and not author:
            continue
        reason = None if text else "empty"
        if roles.by.get("author") == "sender_name" and is_metas_line(text):
            reason = "system"
        if thread not in seen:
            # Keys need be unique within a chat only.
            seen = Counter({thread: 0})
        seen[f"#{key}"] += bool(key)
        yield Message(
            chat=f"{origin}#{thread}" if thread else origin,
            author=author,
            text=text,
            time=roles.time(row),
            key=key if key and seen[f"#{key}"] == 1 else None,
            reply_to=roles.text(row, "reply_to") or None,
            reason=reason,
            is_owner=is_owner,
            title=roles.text(row, "title") or thread or None,
            source=source,
        )


def _documents(rows: Iterable[Row], roles: _Roles, origin: str, source: str) -> Iterator[Document]:
    seen: Counter[str] = Counter()
    for row in rows:
        text = roles.text(row, "text")
        if source == "journal":
            text = clean(unescaped(text))
        if not text:
            continue
        key = roles.text(row, "id") or content_id(text)
        seen[key] += 1
        yield Document(
            key=f"{origin}#{key}" + (f"-{seen[key]}" if seen[key] > 1 else ""),
            text=text,
            title=roles.text(row, "title") or None,
            time=roles.time(row),
            source=source,
        )


def _exchanges(rows: Iterable[Row], roles: _Roles, origin: str, source: str) -> Iterator[Message]:
    naming = ConversationNames(origin)
    for row in rows:
        turns = pair(roles.text(row, "question"), roles.text(row, "answer"), roles.time(row))
        if turns:
            yield from naming.messages(turns, source, roles.text(row, "thread") or None)


def _in_order(rows: Iterable[Row], roles: _Roles, newest_first: bool) -> Iterator[Row]:
    """Yield the rows chat by chat, each from its oldest; they wait on disk."""
    with closing(sqlite3.connect("")) as shelf:
        shelf.execute("CREATE TABLE rows (chat TEXT, number INTEGER PRIMARY KEY, cells TEXT)")
        shelf.executemany(
            "INSERT INTO rows (chat, cells) VALUES (?, ?)",
            ((storable(roles.text(row, "thread")), json.dumps(row)) for row in rows),
        )
        order = "DESC" if newest_first else "ASC"
        for (cells,) in shelf.execute(f"SELECT cells FROM rows ORDER BY chat, number {order}"):
            yield json.loads(cells)


READER = Reader("table", "messages", claim_each(_is_table), _read, is_catch_all=True)
