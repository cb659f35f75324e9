"""Answers that repeat private writing are withheld."""

import sqlite3
from pathlib import Path

import pytest

from align.levels import Level
from align.privacy.overlap import closed_index, withheld
from align.store.adding import add_records
from align.store.connection import connect
from align.store.records import Record

SECRET = "the spare key lies under the third blue pot by the door"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "twin.db", create=True)


def put(conn: sqlite3.Connection, text: str, level: Level, **fields: str) -> None:
    record = Record.new(
        kind="document", source="s", origin=text[:9], thread=text[:9], text=text, is_owner=True,
        level=level, split="train", **fields,
    )  # fmt: skip
    add_records(conn, [record])


@pytest.mark.parametrize(
    ("level", "kept_back"), [("sealed", True), ("train-only", True), ("open", False)]
)
def test_closed_writing_is_withheld_and_open_writing_is_not(
    conn: sqlite3.Connection, level: Level, kept_back: bool
) -> None:
    put(conn, f"Dear diary. {SECRET}. More.", level)
    note = withheld(closed_index(conn), f"Oh, {SECRET.upper()}!")
    assert (note is not None) == kept_back
    if note is not None:
        assert "12 words" in note
        assert "key" not in note


def test_seven_words_are_not_withheld(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed")
    index = closed_index(conn)
    assert withheld(index, " ".join(SECRET.split()[:7])) is None
    assert withheld(index, " ".join(SECRET.split()[:8])) is not None


def test_records_that_are_left_out_of_training_count_too(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed", left_out="duplicate")
    assert withheld(closed_index(conn), SECRET) is not None
