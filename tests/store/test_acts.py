"""What the owner did, as the store has it."""

import sqlite3
from typing import Any

import pytest

from align.choices.tally import DecisionRow
from align.store.acts import all_marks, owner_decisions
from align.store.connection import in_memory, transaction
from align.store.events import Event
from tests.store.rows import add_pair, append_event


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def shown(outcome: str, **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "left": "b", "ms": 900, **more}


def did(conn: sqlite3.Connection, kind: str, pair: str | None, **payload: Any) -> Event:
    return append_event(conn, kind=kind, actor="owner", pair_id=pair, payload=payload)  # type: ignore[arg-type]


def undo(conn: sqlite3.Connection, event: Event) -> Event:
    return did(conn, "undo", event.pair_id, target=[event.device, event.counter])


def test_acts_are_the_owners_standing_ones_oldest_first(conn: sqlite3.Connection) -> None:
    short, same = add_pair(conn), add_pair(conn, "And?", ("Yes.", "Nay."))
    first = did(conn, "choice", short, **shown("a"))
    did(conn, "skip", same, left="a", ms=100)
    did(conn, "rewrite", same, text="Mine.", of=None, left="a", ms=30_000)
    taken_back = did(conn, "choice", same, **shown("b"))
    undo(conn, taken_back)
    did(conn, "note", short, text="hm")
    append_event(conn, kind="choice", actor="simulated", pair_id=short, payload=shown("b"))
    acts = owner_decisions(conn)
    assert acts[0] == DecisionRow("a", "b", 900, "b", None, first.time)
    assert [(act.outcome, act.left_is, act.ms, act.longer) for act in acts[1:]] == [
        ("skip", "a", 100, None),
        ("rewrite", "a", 30_000, None),
    ]


def test_a_repeat_is_held_against_the_answer_it_repeats(conn: sqlite3.Connection) -> None:
    pairs = [add_pair(conn, f"{n}?") for n in range(3)]
    firsts = [did(conn, "choice", pair, **shown("a")) for pair in pairs]
    repeats = [
        did(conn, "repeat", pair, **shown(outcome, of=[first.device, first.counter]))
        for pair, first, outcome in zip(pairs, firsts, ("a", "both", "a"), strict=True)
    ]
    assert [act.agrees for act in owner_decisions(conn)[3:]] == [True, False, True]
    undo(conn, firsts[2])
    assert [act.agrees for act in owner_decisions(conn)] == [None, None, True, False]
    undo(conn, repeats[1])
    assert [act.agrees for act in owner_decisions(conn)] == [None, None, True]


def test_the_arenas_acts_are_asked_for_apart(conn: sqlite3.Connection) -> None:
    did(conn, "choice", add_pair(conn), **shown("a"))
    did(conn, "choice", add_pair(conn, "And?", purpose="arena"), **shown("both"))
    assert [act.outcome for act in owner_decisions(conn)] == ["a"]
    assert [act.outcome for act in owner_decisions(conn, "arena")] == ["both"]


def test_what_nobody_measured_is_unknown(conn: sqlite3.Connection) -> None:
    did(conn, "choice", add_pair(conn), outcome="a")
    (act,) = owner_decisions(conn)
    assert act.left_is is act.ms is None


def test_few_acts_are_read_without_all_pairs(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        pairs = [add_pair(conn, f"{n}?") for n in range(300)]
    did(conn, "choice", pairs[7], **shown("a"))
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    conn.set_progress_handler(count, 10)
    owner_decisions(conn)
    conn.set_progress_handler(None, 0)
    assert steps < 60


def test_of_two_flags_that_contradict_each_other_the_newer_stands(
    conn: sqlite3.Connection,
) -> None:
    pair = add_pair(conn)
    for flag, side in [("facts", "a"), ("voice", "a"), ("voice", None), ("facts", None)]:
        did(conn, "flag", pair, flag=flag, side=side)
    flags = [{"flag": "voice", "side": "a"}, {"flag": "facts", "side": None}]
    assert all_marks(conn) == {pair: {"flags": flags}}


def test_decisions_after_an_event_of_a_device_are_left_out(conn: sqlite3.Connection) -> None:
    first = did(conn, "choice", add_pair(conn), **shown("a"))
    did(conn, "choice", add_pair(conn, "And?"), **shown("b"))
    assert [act.outcome for act in owner_decisions(conn, up_to=first.id)] == ["a"]
    assert len(owner_decisions(conn, up_to=("another", 1))) == 2


def test_marks_are_those_that_stand(conn: sqlite3.Connection) -> None:
    pair, other = add_pair(conn), add_pair(conn, "And?")
    assert all_marks(conn) == {}
    did(conn, "note", pair, text="first")
    did(conn, "note", pair, text="better")
    did(conn, "flag", pair, flag="facts", side="a")
    did(conn, "flag", pair, flag="facts", side="a")
    did(conn, "flag", pair, flag="voice", side=None)
    undo(conn, did(conn, "private", pair))
    did(conn, "private", other)
    did(conn, "note", other, text="")
    marks = {
        "note": "better",
        "flags": [{"flag": "facts", "side": "a"}, {"flag": "voice", "side": None}],
    }
    assert all_marks(conn) == {pair: marks, other: {"private": True}}
