"""Verdicts become rows only where their gate is open, and never against the owner's word."""

import sqlite3
from typing import Any

import pytest

from align.files import jsonl
from align.owner import Owner
from align.preferences.choice_rows import build_preferences
from align.preferences.preference import JUDGE, Preference, side_of
from align.preferences.verdict_rows import still_judged, with_packed
from align.store.connection import in_memory
from align.store.gates import GateRow, add_gate
from align.store.pairs import get_pair
from align.store.verdicts import add_verdicts
from tests.store.rows import add_pair, append_event, both_ways_verdicts, gate, verdict

ANN = Owner(name="Ann")
LATER = "2026-02-01T00:00:00.000000Z"


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def on_side(side: str) -> list[str]:
    """Return questions whose prompts are on a side."""
    asked = []
    for n in range(200):
        conn = in_memory()
        pair = get_pair(conn, add_pair(conn, f"Question {n}?"))
        assert pair is not None
        if side_of(pair.prompt_id, 0.12) == side:
            asked.append(f"Question {n}?")
        if len(asked) == 4:
            break
    return asked


TRAIN, HELD_OUT = on_side("train"), on_side("held_out")


def judged(conn: sqlite3.Connection, text: str = TRAIN[0], winner: Any = "b", **more: Any) -> str:
    """Add a pair with a verdict and return its id."""
    pair = add_pair(conn, text, **more)
    add_verdicts(conn, both_ways_verdicts(pair, winner))
    return pair


def opened(conn: sqlite3.Connection, **changes: Any) -> GateRow:
    made = gate(**changes)
    add_gate(conn, made)
    return made


def rows(conn: sqlite3.Connection, **settings: Any) -> list[Preference]:
    return build_preferences(conn, ANN, verdicts=True, **settings)


def test_a_verdict_becomes_a_row_with_the_weight_of_its_gate(conn: sqlite3.Connection) -> None:
    pair, by = judged(conn), opened(conn, weight=0.4)
    [row] = rows(conn)
    assert (row.chosen, row.rejected) == ("I am doing very well.", "Fine.")
    assert (row.weight, row.source, row.gate) == (0.4, JUDGE, by.id)
    assert (row.pair_id, row.split) == (pair, "train")
    assert row.to_row()["gate"] == by.id


def test_verdicts_are_left_out_unless_they_are_asked_for(conn: sqlite3.Connection) -> None:
    judged(conn)
    opened(conn)
    assert build_preferences(conn, ANN) == []


@pytest.mark.parametrize("outcome", ["a", "b", "both", "neither", "rewrite"])
@pytest.mark.parametrize("actor", ["owner", "simulated", "imported"])
def test_any_choice_beats_a_verdict(conn: sqlite3.Connection, outcome: str, actor: Any) -> None:
    pair = judged(conn)
    opened(conn)
    kind: Any = "rewrite" if outcome == "rewrite" else "choice"
    payload = {"text": "My own words."} if kind == "rewrite" else {"outcome": outcome}
    chosen = append_event(conn, kind=kind, actor=actor, pair_id=pair, payload=payload)
    assert JUDGE not in {row.source for row in rows(conn)}
    target = [chosen.device, chosen.counter]
    append_event(conn, kind="undo", actor=actor, payload={"target": target})
    assert [row.source for row in rows(conn)] == [JUDGE]


def test_a_shut_gate_lets_nothing_through(conn: sqlite3.Connection) -> None:
    judged(conn)
    assert rows(conn) == []
    opened(conn, is_open=False)
    assert rows(conn) == []
    opened(conn, time=LATER)
    assert len(rows(conn)) == 1
    opened(conn, is_open=False, time="2026-03-01T00:00:00.000000Z")
    assert rows(conn) == []


def test_each_certainty_has_its_weight(conn: sqlite3.Connection) -> None:
    pairs = [add_pair(conn, text) for text in TRAIN[:3]]
    for pair, certainty in zip(pairs, ("high", "low", "medium"), strict=True):
        add_verdicts(conn, both_ways_verdicts(pair, certainty=certainty))
    opened(conn, report={"gate": {"weights": {"high": 0.9, "low": 0.2}}})
    assert {row.pair_id: row.weight for row in rows(conn)} == {pairs[0]: 0.9, pairs[1]: 0.2}


