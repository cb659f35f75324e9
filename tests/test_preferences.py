"""Choices become rows: who chose, how much it counts, and what is held out."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align.preferences import build_preferences, side_of
from align.store.answers import Answer, add_answers
from align.store.connection import connect
from align.store.events import append_event
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "twin.db", create=True)


def pair(conn: sqlite3.Connection, at: int, **more: Any) -> str:
    prompt = Prompt.new(
        messages=({"role": "user", "content": f"Question {at}?"},),
        source="added",
        thread=f"t{at}",
        split=more.get("split", "train"),
        level=more.get("level", "open"),
    )
    answers = [
        Answer.new(
            prompt_id=prompt.id, text=f"answer {side} {at}", checkpoint="001-sft",
            checkpoint_hash="h", settings={}, seed=1, n=n,
        )
        for n, side in enumerate("ab")
    ]  # fmt: skip
    add_prompts(conn, [prompt])
    add_answers(conn, answers)
    made = Pair.new(prompt_id=prompt.id, answer_a=answers[0].id, answer_b=answers[1].id)
    add_pairs(conn, [made])
    return made.id


def choose(
    conn: sqlite3.Connection, pair_id: str, outcome: str, actor: str = "owner", **more: Any
) -> None:
    kind = "rewrite" if outcome == "rewrite" else "choice"
    payload = {"text": more["text"]} if outcome == "rewrite" else {"outcome": outcome}
    shown = {"left": "a", "ms": 1, "selection": "random", "selection_seed": 1}
    payload |= {**shown, "probability": 1.0, "version": "t"}
    append_event(conn, kind=kind, actor=actor, pair_id=pair_id, payload=payload)  # type: ignore[arg-type]


def test_choice_becomes_a_row_with_its_source(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1), "b", "simulated")
    (row,) = build_preferences(conn)
    assert (row.chosen, row.rejected) == ("answer b 1", "answer a 1")
    assert (row.weight, row.source) == (1.0, "simulated")
    assert row.messages == ({"role": "user", "content": "Question 1?"},)


def test_owner_beats_the_simulated_owner(conn: sqlite3.Connection) -> None:
    named = pair(conn, 1)
    choose(conn, named, "a", "owner")
    choose(conn, named, "b", "simulated")
    (row,) = build_preferences(conn)
    assert (row.chosen, row.source) == ("answer a 1", "owner")


def test_both_and_neither_are_never_rows(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1), "both")
    choose(conn, pair(conn, 2), "neither")
    assert build_preferences(conn) == []


def test_rewrite_beats_both_answers_at_half_weight_each(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1), "rewrite", text="In my own words.")
    first, second = build_preferences(conn)
    assert first.chosen == second.chosen == "In my own words."
    assert {first.rejected, second.rejected} == {"answer a 1", "answer b 1"}
    assert first.weight == second.weight == 0.5


def test_sealed_and_evaluation_prompts_are_never_rows(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1, level="sealed"), "a")
    choose(conn, pair(conn, 2, split="evaluation"), "a")
    assert build_preferences(conn) == []


def test_a_prompts_side_never_moves_and_the_share_holds() -> None:
    sides = [side_of(f"prompt {at}", 0.12) for at in range(2000)]
    assert 0.09 < sides.count("held_out") / 2000 < 0.15
    assert side_of("prompt 5", 0.12) == side_of("prompt 5", 0.12)
    # A larger share keeps what the smaller held out.
    smaller = {at for at in range(2000) if side_of(f"prompt {at}", 0.1) == "held_out"}
    larger = {at for at in range(2000) if side_of(f"prompt {at}", 0.2) == "held_out"}
    assert smaller <= larger
