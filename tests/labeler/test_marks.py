"""Private, notes and flags."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from align.store.events import iter_events
from align.store.pairs import get_pair
from labeler.session import Marks, Session
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 8)) as conn:
        yield conn


def asked(session: Session) -> str:
    assert session.question is not None
    return session.question.pair.id


def again(session: Session, conn: sqlite3.Connection, **options: Any) -> Session:
    return Session(conn, **options)


def last(conn: sqlite3.Connection) -> dict[str, Any]:
    return dict(list(iter_events(conn))[-1].payload)


def test_marks_stay_with_their_pair_and_are_switched_off(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    pair = asked(session)
    assert session.marks == Marks()
    assert session.toggle_private() and session.toggle_flag("voice", "left")
    session.set_note("says 'moreover'")
    session = again(session, conn, seed=1)
    assert session.marks == Marks(True, "says 'moreover'", frozenset({("voice", "left")}))
    assert get_pair(conn, pair).level == "sealed"
    assert not session.toggle_private() and not session.toggle_flag("voice", "left")
    session.set_note("")
    assert session.marks == Marks() and get_pair(conn, pair).level == "open"
    session.answer("left")
    assert session.marks == Marks()


def test_a_flag_names_the_answer_that_was_shown_on_its_side(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    session.toggle_flag("facts", "right")
    assert last(conn) == {"flag": "facts", "side": session.question.right_is}
    session.toggle_flag("facts", None)
    assert last(conn) == {"flag": "facts", "side": None}
    assert session.marks.flags == {("facts", "right"), ("facts", None)}


def test_undo_of_a_mark_shows_its_pair_and_of_its_removal_brings_it_back(
    conn: sqlite3.Connection,
):
    session = Session(conn, seed=1)
    pair = asked(session)
    session.toggle_private()
    session.set_note("one")
    session.set_note("two")
    session.skip()
    assert [session.undo() for _ in range(2)] == ["the skip", "the note"]
    assert asked(session) == pair and session.marks.note == "one"
    session.toggle_private()
    assert session.undo() == "the removal of the private mark"
    assert session.marks.private
    assert session.redo() == "the removal of the private mark"
    assert not session.marks.private
    session = again(session, conn)
    assert [session.undo() for _ in range(4)] == [
        "the removal of the private mark",
        "the note",
        "the private mark",
        None,
    ]
    assert session.marks == Marks()


@pytest.mark.parametrize("side", ["left", "right", None])
def test_contradictory_marks_of_one_answer_exclude_each_other(conn: sqlite3.Connection, side: Any):
    session = Session(conn, seed=1)
    for flag in ("facts", "voice", "facts"):
        assert session.toggle_flag(flag, side)
        assert session.marks.flags == {(flag, side)}
        assert again(session, conn, seed=1).marks.flags == {(flag, side)}
    other = "right" if side == "left" else "left"
    session.toggle_flag("voice", other)
    assert session.marks.flags == {("facts", side), ("voice", other)}


def test_the_same_note_twice_is_one_act(conn: sqlite3.Connection):
    session = Session(conn)
    session.set_note("hm")
    session.set_note("hm")
    session.undo()
    assert session.marks.note == "" and session.undo() is None