def test_a_verdict_counts_with_the_gate_of_its_own_briefing(conn: sqlite3.Connection) -> None:
    pairs = [add_pair(conn, text) for text in TRAIN[:3]]
    for pair, briefing in zip(pairs, ("x", "y", "z"), strict=True):
        add_verdicts(conn, both_ways_verdicts(pair, briefing=briefing))
    first = opened(conn, weight=0.4, briefing="x")
    second = opened(conn, weight=0.6, briefing="y", time=LATER)
    assert {row.pair_id: row.gate for row in rows(conn)} == {
        pairs[0]: first.id, pairs[1]: second.id,
    }  # fmt: skip


def test_a_pair_that_was_asked_again_has_the_newer_verdict(conn: sqlite3.Connection) -> None:
    again, abstained = (add_pair(conn, text) for text in TRAIN[:2])
    for pair in (again, abstained):
        add_verdicts(conn, both_ways_verdicts(pair, "a", briefing="x"))
    opened(conn, briefing="x")
    second = opened(conn, briefing="y", time=LATER)
    add_verdicts(conn, both_ways_verdicts(again, "b", briefing="y", time=LATER))
    add_verdicts(conn, both_ways_verdicts(abstained, "tie", briefing="y", time=LATER))
    assert [(row.pair_id, row.gate) for row in rows(conn)] == [(again, second.id)]


def test_where_no_briefing_was_written_down_the_gate_that_was_open_then_counts(
    conn: sqlite3.Connection,
) -> None:
    early, late = (add_pair(conn, text) for text in TRAIN[:2])
    first = opened(conn, weight=0.4)
    second = opened(conn, weight=0.6, time=LATER)
    add_verdicts(conn, both_ways_verdicts(early))
    add_verdicts(conn, both_ways_verdicts(late, time="2026-02-02T00:00:00.000000Z"))
    assert {row.pair_id: row.gate for row in rows(conn)} == {early: first.id, late: second.id}


def test_a_gate_is_open_for_the_pairs_of_its_checkpoint(conn: sqlite3.Connection) -> None:
    pairs = [judged(conn, text, checkpoint=name) for text, name in zip(TRAIN, "xy", strict=False)]
    hashes = [get_pair(conn, pair).drawn_by for pair in pairs]  # type: ignore[union-attr]
    opened(conn, drawn_by=hashes[0])
    opened(conn, is_open=False, drawn_by=hashes[1])
    assert [row.pair_id for row in rows(conn)] == pairs[:1]


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"}, {"judge": "local"}, {"prompt_hash": "i"}, {"briefing": "x"},
        {"answered": "gpt-4"}, {"drawn_by": "another checkpoint"},
    ],
)  # fmt: skip
def test_a_gate_is_open_for_its_own_judge_only(
    conn: sqlite3.Connection, other: dict[str, str]
) -> None:
    judged(conn)
    opened(conn, **other)
    assert rows(conn) == []


def test_only_certainties_that_pass_count_and_the_lower_of_two_is_meant(
    conn: sqlite3.Connection,
) -> None:
    sure, doubting = add_pair(conn, TRAIN[0]), add_pair(conn, TRAIN[1])
    add_verdicts(conn, both_ways_verdicts(sure, certainty="high", briefing="x"))
    add_verdicts(conn, [verdict(doubting, "ab", certainty="high", briefing="x")])
    add_verdicts(conn, [verdict(doubting, "ba", certainty="medium", briefing="x")])
    opened(conn, certainties=("high",), briefing="x")
    assert [row.pair_id for row in rows(conn)] == [sure]
    opened(conn, certainties=("medium", "high"), time=LATER, briefing="x")
    assert {row.pair_id for row in rows(conn)} == {sure, doubting}


@pytest.mark.parametrize(
    "ba", [{"winner": "b"}, {"winner": "tie"}, {"winner": None, "problem": "refused"}, None]
)
def test_what_is_not_said_both_ways_round_is_no_row(
    conn: sqlite3.Connection, ba: dict[str, Any] | None
) -> None:
    pair = add_pair(conn, TRAIN[0])
    add_verdicts(conn, [verdict(pair, "ab", "a")])
    if ba is not None:
        add_verdicts(conn, [verdict(pair, "ba", **ba)])
    opened(conn)
    assert rows(conn) == []


