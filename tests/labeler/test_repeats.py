"""Pairs that come back, sides swapped."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from align.store.choices import current_choices
from align.store.events import iter_events
from labeler.session import Session, repeats
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 700)) as conn:
        # How fast a commit is matters nowhere here, and there are thousands.
        conn.execute("PRAGMA synchronous=OFF")
        yield conn


def up_to_a_repeat(session: Session) -> None:
    """Answer until a pair has come back."""
    while session.question is not None and session.question.repeat_of is None:
        session.answer("left")
    assert session.question is not None


def test_six_in_a_hundred_answers_are_followed_by_a_pair_from_long_ago(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    answers: dict[str, int] = {}
    sides: dict[str, str] = {}
    back: list[str] = []
    was_repeat = False
    while (question := session.question) is not None:
        pair = question.pair.id
        if question.repeat_of is not None:
            assert not was_repeat and pair not in back
            assert len(answers) - answers[pair] >= repeats.APART
            assert question.left_is != sides[pair]
            back.append(pair)
        else:
            answers[pair], sides[pair] = len(answers) + 1, question.left_is
        was_repeat = question.repeat_of is not None
        session.answer("left" if len(answers) % 3 else "neither")
    # 670 answers with a chance of 6 %: 40.2 expected, with a deviation of 6.1.
    assert 22 <= len(back) <= 58
    assert session.answered == 700 and len(session.given) == 700 + len(back)
    gaps = {b - a for a, b in zip(*[iter(sorted(answers[p] for p in back))] * 2, strict=False)}
    assert len(gaps) > 3


def test_a_repeat_names_the_first_answer_and_is_no_choice(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    up_to_a_repeat(session)
    question, answered = session.question, session.answered
    first = next(done for done in session.decisions if done.pair_id == question.pair.id)
    before = {choice.pair_id: choice.outcome for choice in current_choices(conn)}
    left = session.left
    session.answer("neither")
    event = list(iter_events(conn))[-1]
    assert event.kind == "repeat" and event.payload["of"] == list(first.id)
    assert question.repeat_of == first.id
    assert event.payload["outcome"] == "neither" and event.payload["left"] == question.left_is
    assert 0 < event.payload["probability"] <= 1
    assert {choice.pair_id: choice.outcome for choice in current_choices(conn)} == before
    assert (session.answered, session.left) == (answered, left)


def test_a_restart_agrees_on_what_comes_back(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    up_to_a_repeat(session)
    question = session.question
    session = Session(conn)
    assert session.question == question
    session.skip()
    new = session.question
    session = Session(conn)
    assert session.question == new and new.repeat_of is None
    # What was passed over is dropped: its pair is answered, and does not come back.
    while session.question is not None:
        session.answer("left")
    assert [d.outcome for d in session.decisions if d.repeat_of == question.repeat_of] == ["skip"]


def test_undo_of_a_repeat_asks_it_again_with_its_sides_as_they_were(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    up_to_a_repeat(session)
    question = session.question
    session.answer("both")
    assert session.undo() == "the answer"
    assert session.question == question
    session.undo()
    assert session.question.repeat_of is None and session.question.pair.id != question.pair.id
    session.redo()
    assert session.question == question
    session.redo()
    assert session.given[-1].outcome == "both" and session.given[-1].kind == "repeat"


def test_private_and_rewritten_pairs_do_not_come_back(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    while session.question is not None:
        assert session.question.repeat_of is None
        if session.answered % 2:
            session.toggle_private()
            session.answer("left")
        else:
            session.rewrite("Mine.", None)


def test_a_rewrite_of_a_pair_that_came_back_is_its_choice(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    up_to_a_repeat(session)
    pair, answered = session.question.pair.id, session.answered
    session.rewrite("Mine.", "left")
    assert session.question.repeat_of is None
    assert session.answered == answered
    assert {c.pair_id: c.outcome for c in current_choices(conn)}[pair] == "rewrite"
    assert Session(conn).question == session.question
