"""From paths to the store: detected, read as they come, judged, taken in whole or not at all."""

import gc
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.ingest.ahead import ahead
from align.ingest.detection import Taken, detect
from align.ingest.duplicates import mark_duplicates
from align.ingest.holding_out import hold_out_newest, new_threads
from align.ingest.meter import Meter
from align.ingest.ownership import Ask, Me, strangers
from align.ingest.reading import Found, Notes, Options
from align.ingest.taking import Taking, Tally
from align.owner import Owner
from align.store.adding import add_records
from align.store.connection import transaction
from align.store.records import Record

# Records that go from the reading to the taking in together.
_BATCH = 1_000


@dataclass
class Intake:
    """What one reading brought to the store.

    Attributes:
        exports: What was read, and what it held.
        new: Records that were not known.
        known: Records that were.
        splits: New threads, by side.
        duplicates: What of all records repeats others, by code.
        notes: What could not be read.
        me: Names that the user gave when asked who the owner is.
    """

    exports: list[tuple[Taken, Tally]] = field(default_factory=list)
    new: int = 0
    known: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)
    me: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records were read."""
        return sum(tally.records for _, tally in self.exports)


class _DryRun(Exception):
    """Takes back the transaction of a dry run."""


@dataclass
class Prepared:
    """What will be read: detected, and known to have the owner in it. No store is needed so far.

    Attributes:
        taken: The exports.
        me: Who is the owner.
        options: What the readers are told.
        intake: What there is to tell already.
    """

    taken: list[Taken]
    me: Me
    options: Options
    intake: Intake


def prepare(
    paths: Sequence[Path],
    owner: Owner,
    options: Options | None = None,
    *,
    ask: Ask | None = None,
) -> Prepared:
    """Find out what lies under the paths, and who the owner is in it.

    Args:
        paths: Folders, zips and files.
        owner: The owner's settings.
        options: What the command line says.
        ask: Is asked who the owner is where an export names nobody that is known as him; without
            it such an export is noted as a problem, and left.

    Raises:
        UserError: A path does not exist, or nothing of it can be read.
    """
    said = options or Options()
    intake = Intake()
    names = (owner.name, *owner.aliases, *said.me)
    me, told = Me(names), Options(names, said.columns)
    found = detect(paths, intake.notes)
    # Little is read where the owner is known, and all of it where he is not.
    meter = Meter(sum(each.size for each in found))
    known = [each for each in found if _is_known(each, me, told, intake, ask, meter)]
    meter.done()
    # Some readers tell by the names what is a letter of the owner's: the answers are for them, too.
    return Prepared(known, me, Options((*names, *intake.me), said.columns), intake)


def take_in(
    conn: sqlite3.Connection, prepared: Prepared, owner: Owner, *, dry_run: bool = False
) -> Intake:
    """Read all that was prepared into the store; with `dry_run` only tell what would be."""
    try:
        with transaction(conn), _roomy(conn):
            _take_in(conn, prepared, owner)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return prepared.intake


def _is_known(
    taken: Taken, me: Me, options: Options, intake: Intake, ask: Ask | None, meter: Meter
) -> bool:
    """Tell whether the owner wrote something in an export; ask for his name where nobody has it."""
    notes = Notes()
    taken.export.tree.meter = meter.read
    authors = strangers(meter.counted(_read(taken, notes, options)), me)
    if authors is None:
        return True
    # It was read to its end, and will not be read again: what was met on the way is told now.
    title = taken.export.title or taken.export.place(taken.export.names[0])
    names = ask(f"{taken.reader.name}: {title}", authors) if ask and authors else []
    if names:
        me.add(names)
        intake.me += names
        return True
    intake.notes.problems += notes.problems
    intake.notes.passed_over += notes.passed_over
    place = taken.export.place(taken.export.names[0])
    if authors:
        shown = ", ".join(f"{author} ({n:,})" for author, n in authors.most_common(8))
        likely = authors.most_common(1)[0][0]
        what = f"nobody in it is known as you: {shown}"
        intake.notes.problem(place, what, f'Say which one is: --me "{likely}"')
    elif not notes.problems and not notes.passed_over:
        intake.notes.passed("nothing in it")
    return False


@dataclass
class _Batch:
    """Records of one export, as plain tuples, and how many bytes were read for them."""

    export: int
    rows: list[tuple[Any, ...]]
    size: int


@dataclass
class _End:
    """What is known when all is read: counts by export, last times by thread, and the notes."""

    tallies: list[Tally]
    threads: dict[str, str | None]
    notes: Notes
    export: None = None


def _take_in(conn: sqlite3.Connection, prepared: Prepared, owner: Owner) -> None:
    intake = prepared.intake
    before = {row[0] for row in conn.execute("SELECT thread FROM threads")}
    size = sum(each.size for each in prepared.taken)
    meter = Meter(size)
    end = _End([], {}, intake.notes)
    with ahead(_all_read(prepared, owner), size) as arriving:
        for _, events in groupby(arriving, key=attrgetter("export")):
            added = add_records(conn, _records(events, meter, end))
            intake.new += added.new
            intake.known += added.known
    meter.done()
    intake.exports = list(zip(prepared.taken, end.tallies, strict=True))
    intake.notes = end.notes
    new = new_threads(conn, end.threads, before)
    hold_out_newest(conn, end.threads, new, owner)
    intake.splits = Counter(
        row[0] for name in new
        for row in conn.execute("SELECT split FROM threads WHERE thread = ?", (name,))
    )  # fmt: skip
    intake.duplicates = mark_duplicates(conn, owner)


def _all_read(prepared: Prepared, owner: Owner) -> Iterator[_Batch | _End]:
    """Yield all records in batches; it may run in a process of its own, and ends with all else."""
    end = _End([], {}, prepared.intake.notes)
    for number, each in enumerate(prepared.taken):
        read = _Counter()
        each.export.tree.meter = read.add
        tally = Tally()
        end.tallies.append(tally)
        taking = Taking(each.reader, owner, prepared.me, tally, end.threads)
        records = taking.records(_read(each, end.notes, prepared.options))
        while rows := [tuple(record) for record in islice(records, _BATCH)]:
            yield _Batch(number, rows, read.taken())
    yield end


class _Counter:
    """Bytes that were read since it was last asked."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count bytes."""
        self._bytes += count

    def taken(self) -> int:
        """Return the count, and begin again."""
        count, self._bytes = self._bytes, 0
        return count


def _records(events: Iterable[_Batch | _End], meter: Meter, end: _End) -> Iterator[Record]:
    """Yield the records of batches; what comes at the end is put into `end`."""
    for event in events:
        if isinstance(event, _End):
            end.tallies, end.threads, end.notes = event.tallies, event.threads, event.notes
        else:
            meter.read(event.size)
            yield from meter.counted(map(Record._make, event.rows))


def _read(taken: Taken, notes: Notes, options: Options) -> Iterator[Found]:
    """Yield what a reader finds; what stops it is noted, and the other exports are still read."""
    try:
        yield from taken.reader.read(taken.export, notes, options)
    except UserError as error:
        notes.problems.append(error)


@contextmanager
def _roomy(conn: sqlite3.Connection) -> Iterator[None]:
    """Make room for much that comes in: ids arrive in no order, and nothing is a cycle."""
    usual = conn.execute("PRAGMA cache_size").fetchone()[0]
    conn.execute("PRAGMA cache_size = -131072")
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        conn.execute(f"PRAGMA cache_size = {usual}")
        if collects:
            gc.enable()
