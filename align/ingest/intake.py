"""From what was read to the store: duplicates, levels, the split, and what was asked."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from align.console import progress
from align.ingest.pieces import Piece, asked_prompts, digest_of
from align.levels import LEVELS, Level
from align.owner import Owner
from align.store.connection import transaction
from align.store.ids import split_of
from align.store.prompts import add_prompts
from align.store.records import add_records, decide_split, iter_records, set_level

Place = tuple[str, str]


@dataclass
class Intake:
    """What one reading brought to the store."""

    new: int = 0
    known: int = 0
    prompts: int = 0
    pieces: Counter[tuple[str, Level]] = field(default_factory=Counter)
    words: Counter[tuple[str, Level]] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0


class _DryRun(Exception):
    """Takes back the transaction of a dry run."""


def take_in(
    conn: sqlite3.Connection, pieces: list[Piece], owner: Owner, *, dry_run: bool = False
) -> Intake:
    """Store all pieces or, where anything fails, none; with `dry_run` only tell what would be."""
    intake = Intake()
    try:
        with transaction(conn):
            _take_in(conn, pieces, owner, intake)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return intake


def _take_in(conn: sqlite3.Connection, pieces: list[Piece], owner: Owner, intake: Intake) -> None:
    claims = _claims(conn, pieces)
    for piece in progress(pieces, len(pieces), "Storing", unit="pieces"):
        level = owner.level_of(piece.source)
        split = decide_split(conn, piece.thread, split_of(piece.thread, owner.held_out))
        kept = claims[piece.digest()]
        left_out = None if kept == piece.place else "duplicate"
        records = piece.records(level, split, left_out)
        added = add_records(conn, records)
        intake.new += added.new
        intake.known += added.known
        if left_out:
            intake.duplicates += 1
            _as_private_as(conn, kept, level)
            continue
        intake.pieces[piece.source, level] += 1
        intake.words[piece.source, level] += piece.words
        intake.splits[split] += 1
        intake.prompts += add_prompts(conn, asked_prompts(records)).new


def _claims(conn: sqlite3.Connection, pieces: list[Piece]) -> dict[str, Place]:
    """Return which place keeps each text: of equals, the one that has been there longest."""
    stored: dict[Place, list[tuple[bool, str]]] = {}
    kinds: dict[Place, str] = {}
    for record in iter_records(conn):
        place = (record.origin, record.thread)
        stored.setdefault(place, []).append((record.is_owner, record.text))
        kinds[place] = record.kind
    digests = {place: digest_of(kinds[place], turns) for place, turns in stored.items()}
    read_again = {piece.place for piece in pieces}
    claims: dict[str, Place] = {}
    _claim(claims, ((d, p) for p, d in digests.items() if p not in read_again))
    read_now = [(piece.digest(), piece.place) for piece in pieces]
    _claim(claims, ((d, p) for d, p in read_now if digests.get(p) == d))
    _claim(claims, read_now)
    return claims


def _claim(claims: dict[str, Place], pairs: Iterable[tuple[str, Place]]) -> None:
    for digest, place in pairs:
        claims.setdefault(digest, place)


def _as_private_as(conn: sqlite3.Connection, place: Place, level: Level) -> None:
    """Make the piece that is kept as private as its copy: it is the same text."""
    rows = conn.execute(
        "SELECT id, level FROM records WHERE origin = ? AND thread = ? AND left_out IS NULL", place
    )
    for row in rows.fetchall():
        if row["level"] < LEVELS.index(level):
            set_level(conn, level, id=row["id"])
