"""From paths to the store: detected, read, judged; all of it is added, or nothing."""

import gc
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content
from align.ingest.detection import Detected, detect
from align.ingest.progress_line import ProgressLine
from align.ingest.reader import Options, ReadLog
from align.ingest.record_builder import OwnerNames, RecordBuilder, Tally
from align.ingest.worker import in_worker
from align.owner import Owner
from align.store.adding import (
    add_records,
    hold_out_newest,
    split_counts,
    supersede_others,
    threads_in,
)
from align.store.connection import large_cache, transaction
from align.store.duplicates import mark_duplicates
from align.store.records import Record
from align.text.near_duplicates import near_duplicate_groups

# Records that a worker sends together.
_BATCH = 1_000
# What the user says when nobody of an export is known as the owner: its title and its authors, with
# how much each wrote; some of these names, or none.
Ask = Callable[[str, Counter[str]], list[str]]


@dataclass
class Intake:
    """What is read under some paths, and what it brought to the store."""

    owner_names: OwnerNames  # who the owner is
    options: Options  # what the readers are given
    # What is read by whom: inputs in which the owner wrote something.
    inputs: list[Detected] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)  # what each of them held
    new: int = 0  # records that were not known
    known: int = 0  # records that were
    splits: Counter[str] = field(default_factory=Counter)  # new threads, by side
    # Records of the whole store that repeat others, by code.
    duplicates: Counter[str] = field(default_factory=Counter)
    log: ReadLog = field(default_factory=ReadLog)  # what could not be read
    # Names that the user gave when asked who the owner is.
    new_names: list[str] = field(default_factory=list)

    @property
    def nameless(self) -> list[str]:
        """What no service names an author of, as the user knows it."""
        inputs = (each.inputs for each in self.inputs if each.reader.is_catch_all)
        return [name for each in inputs for name in map(each.place, each.names)]

    @property
    def records(self) -> int:
        """How many records were read."""
        return sum(tally.records for tally in self.tallies)


@dataclass
class _Batch:
    """Records of one of the inputs, as plain tuples, and how many bytes were read for them."""

    place: int
    rows: list[tuple[Any, ...]]
    size: int


@dataclass
class _End:
    """What is known when all is read: a tally for each input, last times by thread, and the log."""

    tallies: list[Tally]
    threads: dict[str, str | None]
    log: ReadLog
    place: None = None


class _DryRun(Exception):
    """Takes back the transaction of a dry run."""


def prepare(
    paths: Sequence[Path], owner: Owner, options: Options | None = None, *, ask: Ask | None = None
) -> Intake:
    """Detect what lies under the paths, and who the owner is in it; no store is needed.

    `ask` is asked who the owner is where nobody in an input is known as them; without it such an
    input is logged as a problem, and left.

    Raises:
        UserError: A path does not exist, or nothing of it can be read.
    """
    given = options or Options()
    names = (owner.name, *owner.aliases, *given.me)
    intake = Intake(OwnerNames(names), replace(given, me=names))
    detected = detect(paths, intake.log)
    # Little is read where the owner is known, and all of it where they are not.
    line = ProgressLine(sum(each.size for each in detected))
    others = [found for each in detected if (found := _others_in(each, intake, line))]
    line.clear()
    left = [found for found in others if not found.authors]
    for reader in dict.fromkeys(found.detected.reader.name for found in others if found.authors):
        like = [each for each in others if each.detected.reader.name == reader and each.authors]
        left += _ask_about(like, intake, ask)
    for each in left:
        # It was read to its end and will not be read again: its problems are logged now.
        intake.log.problems += each.log.problems
        intake.log.passed_over += each.log.passed_over
        intake.log.names |= each.log.names
        if not each.authors and not each.log.problems and not each.log.passed_over:
            intake.log.passed("nothing in it")
    unread = {id(each.detected) for each in left}
    intake.inputs = [each for each in detected if id(each) not in unread]
    # Some readers tell by the names which letters are the owner's: the answers are for them, too.
    intake.options = replace(given, me=(*names, *intake.new_names))
    return intake


def take_in(
    conn: sqlite3.Connection, intake: Intake, owner: Owner, *, dry_run: bool = False
) -> Intake:
    """Read all that was prepared into the store; with `dry_run` only count what would be."""
    with suppress(_DryRun), transaction(conn), large_cache(conn), _no_garbage_collection():
        _take_in(conn, intake, owner)
        if dry_run:
            raise _DryRun
    return intake


@dataclass
class _Unknown:
    """An input in which nobody is known as the owner."""

    detected: Detected
    authors: Counter[str]
    log: ReadLog


