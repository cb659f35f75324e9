"""The labeler's session: what is asked, kept and taken back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.events import iter_events
from labeler.session import Session
from tests.labeler.stores import add_many_pairs, store_of_pairs
from tests.store.rows import append_event


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 8)) as conn:
        yield conn


def chosen(conn: sqlite3.Connection) -> dict[str, str]:
    return {choice.pair_id: choice.outcome for choice in current_choices(conn, actors=["owner"])}


def asked(session: Session) -> str:
    assert session.question is not None
    return session.question.pair.id


def again(session: Session, conn: sqlite3.Connection, **options: Any) -> Session:
    return Session(conn, **options)


def last(conn: sqlite3.Connection) -> dict[str, Any]:
    return dict(list(iter_events(conn))[-1].payload)


def test_left_and_right_are_stored_as_the_answers_they_stand_for(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    for _ in range(4):
        question = session.question
        assert question is not None
        session.answer("left")
        kept = chosen(conn)[question.pair.id]
        assert question.left == (question.pair.text_a if kept == "a" else question.pair.text_b)
        question = session.question
        assert question is not None
        session.answer("right")
        kept = chosen(conn)[question.pair.id]
        assert question.right == (question.pair.text_a if kept == "a" else question.pair.text_b)
    assert session.question is None and session.left == 0


def test_a_choice_says_how_it_was_shown(conn: sqlite3.Connection):
    now = iter([10.0, 12.5, 12.5])
    session = Session(conn, seed=5, order="random", clock=lambda: next(now))
    left = session.question.left_is
    session.answer("both")
    payload = last(conn)
    assert payload == {
        "outcome": "both",
        "left": left,
        "ms": 2500,
        "selection": "random",
        "selection_seed": 5,
        "probability": 1 / 8,
        "version": payload["version"],
    }


def test_order_and_sides_survive_a_restart(conn: sqlite3.Connection):
    session = Session(conn)
    session.answer("neither")
    other = again(session, conn)
    assert other.seed == session.seed
    assert other.question == session.question


def test_the_seed_stays_even_if_all_was_taken_back(conn: sqlite3.Connection):
    session = Session(conn)
    session.answer("left")
    session.undo()
    assert again(session, conn).seed == session.seed


def test_undo_and_redo_survive_a_restart(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    first = asked(session)
    session.answer("left")
    outcome = chosen(conn)[first]
    session.skip()
    session = again(session, conn)
    assert session.undo() == "the skip"
    session = again(session, conn)
    assert session.undo() == "the answer"
    assert asked(session) == first and chosen(conn) == {}
    session = again(session, conn)
    assert session.undo() is None
    assert asked(session) == first
    assert session.redo() == "the answer"
    assert chosen(conn) == {first: outcome}
    session = again(session, conn)
    assert session.redo() == "the skip"
    assert session.redo() is None
    assert [done.outcome for done in session.decisions] == [outcome, "skip"]


def test_nothing_can_be_done_again_after_a_new_act(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    session.answer("left")
    session.undo()
    session.set_note("hm")
    assert session.redo() is None
    assert again(session, conn).redo() is None


def test_a_skipped_pair_comes_after_all_others(conn: sqlite3.Connection):
    session = Session(conn)
    skipped = asked(session)
    session.skip()
    order = []
    while session.left > 1:
        order.append(asked(session))
        session.answer("both")
    assert skipped not in order and asked(session) == skipped
    assert asked(again(session, conn)) == skipped
    assert session.question.pick.probability == 1 / 8


def test_a_skip_is_no_choice(conn: sqlite3.Connection):
    session = Session(conn)
    session.skip()
    assert session.answered == 0 and chosen(conn) == {} and session.left == 8


def test_a_rewrite_is_the_pairs_choice_and_says_from_which_answer_it_came(
    conn: sqlite3.Connection,
):
    session = Session(conn, seed=1)
    with pytest.raises(UserError, match="no text"):
        session.rewrite(" \n", None)
    question = session.question
    session.rewrite("As I would say it.", "right")
    payload = last(conn)
    assert (payload["text"], payload["of"]) == ("As I would say it.", question.right_is)
    assert payload["left"] == question.left_is and payload["probability"] == 1 / 8
    assert chosen(conn) == {question.pair.id: "rewrite"}
    assert session.given[-1].outcome == "rewrite"
    assert session.undo() == "the rewrite" and session.question.pair == question.pair


def test_simulated_choices_do_not_answer_for_the_owner(conn: sqlite3.Connection):
    session = Session(conn, seed=3)
    pair = asked(session)
    payload = {"outcome": "a", "left": "a"}
    append_event(conn, kind="choice", actor="simulated", pair_id=pair, payload=payload)
    session = again(session, conn, seed=3)
    assert session.answered == 0 and asked(session) == pair
    assert session.undo() is None


def test_a_fourth_pair_of_one_prompt_is_not_asked_after_a_restart_either(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 5, each_prompt=5)) as conn:
        for _ in range(3):
            session = Session(conn)
            session.answer("left")
        session = Session(conn)
        assert session.question is None
        assert session.left_out == {"more than three of a prompt": 2}
        session = again(session, conn, order="random")
        assert session.left == 2 and session.left_out == {}


def test_answers_that_nobody_could_choose_between_are_left_out_with_a_count(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 5, similarity=None)) as conn:
        add_many_pairs(conn, 3, checkpoint="002-dpo", texts=lambda topic, i: (topic, " "))
        add_many_pairs(
            conn, 4, checkpoint="003-dpo", similarity=0.99, texts=lambda topic, i: (topic, topic)
        )
        session = Session(conn)
        assert session.total == 12
        for left in range(5, 0, -1):
            assert session.left == left
            session.answer("left")
        assert session.question is None
        assert session.left_out == {"empty": 3, "near-identical": 4}


def test_pairs_of_the_newest_checkpoint_come_first(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 40)) as conn:
        add_many_pairs(conn, 3, checkpoint="010-dpo")
        session = Session(conn)
        for _ in range(3):
            assert session.question.pick.probability == 1 / (3 - session.answered)
            session.answer("left")
        assert session.question.pick.probability == 1 / 40
        assert session.checkpoints() == ["010-dpo"]
        session.answer("left")
        assert session.checkpoints() == ["001-sft", "010-dpo"]


def test_pairs_that_come_during_a_session_are_asked(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 3)) as conn:
        session = Session(conn)
        session.answer("left")
        with closing(connect(tmp_path / "twin.db")) as sampling:
            new = add_many_pairs(sampling, 2, checkpoint="002-dpo")
        session.answer("left")
        assert asked(session) in new
        assert session.total == 5 and session.left == 3
        while session.question is not None:
            session.answer("left")
        assert session.answered == 5


def test_the_arena_is_apart_and_nothing_comes_back_there(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 3)) as conn:
        add_many_pairs(conn, 120, purpose="arena")
        train = Session(conn)
        train.answer("left")
        arena = Session(conn, purpose="arena", seed=1)
        assert arena.total == 120 and arena.undo() is None
        while arena.question is not None:
            arena.answer("left")
        assert {done.kind for done in arena.given} == {"choice"}
        assert train.answered == 1 and train.total == 3
        assert again(train, conn).answered == 1


ACTS: dict[str, Callable[[Session], object]] = {
    "answer": lambda session: session.answer("left"),
    "skip": Session.skip,
    "rewrite": lambda session: session.rewrite("Mine.", None),
    "private": Session.toggle_private,
    "flag": lambda session: session.toggle_flag("facts", "left"),
    "switching off": lambda session: session.toggle_flag("voice", None),
    "note": lambda session: session.set_note("hm"),
    "undo": Session.undo,
    "redo": Session.redo,
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_is_not_committed_changes_nothing(conn: sqlite3.Connection, name: str):
    session = Session(conn, seed=1)
    session.answer("left")
    session.answer("both")
    session.undo()
    if name != "redo":
        session.skip()
        session.toggle_flag("voice", None)

    def seen() -> object:
        return (
            session.question,
            session.marks,
            session.given[:],
            session.decisions[:],
            (session.total, session.answered, session.left),
            chosen(conn),
        )

    before = seen()
    conn.execute("PRAGMA query_only=ON")
    with pytest.raises(UserError, match="cannot be written"):
        ACTS[name](session)
    assert seen() == before
    conn.execute("PRAGMA query_only=OFF")
    ACTS[name](session)
    assert seen() != before


def test_a_full_disk_leaves_the_pair_and_the_answer_can_be_given_once_there_is_room(
    conn: sqlite3.Connection,
):
    session = Session(conn)
    before = session.question
    conn.execute(f"PRAGMA max_page_count = {conn.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(UserError, match="the disk is full"):
        session.rewrite("long " * 100_000, None)
    assert session.question == before and session.given == []
    conn.execute("PRAGMA max_page_count = 100000")
    session.answer("left")
    assert session.answered == 1
