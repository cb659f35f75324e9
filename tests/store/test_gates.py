import sqlite3
from pathlib import Path

import pytest

from align.store.connection import connect, in_memory
from align.store.gates import (
    add_gate,
    gates_named,
    iter_gates,
    judges_tried,
    newest_gates,
    open_gates,
)
from align.store.verdicts import Instrument
from tests.store.rows import gate

MARCH, APRIL = "2026-03-01T00:00:00.000000Z", "2026-04-01T00:00:00.000000Z"


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def test_an_attempt_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = gate(report={"accuracy": 0.75, "abstentions": {"tie": 3}, "interval": None})
    assert add_gate(connect(tmp_path / "twin.db", create=True), made)
    again = connect(tmp_path / "twin.db")
    assert list(iter_gates(again)) == [made]
    assert made.of == (Instrument("claude", "m", "h", "", ""), "")


def test_the_newest_attempt_decides_whether_a_gate_is_open(conn: sqlite3.Connection) -> None:
    passed, failed = gate(), gate(is_open=False, time=MARCH)
    add_gate(conn, failed)
    add_gate(conn, passed)
    assert [each.id for each in iter_gates(conn)] == [passed.id, failed.id]
    assert open_gates(conn) == []
    better = gate(weight=0.5, time=APRIL)
    add_gate(conn, better)
    assert open_gates(conn) == newest_gates(conn) == [better]


def test_attempts_count_judges_and_not_their_repetitions(conn: sqlite3.Connection) -> None:
    assert judges_tried(conn, "x") == set()
    for each in (
        gate(), gate(time=MARCH), gate(model="n"), gate(prompt_hash="i", is_open=False),
        gate(briefing="other examples"), gate(answered="o"), gate(model="p", drawn_by="x"),
        gate(model="q", drawn_by="y"),
    ):  # fmt: skip
        add_gate(conn, each)
    assert {tried[1:] for tried in judges_tried(conn, "x")} == {
        ("m", "h", ""), ("n", "h", ""), ("m", "i", ""), ("m", "h", "o"), ("p", "h", ""),
    }  # fmt: skip


@pytest.mark.parametrize("other", ["briefing", "answered", "drawn_by"])
def test_another_briefing_model_or_checkpoint_replaces_no_gate(
    conn: sqlite3.Connection, other: str
) -> None:
    add_gate(conn, gate())
    add_gate(conn, gate(is_open=False, time=MARCH, **{other: "x"}))
    assert [each.is_open for each in newest_gates(conn)] == [True, False]
    assert [getattr(each, other) for each in open_gates(conn)] == [""]


def test_no_attempt_is_ever_changed_erased_or_replaced(conn: sqlite3.Connection) -> None:
    made = gate(is_open=False)
    assert add_gate(conn, made)
    assert not add_gate(conn, made)
    for query in ("UPDATE gates SET is_open = 1", "DELETE FROM gates"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            conn.execute(query)
    conn.execute(
        "INSERT OR REPLACE INTO gates SELECT id, judge, model, prompt_hash, 1, 1.0, certainties, "
        "choices, report, time, briefing, answered, drawn_by FROM gates"
    )
    assert list(iter_gates(conn)) == [made]


@pytest.mark.parametrize("weight", [1.5, -0.1])
def test_a_weight_that_is_none_is_refused(conn: sqlite3.Connection, weight: float) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add_gate(conn, gate(weight=weight))
    assert list(iter_gates(conn)) == []


def test_gates_are_found_by_their_names(conn: sqlite3.Connection) -> None:
    one, other = gate(), gate(time=MARCH)
    add_gate(conn, one)
    add_gate(conn, other)
    assert gates_named(conn, {one.id, "unknown"}) == {one.id: one}


@pytest.mark.parametrize(
    ("certainty", "certainties", "weight"),
    [
        ("high", ("medium", "high"), 0.4),
        ("low", ("medium", "high"), 0.0),
        (None, ("low", "medium", "high"), 0.4),
        (None, ("medium", "high"), 0.0),
    ],
)
def test_a_gate_from_before_certainties_had_weights_of_their_own_has_one_for_all(
    certainty: str | None, certainties: tuple[str, ...], weight: float
) -> None:
    assert gate(certainties=certainties, weight=0.4).weight_at(certainty) == weight


def test_a_gate_knows_the_weight_of_each_certainty() -> None:
    made = gate(report={"gate": {"weights": {"high": 0.9, "unstated": 0.3}}})
    assert [made.weight_at(c) for c in ("high", "low", None)] == [0.9, 0.0, 0.3]