def _others_in(detected: Detected, intake: Intake, line: ProgressLine) -> _Unknown | None:
    """Return who wrote an input, read to its end; None as soon as the owner wrote something."""
    log = ReadLog()
    detected.inputs.tree.meter = line.read
    contents = line.counted(_read(detected, log, intake.options))
    authors = other_authors(contents, intake.owner_names)
    return None if authors is None else _Unknown(detected, authors, log)


def _ask_about(like: list[_Unknown], intake: Intake, ask: Ask | None) -> list[_Unknown]:
    """Ask who the owner is in inputs of one reader, all at once, and return those that are left."""
    while True:
        like = [each for each in like if not any(map(intake.owner_names.mean, each.authors))]
        if not like:
            return []
        authors = sum((each.authors for each in like), Counter[str]())
        first, more = like[0].detected, f" and {len(like) - 1:,} more" if like[1:] else ""
        place = first.inputs.place(first.inputs.names[0])
        title = f"{first.reader.name}: {first.inputs.title or place}{more}"
        names = ask(title, authors) if ask else []
        if authors.keys().isdisjoint(names):
            break
        intake.owner_names.add(names)
        intake.new_names += names
    counts = ", ".join(f"{author} ({n:,})" for author, n in authors.most_common(8))
    what = f"nobody in it is known as you: {counts}"
    remedy = f'Say which one is: --me "{authors.most_common(1)[0][0]}"'
    intake.log.problem(f"{place}{more}", what, remedy)
    return like


def _take_in(conn: sqlite3.Connection, intake: Intake, owner: Owner) -> None:
    known_threads = threads_in(conn)
    size = sum(each.size for each in intake.inputs)
    line = ProgressLine(size)
    end = _End([], {}, intake.log)
    with in_worker(_read_all(intake, owner), size) as events:
        for place, batches in groupby(events, key=attrgetter("place")):
            read: dict[str, set[str]] = defaultdict(set)
            added = add_records(conn, _noted(_records(batches, line, end), read))
            if place is not None and intake.inputs[place].reader.source == "interviews":
                supersede_others(conn, read)
            intake.new += added.new
            intake.known += added.known
    line.clear()
    intake.tallies, intake.log = end.tallies, end.log
    new_threads = sorted((end.threads.keys() & threads_in(conn)) - known_threads)
    if owner.held_out_by == "newest":
        hold_out_newest(conn, {name: end.threads[name] for name in new_threads}, owner.held_out)
    intake.splits = split_counts(conn, new_threads)
    likeness = owner.cleaning.near_duplicate
    near_groups = partial(near_duplicate_groups, threshold=likeness) if likeness < 1 else None
    intake.duplicates = mark_duplicates(conn, near_groups)


def _read_all(intake: Intake, owner: Owner) -> Iterator[_Batch | _End]:
    """Yield all records in batches, and `_End` after them; it may run in a process of its own."""
    end = _End([Tally() for _ in intake.inputs], {}, intake.log)
    for place, (detected, tally) in enumerate(zip(intake.inputs, end.tallies, strict=True)):
        sizes: list[int] = []
        detected.inputs.tree.meter = sizes.append
        builder = RecordBuilder(
            detected.reader,
            owner,
            intake.owner_names,
            tally,
            end.threads,
            is_mine=intake.options.is_mine,
        )
        records = builder.records(_read(detected, end.log, intake.options))
        while rows := [tuple(record) for record in islice(records, _BATCH)]:
            yield _Batch(place, rows, sum(sizes))
            sizes.clear()
    yield end


def _noted(records: Iterable[Record], ids: dict[str, set[str]]) -> Iterator[Record]:
    """Yield records, and note their ids by origin: a talk is all that its file says, no more."""
    for record in records:
        if record.source == "interviews":
            ids[record.origin].add(record.id)
        yield record


def _records(events: Iterable[_Batch | _End], line: ProgressLine, end: _End) -> Iterator[Record]:
    """Yield the records of batches; what comes at the end is put into `end`."""
    for event in events:
        if isinstance(event, _End):
            end.tallies, end.threads, end.log = event.tallies, event.threads, event.log
        else:
            line.read(event.size)
            yield from line.counted(map(Record._make, event.rows))


def _read(detected: Detected, log: ReadLog, options: Options) -> Iterator[Content]:
    """Yield what a reader reads; what stops it is logged, and the other inputs are still read."""
    try:
        yield from detected.reader.read(detected.inputs, log, options)
    except UserError as error:
        log.problems.append(error)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def other_authors(contents: Iterator[Content], me: OwnerNames) -> Counter[str] | None:
    """Return the authors of an input in which the owner wrote nothing; None as soon as they did."""
    authors: Counter[str] = Counter()
    for content in contents:
        if content.reason == "system":
            continue
        if me.wrote(content):
            return None
        authors[content.author or content.author_key or "(no name)"] += 1
    return authors
