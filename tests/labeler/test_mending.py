"""A past choice that is changed: an event like any other, undone and done again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from align.errors import UserError
from align.store.acts import owner_decisions
from align.store.choices import current_choices
from labeler.session import Session, repeats
from labeler.session.past import FILTERS, sifted
from tests.labeler.screens import OpenScreen, run
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 8)) as conn:
        yield conn


def chosen(conn: sqlite3.Connection) -> dict[str, str]:
    return {choice.pair_id: choice.outcome for choice in current_choices(conn)}


def seen(session: Session, conn: sqlite3.Connection) -> object:
    decisions = [(d.id, d.outcome) for d in session.decisions]
    return session.answered, session.left, decisions, chosen(conn), len(owner_decisions(conn))


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("kind", ["answer", "rewrite"])
def test_a_change_takes_the_place_of_what_was_chosen_and_can_be_taken_back(
    conn: sqlite3.Connection, restarts: bool, times: int, kind: str
):
    session = Session(conn, seed=1)
    for _ in range(3):
        session.answer("left")
    pair = session.decisions[1].pair_id
    asked = session.question
    outcomes = ["both", "neither", "both"][:times]
    states = [seen(session, conn)]
    for outcome in outcomes:
        (old,) = [d for d in session.decisions if d.pair_id == pair]
        session.revisit(old)
        assert session.question.pair.id == pair and session.question.left_is == old.left
        assert session.revisited == old
        if kind == "rewrite":
            session.rewrite(outcome, None)
        else:
            session.answer(outcome)  # type: ignore[arg-type]
        assert session.question == asked
        assert chosen(conn)[pair] == ("rewrite" if kind == "rewrite" else outcome)
        assert len(owner_decisions(conn)) == len(session.decisions) == session.answered == 3
        states.append(seen(session, conn))
    if restarts:
        session = Session(conn, seed=1)
        assert seen(session, conn) == states[-1]
    for state in reversed(states[:-1]):
        assert session.undo() == "the change"
        assert seen(session, conn) == state
        assert seen(Session(conn, seed=1), conn) == state
    for state in states[1:]:
        assert session.redo() == "the change"
        assert seen(session, conn) == state
        assert seen(Session(conn, seed=1), conn) == state
    assert session.redo() is None


def test_undo_goes_on_below_a_change(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    for _ in range(2):
        session.answer("left")
    first = session.decisions[0]
    session.revisit(first)
    session.answer("neither")
    assert [session.undo() for _ in range(4)] == ["the change", "the answer", "the answer", None]
    assert chosen(conn) == {}
    assert [session.redo() for _ in range(4)] == ["the answer", "the answer", "the change", None]
    assert chosen(conn)[first.pair_id] == "neither"


def test_one_can_look_and_leave_all_as_it_is(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    session.answer("left")
    asked, before = session.question, seen(session, conn)
    session.revisit(session.decisions[0])
    session.go_on()
    assert session.question == asked and seen(session, conn) == before


def test_a_skipped_pair_that_is_revisited_is_answered(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    session.skip()
    (skip,) = session.decisions
    session.revisit(skip)
    assert session.question.pair.id == skip.pair_id and session.revisited is None
    session.answer("left")
    assert list(chosen(conn)) == [skip.pair_id] and session.undo() == "the answer"


def test_a_change_that_is_not_committed_changes_nothing(conn: sqlite3.Connection):
    session = Session(conn, seed=1)
    session.answer("left")
    session.revisit(session.decisions[0])
    before = seen(session, conn), session.question
    conn.execute("PRAGMA query_only=ON")
    with pytest.raises(UserError):
        session.answer("both")
    assert (seen(session, conn), session.question) == before


def test_a_past_choice_is_found_seen_and_changed_on_the_screen(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question
        await now.press("left", "right", "space")
        asked = now.question
        topic = first.pair.messages[0]["content"].split()[2]
        await now.press("h", *topic)
        assert "1 of 3: all" in now.screen() and topic in now.screen()
        await now.press("enter")
        assert now.question.pair == first.pair and "You decided: left" in now.screen()
        await now.press("escape")
        assert now.question == asked and "Left as it is" in now.screen()
        await now.press("h", "down", "down", "enter", "n")
        assert now.outcomes()[first.pair.id] == "neither" and now.question == asked
        assert "2 answered" in now.screen()
        await now.press("u")
        assert now.outcomes()[first.pair.id] == first.left_is and now.question == asked

    run(conn, do)


def test_a_skip_leaves_a_past_choice_as_it_is(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("left", "h", "enter", "space")
        assert now.kinds() == ["choice"] and len(now.outcomes()) == 1

    run(conn, do)


def test_keys_of_the_list_choose_nothing_behind_it(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("left")
        await now.burst("h", "a", "n", "escape", "escape")
        await now.press("h", *"anb=", "tab", "shift+tab", "escape")
        assert now.kinds() == ["choice"] and now.app.screen is now.app.choosing

    run(conn, do)


def test_the_list_is_narrowed_by_kind_and_words(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    monkeypatch.setattr(repeats, "APART", 1)
    session = Session(conn, seed=1)
    session.answer("left")
    session.toggle_flag("facts", None)
    session.answer("both")
    while session.question.repeat_of is None:
        session.answer("left")
    session.answer("neither")
    session.rewrite("My own way.", None)
    if session.question.repeat_of is None:
        session.skip("bad prompt")
    pasts = session.pasts()
    assert [past.decision for past in pasts] == session.decisions[::-1]

    def words(name: str, search: str = "") -> set[str]:
        return {past.words for past in sifted(pasts, name, search)}

    assert words("both") == {"both"} and words("my words") == {"my words"}
    assert words("left or right") == {"left"}
    assert words("all", "OWN my") == {"my words"} and words("all", "no such thing") == set()
    assert len(sifted(pasts, "marked", "")) == 1
    (otherwise,) = sifted(pasts, "asked again and decided otherwise", "")
    assert otherwise.decision.kind == "repeat" and otherwise.words == "neither"
    assert set(FILTERS) >= {"neither", "skipped"}