@pytest.mark.parametrize(
    "more",
    [
        {"level": "sealed"},
        {"split": "evaluation"},
        {"purpose": "arena"},
        {"answers": ("I am doing very well.", "I am doing  very well.")},
        {"answers": ("I am doing very well.", " ")},
    ],
)
def test_pairs_that_no_choice_would_be_trained_on_give_no_row(
    conn: sqlite3.Connection, more: dict[str, Any]
) -> None:
    judged(conn, TRAIN[0], **more)
    judged(conn, TRAIN[1])
    opened(conn)
    assert len(rows(conn)) == 1


def test_a_pair_that_was_sealed_since_gives_no_row(conn: sqlite3.Connection) -> None:
    pair = judged(conn)
    opened(conn)
    append_event(conn, kind="private", actor="owner", pair_id=pair)
    assert rows(conn) == []


def test_what_is_held_out_is_measured_by_choices_alone(conn: sqlite3.Connection) -> None:
    for text in HELD_OUT:
        judged(conn, text)
    opened(conn)
    assert rows(conn) == []
    assert len(rows(conn, held_out=0.0)) == len(HELD_OUT)


def test_of_several_judges_the_weightiest_speaks_and_none_where_they_disagree(
    conn: sqlite3.Connection,
) -> None:
    agreed, torn, lone = (add_pair(conn, text) for text in TRAIN[:3])
    for pair, winners in ((agreed, "bb"), (torn, "ab")):
        for model, winner in zip("mn", winners, strict=True):
            add_verdicts(conn, both_ways_verdicts(pair, winner, model=model))  # type: ignore[arg-type]
    # An abstention contradicts nobody.
    add_verdicts(conn, both_ways_verdicts(lone, "a", model="m"))
    add_verdicts(conn, both_ways_verdicts(lone, "tie", model="n"))
    light, heavy = opened(conn, model="m", weight=0.2), opened(conn, model="n", weight=0.6)
    assert {row.pair_id: row.gate for row in rows(conn)} == {agreed: heavy.id, lone: light.id}


def test_rows_of_choices_are_the_same_bytes_whoever_judged(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn, TRAIN[1])
    append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": "a"})
    before = build_preferences(conn, ANN)
    assert set(before[0].to_row()) == {
        "messages", "chosen", "rejected", "weight", "source", "pair_id", "prompt_id", "split",
    }  # fmt: skip
    judged(conn, TRAIN[0])
    opened(conn)
    after = rows(conn)
    assert [row.source for row in after] == ["owner", JUDGE]
    assert jsonl(row.to_row() for row in after[:1]) == jsonl(row.to_row() for row in before)


def test_verdicts_that_travelled_fill_what_nobody_chose_here(conn: sqlite3.Connection) -> None:
    opened(conn)
    pairs = [judged(conn, text) for text in TRAIN[:2]]
    packed = [row.to_row() for row in rows(conn)]
    own = {**packed[0], "source": "owner", "weight": 1.0}
    assert [row["source"] for row in with_packed([own], packed, 0.0)] == ["owner", JUDGE]
    assert with_packed([], packed, 0.0) == packed
    assert {row["pair_id"] for row in packed} == set(pairs)


def test_verdicts_that_travelled_count_no_more_where_this_store_knows_better(
    conn: sqlite3.Connection,
) -> None:
    opened(conn)
    chosen, sealed, other = (judged(conn, text) for text in TRAIN[:3])
    packed = [row.to_row() for row in rows(conn)]
    assert still_judged(conn, packed, 0.12) == packed
    append_event(conn, kind="choice", actor="owner", pair_id=chosen, payload={"outcome": "both"})
    append_event(conn, kind="private", actor="owner", pair_id=sealed)
    assert [row["pair_id"] for row in still_judged(conn, packed, 0.12)] == [other]
    # Of a larger share that is held out, some prompts were trained on before.
    assert still_judged(conn, packed, 0.999) == []
    opened(conn, is_open=False, time=LATER)
    assert still_judged(conn, packed, 0.12) == []
    assert still_judged(in_memory(), packed, 0.12) == []
