"""The labeler's session: what is asked, kept and taken back."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import sampled_from

from align.errors import UserError
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.events import append_event, iter_events
from labeler.session import Session
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 8)) as conn:
        yield conn


def chosen(conn: sqlite3.Connection) -> dict[str, str]:
    return {choice.pair_id: choice.outcome for choice in current_choices(conn, actors=["owner"])}


def asked(session: Session) -> str:
    assert session.question is not None
    return session.question.pair.id


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
    assert session.question is None


def test_a_choice_says_how_it_was_shown(conn: sqlite3.Connection):
    now = iter([10.0, 12.5, 12.5])
    session = Session(conn, seed=5, policy="random", clock=lambda: next(now))
    left = session.question.left_is
    session.answer("both")
    payload = next(iter_events(conn)).payload
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
    again = Session(conn)
    assert again.seed == session.seed
    assert again.question == session.question


def test_undo_survives_a_restart(conn: sqlite3.Connection):
    session = Session(conn)
    first = asked(session)
    session.answer("left")
    again = Session(conn)
    assert again.undo()
    assert asked(again) == first and chosen(conn) == {}
    assert not again.undo()
    assert asked(Session(conn, seed=session.seed)) == first


def test_a_skipped_pair_comes_after_all_others(conn: sqlite3.Connection):
    session = Session(conn)
    skipped = asked(session)
    session.skip()
    order = []
    while session.left > 1:
        order.append(asked(session))
        session.answer("both")
    assert skipped not in order and asked(session) == skipped
    assert asked(Session(conn)) == skipped


def test_a_skip_is_no_choice(conn: sqlite3.Connection):
    session = Session(conn)
    session.skip()
    assert session.answered == 0 and chosen(conn) == {}


def test_simulated_choices_do_not_answer_for_the_owner(conn: sqlite3.Connection):
    pair = asked(Session(conn, seed=3))
    payload = {"outcome": "a", "left": "a"}
    append_event(conn, kind="choice", actor="simulated", pair_id=pair, payload=payload)
    session = Session(conn, seed=3)
    assert session.answered == 0 and asked(session) == pair
    assert not session.undo()


def test_a_fourth_pair_of_one_prompt_is_not_asked_after_a_restart_either(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 5, each_prompt=5)) as conn:
        for _ in range(3):
            Session(conn).answer("left")
        session = Session(conn)
        assert session.question is None
        assert session.left_out == {"more than three of a prompt": 2}


def test_a_failed_commit_leaves_the_pair(tmp_path: Path):
    store_of_pairs(tmp_path / "twin.db", 2).close()
    with closing(connect(tmp_path / "twin.db")) as conn:
        session = Session(conn)
        before = session.question
        conn.execute("PRAGMA query_only=ON")
        with pytest.raises(UserError, match="cannot be written"):
            session.answer("left")
        assert session.question == before and session.given == []
        conn.execute("PRAGMA query_only=OFF")
        session.answer("left")
        assert session.answered == 1


class AnyOrder(RuleBasedStateMachine):
    """Any sequence of answers, skips, undos and restarts, beside a plain model of them."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.conn = store_of_pairs(Path(self.folder.name) / "twin.db", 6, each_prompt=2)
        self.session = Session(self.conn, seed=11)
        self.done: list[tuple[str, str]] = []  # pair and outcome, `skip` among them

    @precondition(lambda self: self.session.question)
    @rule(answer=sampled_from(["left", "right", "both", "neither"]))
    def answer(self, answer) -> None:
        question = self.session.question
        sides = {"left": question.left_is, "right": "b" if question.left_is == "a" else "a"}
        self.session.answer(answer)
        self.done.append((question.pair.id, sides.get(answer, answer)))
        self.check()

    @precondition(lambda self: self.session.question)
    @rule()
    def skip(self) -> None:
        pair = asked(self.session)
        self.session.skip()
        self.done.append((pair, "skip"))
        self.check()

    @rule()
    def undo(self) -> None:
        assert self.session.undo() == bool(self.done)
        if self.done:
            assert asked(self.session) == self.done.pop()[0]
        self.check()

    @rule()
    def restart(self) -> None:
        self.conn.close()
        self.conn = connect(Path(self.folder.name) / "twin.db")
        self.session = Session(self.conn, seed=11)
        self.check()

    def check(self) -> None:
        answered = {pair: outcome for pair, outcome in self.done if outcome != "skip"}
        assert chosen(self.conn) == answered
        assert self.session.answered == len(answered)
        assert self.session.left == 6 - len(answered)
        if self.session.question:
            assert asked(self.session) not in answered

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            self.conn.close()
            self.folder.cleanup()


AnyOrder.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestAnyOrder = AnyOrder.TestCase
