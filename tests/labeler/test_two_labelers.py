"""Two labelers on one store: they never show the same pair, and answer each once."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import sampled_from

from align.errors import UserError
from align.store.connection import connect
from labeler.session import Session
from tests.labeler.stores import copy_of_pairs, store_of_pairs

PAIRS, EACH_PROMPT, A_PROMPT = 12, 4, 3


def asked(session: Session) -> str:
    assert session.question is not None
    return session.question.pair.id


def test_two_labelers_on_one_store_share_its_pairs(tmp_path: Path):
    store_of_pairs(tmp_path / "twin.db", 30).close()
    with (
        closing(connect(tmp_path / "twin.db")) as conn,
        closing(connect(tmp_path / "twin.db")) as other,
    ):
        sessions = [Session(conn, seed=1), Session(other, seed=1)]
        while any(session.question is not None for session in sessions):
            for session in sessions:
                if session.question is not None:
                    session.answer("left")
        assert [len(session.given) for session in sessions] == [15, 15]
        # Each knew of the other's answers when it gave its own last one.
        assert [session.answered for session in sessions] == [29, 30]
        assert Session(conn).left == 0


def test_nobody_takes_back_what_another_labeler_is_doing(tmp_path: Path):
    store_of_pairs(tmp_path / "twin.db", 5).close()
    with (
        closing(connect(tmp_path / "twin.db")) as conn,
        closing(connect(tmp_path / "twin.db")) as other,
    ):
        mine, theirs = Session(conn, seed=1), Session(other, seed=1)
        theirs.answer("left")
        assert mine.undo() is None
        mine.skip()
        # They are shown what was skipped here; here it can't be asked again meanwhile.
        while theirs.question is not None and asked(theirs) != mine.given[0].pair_id:
            theirs.answer("left")
        question = mine.question
        with pytest.raises(UserError, match="another labeler shows the pair"):
            mine.undo()
        assert mine.question == question and len(mine.given) == 1


class TwoLabelers(RuleBasedStateMachine):
    """Two processes' sessions on one store, each with a connection of its own."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "twin.db"
        copy_of_pairs(self.path, PAIRS, EACH_PROMPT)
        self.conns = [connect(self.path) for _ in range(2)]
        self.sessions = [Session(conn, seed=7) for conn in self.conns]

    @rule(who=sampled_from([0, 1]), answer=sampled_from(["left", "both"]))
    def answer(self, who: int, answer: str) -> None:
        if self.sessions[who].question is not None:
            self.sessions[who].answer(answer)

    @rule(who=sampled_from([0, 1]))
    def skip(self, who: int) -> None:
        if self.sessions[who].question is not None:
            self.sessions[who].skip()

    @rule(who=sampled_from([0, 1]), what=sampled_from(["undo", "redo"]))
    def reverse(self, who: int, what: str) -> None:
        session = self.sessions[who]
        before = session.question, session.given[:]
        try:
            getattr(session, what)()
        except UserError as error:
            assert "another labeler shows the pair" in str(error)
            assert (session.question, session.given) == before

    @rule(who=sampled_from([0, 1]))
    def restart(self, who: int) -> None:
        self.sessions[who].close()
        self.sessions[who] = Session(self.conns[who], seed=7)

    @invariant()
    def no_pair_is_shown_or_answered_twice(self) -> None:
        if not hasattr(self, "sessions"):
            return
        shown = [s.question.pair.id for s in self.sessions if s.question is not None]
        assert len(set(shown)) == len(shown)
        claimed = {row[0] for row in self.conns[0].execute("SELECT pair_id FROM claims")}
        assert claimed == set(shown)
        answered = (
            self.conns[0]
            .execute("SELECT pair_id FROM standing_events WHERE kind = 'choice'")
            .fetchall()
        )
        assert len({row[0] for row in answered}) == len(answered)
        of_prompt = self.conns[0].execute(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM standing_events e JOIN pairs p "
            "ON p.id = e.pair_id WHERE kind = 'choice' GROUP BY prompt_id)"
        )
        assert (of_prompt.fetchone()[0] or 0) <= A_PROMPT

    def teardown(self) -> None:
        if not hasattr(self, "sessions"):
            return
        # Whatever happened, both together answer all that is left.
        first, second = self.sessions
        while first.question is not None:
            first.answer("left")
        while second.question is not None:
            second.answer("left")
        first.close()
        last = Session(self.conns[0], seed=7)
        while last.question is not None:
            last.answer("left")
        assert last.answered == PAIRS // EACH_PROMPT * A_PROMPT and last.left == 0
        for conn in self.conns:
            conn.close()
        self.folder.cleanup()


TwoLabelers.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestTwoLabelers = TwoLabelers.TestCase
