"""Choices become rows: who chose, how much it counts, and what is held out."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align.conversations.prompts import add_asked_prompts
from align.owner import Owner
from align.preferences.choice_rows import build_preferences, record_pairs, replied_prompts
from align.preferences.preference import Preference, side_of
from align.preferences.verdict_rows import with_packed
from align.store.adding import add_records
from align.store.answers import Answer, add_answers
from align.store.connection import connect
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts, iter_prompts
from align.store.records import Record, set_level
from tests.store.rows import append_event

ANN = Owner(name="Ann")


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
        Answer(
            prompt_id=prompt.id, text=f"answer {side} {at}", checkpoint="001-sft",
            checkpoint_hash="h", settings={}, seed=1, n=n,
        )
        for n, side in enumerate("ab")
    ]  # fmt: skip
    add_prompts(conn, [prompt])
    add_answers(conn, answers)
    made = Pair(prompt_id=prompt.id, answer_a=answers[0].id, answer_b=answers[1].id)
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
    (row,) = build_preferences(conn, ANN)
    assert (row.chosen, row.rejected) == ("answer b 1", "answer a 1")
    assert (row.weight, row.source) == (1.0, "simulated")
    assert row.messages == ({"role": "user", "content": "Question 1?"},)


def test_owner_beats_the_simulated_owner(conn: sqlite3.Connection) -> None:
    named = pair(conn, 1)
    choose(conn, named, "a", "owner")
    choose(conn, named, "b", "simulated")
    (row,) = build_preferences(conn, ANN)
    assert (row.chosen, row.source) == ("answer a 1", "owner")


def test_both_and_neither_are_never_rows(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1), "both")
    choose(conn, pair(conn, 2), "neither")
    assert build_preferences(conn, ANN) == []


def test_rewrite_beats_both_answers_at_half_weight_each(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1), "rewrite", text="In my own words.")
    first, second = build_preferences(conn, ANN)
    assert first.chosen == second.chosen == "In my own words."
    assert {first.rejected, second.rejected} == {"answer a 1", "answer b 1"}
    assert first.weight == second.weight == 0.5


def test_sealed_and_evaluation_prompts_are_never_rows(conn: sqlite3.Connection) -> None:
    choose(conn, pair(conn, 1, level="sealed"), "a")
    choose(conn, pair(conn, 2, split="evaluation"), "a")
    assert build_preferences(conn, ANN) == []


def test_a_prompts_side_never_moves_and_the_share_holds() -> None:
    sides = [side_of(f"prompt {at}", 0.12) for at in range(2000)]
    assert 0.09 < sides.count("held_out") / 2000 < 0.15
    assert side_of("prompt 5", 0.12) == side_of("prompt 5", 0.12)
    # A larger share keeps what the smaller held out.
    smaller = {at for at in range(2000) if side_of(f"prompt {at}", 0.1) == "held_out"}
    larger = {at for at in range(2000) if side_of(f"prompt {at}", 0.2) == "held_out"}
    assert smaller <= larger


def ask(conn: sqlite3.Connection, question: str, reply: str, **fields: Any) -> None:
    """Add a question that somebody asked the owner, and their reply."""
    kept: dict[str, Any] = {"kind": "turn", "source": "telegram", "split": "train", "level": "open"}
    add_records(
        conn,
        [
            Record.new(text=text, is_owner=bool(at), position=at, origin=question, thread=question,
                       **kept | fields)
            for at, text in enumerate((question, reply))
        ],
    )  # fmt: skip
    add_asked_prompts(conn, ANN)


def draw(conn: sqlite3.Connection, question: str, *texts: str, checkpoint: str = "h") -> list[str]:
    """Add the answers that a model gave to what was asked, and return their ids."""
    [prompt] = [p for p in iter_prompts(conn, source="asked") if p.text == question]
    answers = [
        Answer(prompt_id=prompt.id, text=text, checkpoint="001-sft", checkpoint_hash=checkpoint,
                   settings={}, seed=0, n=n)
        for n, text in enumerate(texts)
    ]  # fmt: skip
    add_answers(conn, answers)
    return [answer.id for answer in answers]


def against(conn: sqlite3.Connection, **more: Any) -> list[Preference]:
    settings: dict[str, Any] = {"against_records": 0.4, "checkpoint_hash": "h"}
    return build_preferences(conn, ANN, **settings | more)


def test_the_real_reply_is_preferred_to_the_twins_answer(conn: sqlite3.Connection) -> None:
    ask(conn, "Tea?", "Only if there is honey in it.")
    draw(conn, "Tea?", "I would say so, yes.", "Never mind.")
    [row] = against(conn)
    assert (row.chosen, row.rejected) == ("Only if there is honey in it.", "I would say so, yes.")
    assert (row.weight, row.source, row.pair_id) == (0.4, "record", "")
    assert row.messages == ({"role": "user", "content": "Tea?"},)
    assert row.split == side_of(row.prompt_id, 0.12)


@pytest.mark.parametrize("longer", [50, 150, 300])
def test_of_a_long_reply_the_first_part_stands_against_an_answer(
    conn: sqlite3.Connection, longer: int
) -> None:
    sentences = [f"Of thing {at} I say some ten words in all." for at in range(24)]
    ask(conn, "Tea?", " ".join(sentences))
    draw(conn, "Tea?", "well " * longer)
    [row] = against(conn)
    assert row.chosen == " ".join(sentences[: row.chosen.count("Of")])
    assert len(row.chosen.split()) <= max(150, longer)
    assert (row.chosen == " ".join(sentences)) == (longer == 300)


def test_real_replies_are_off_unless_they_are_asked_for(conn: sqlite3.Connection) -> None:
    ask(conn, "Tea?", "Only if there is honey in it.")
    draw(conn, "Tea?", "I would say so, yes.")
    assert build_preferences(conn, ANN, checkpoint_hash="h") == []
    assert build_preferences(conn, ANN, against_records=1.0) == []


def test_only_answers_of_the_twin_that_is_trained_count(conn: sqlite3.Connection) -> None:
    ask(conn, "Tea?", "Only if there is honey in it.")
    draw(conn, "Tea?", "I would say so, yes.", checkpoint="older")
    assert against(conn) == []
    assert len(against(conn, checkpoint_hash="older")) == 1


@pytest.mark.parametrize("answer", ["", " \n", "Only if there is  honey in it."])
def test_empty_and_near_identical_answers_are_no_pair(
    conn: sqlite3.Connection, answer: str
) -> None:
    ask(conn, "Tea?", "Only if there is honey in it.")
    draw(conn, "Tea?", answer)
    assert against(conn) == []


def test_evaluation_and_sealed_prompts_are_never_held_against_records(
    conn: sqlite3.Connection,
) -> None:
    ask(conn, "Held out?", "That is held out.", split="evaluation")
    ask(conn, "Sealed later?", "That was not sealed yet.")
    for question in ("Held out?", "Sealed later?"):
        draw(conn, question, "Something else altogether.")
    assert len(replied_prompts(conn, ANN)) == 1
    set_level(conn, "sealed", thread="Sealed later?")
    assert replied_prompts(conn, ANN) == []
    assert record_pairs(conn, ANN, "h") == []
    assert against(conn) == []


@pytest.mark.parametrize("outcome", ["a", "both"])
def test_where_the_owner_chose_only_their_choice_counts(
    conn: sqlite3.Connection, outcome: str
) -> None:
    ask(conn, "Tea?", "Only if there is honey in it.")
    first, second = draw(conn, "Tea?", "I would say so, yes.", "Never in my life.")
    [prompt] = iter_prompts(conn, source="asked")
    made = Pair(prompt_id=prompt.id, answer_a=first, answer_b=second)
    add_pairs(conn, [made])
    assert [row.source for row in against(conn)] == ["record"]
    choose(conn, made.id, outcome)
    assert [row.source for row in against(conn)] == (["owner"] if outcome == "a" else [])


def test_names_are_taken_out_of_every_row(conn: sqlite3.Connection) -> None:
    ask(conn, "Have you met Zora?", "Zora and I went to school.")
    draw(conn, "Have you met Zora?", "I know Zora well, and her mail: zora@example.org.")
    choose(conn, pair(conn, 1), "rewrite", text="Ask Zora.")
    owner = Owner(name="Ann", names=["Zora"])
    rows = build_preferences(conn, owner, against_records=1.0, checkpoint_hash="h")
    assert len(rows) == 3
    assert not any(word in str(rows) for word in ("Zora", "zora@"))


def test_rows_that_travelled_fill_what_this_machine_cannot_make() -> None:
    def row(prompt: str, source: str) -> dict[str, Any]:
        return {"prompt_id": prompt, "source": source, "weight": 0.5}

    packed = [row("p1", "owner"), row("p2", "record"), row("p3", "record")]
    assert with_packed([], packed, 0.0) == [row("p1", "owner")]
    assert with_packed([], packed, 1.0) == [
        row("p1", "owner"),
        row("p2", "record") | {"weight": 1.0},
        row("p3", "record") | {"weight": 1.0},
    ]
    newer = [row("p3", "owner")]
    assert with_packed(newer, packed, 0.5) == [*newer, row("p2", "record")]
    own = [row("p4", "record")]
    assert with_packed(own, packed, 0.5) == own
