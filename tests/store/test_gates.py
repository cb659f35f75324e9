import sqlite3
from pathlib import Path

import pytest

from align.store.connection import connect, in_memory
from align.store.gates import (
    add_gate,
    attempts,
    gate_of,
    gates_named,
    iter_gates,
    newest_gates,
    open_gates,
)
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
    assert gate_of(again, "claude", "m", "h") == made
    assert gate_of(again, "claude", "m", "other") is None


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
    assert attempts(conn) == 0
    for each in (gate(), gate(time=MARCH), gate(model="n"), gate(prompt_hash="i", is_open=False)):
        add_gate(conn, each)
    assert attempts(conn) == 3
    assert {each.of for each in open_gates(conn)} == {("claude", "m", "h"), ("claude", "n", "h")}


def test_no_attempt_is_ever_changed_erased_or_replaced(conn: sqlite3.Connection) -> None:
    made = gate(is_open=False)
    assert add_gate(conn, made)
    assert not add_gate(conn, made)
    for query in ("UPDATE gates SET is_open = 1", "DELETE FROM gates"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            conn.execute(query)
    conn.execute(
        "INSERT OR REPLACE INTO gates SELECT id, judge, model, prompt_hash, 1, 1.0, certainties, "
        "choices, report, time FROM gates"
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
