"""Records become conversations: no word lost, nothing private in, no gap in a chat."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.examples import build_examples, cut_at_sentence_ends, estimated_tokens
from align.identity import identity_rows
from align.owner import Owner
from align.store.connection import connect
from align.store.records import Record, add_records

OWNER = Owner(name="Ann", aliases=["Annie"], facts={"Where do you live?": "By the sea."})


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    conn = connect(tmp_path / "twin.db", create=True)
    yield conn
    conn.close()


def turn(at: int, text: str, *, owner: bool, **more: Any) -> Record:
    values = {"source": "messages", "origin": "c1", "thread": "c1", "split": "train"} | more
    values.setdefault("level", "open")
    return Record.new(kind="turn", position=at, text=text, is_owner=owner, **values)


def document(text: str, **more: Any) -> Record:
    values = {"source": "documents", "origin": "d1", "thread": "d1", "split": "train"} | more
    values.setdefault("level", "open")
    return Record.new(kind="document", text=text, is_owner=True, **values)


def rows(conn: sqlite3.Connection, **more: Any) -> list[dict[str, Any]]:
    return list(build_examples(conn, OWNER, identity=False, **more))


@given(st.text(max_size=400), st.integers(min_value=1, max_value=40))
def test_cut_text_joins_to_the_text(text: str, most: int) -> None:
    assert "".join(cut_at_sentence_ends(text, lambda piece: len(piece.split()), most)) == text


@given(st.lists(st.text("ab .!?\n", min_size=1, max_size=80), max_size=6))
def test_stretches_are_short_enough(texts: list[str]) -> None:
    text = ". ".join(texts)
    for piece in cut_at_sentence_ends(text, len, 50):
        assert len(piece.strip()) <= 50


def test_long_document_becomes_continuations_without_a_word_lost(conn: sqlite3.Connection) -> None:
    text = " ".join(f"This is sentence number {at}, of many." for at in range(80))
    add_records(conn, [document(text, title="Counting")])
    made = rows(conn, max_tokens=200)
    assert len(made) > 2
    assert made[0]["messages"][0]["content"] == 'Write a piece titled "Counting".'
    assert "".join(row["messages"][1]["content"] for row in made) == text
    for before, row in itertools.pairwise(made):
        last = before["messages"][1]["content"].strip().split(". ")[-1]
        assert row["messages"][0]["content"] == f'Continue "Counting" after: "{last}"'
    assert all(estimated_tokens(row["messages"][1]["content"]) <= 200 for row in made)


def test_chat_stays_a_chat_and_ends_with_the_owner(conn: sqlite3.Connection) -> None:
    said = [("Hi", False), ("Still there?", False), ("Yes.", True), ("Good", False)]
    add_records(conn, [turn(at, text, owner=owner) for at, (text, owner) in enumerate(said)])
    (row,) = rows(conn)
    assert row["messages"] == [
        {"role": "user", "content": "Hi\nStill there?"},
        {"role": "assistant", "content": "Yes."},
    ]
    assert len(row["record_ids"]) == 3


def test_sealed_turn_is_no_context_and_cuts_the_chat(conn: sqlite3.Connection) -> None:
    add_records(
        conn,
        [
            turn(0, "First?", owner=False),
            turn(1, "One.", owner=True),
            turn(3, "Answer to what is gone.", owner=True),
            turn(4, "Second?", owner=False),
            turn(5, "Two.", owner=True),
        ],
    )
    add_records(conn, [turn(2, "SECRET question", owner=False, level="sealed")])
    made = rows(conn)
    text = str(made)
    assert "SECRET" not in text and "gone" not in text
    assert [row["messages"][0]["content"] for row in made] == ["First?", "Second?"]


def test_sealed_left_out_and_evaluation_records_are_never_in_a_row(
    conn: sqlite3.Connection,
) -> None:
    add_records(
        conn,
        [
            document("SEALED words here.", origin="s", thread="s", level="sealed"),
            document("TWICE said.", origin="t", thread="t", left_out="duplicate"),
            document("LATER measured.", origin="e", thread="e", split="evaluation"),
            document("Plain words.", origin="p", thread="p", level="train-only"),
        ],
    )
    assert [row["messages"][1]["content"] for row in rows(conn)] == ["Plain words."]
    held = rows(conn, split="evaluation")
    assert [row["messages"][1]["content"] for row in held] == ["LATER measured."]


def test_long_chat_is_cut_between_exchanges(conn: sqlite3.Connection) -> None:
    said = [turn(at, f"word {at} " * 20, owner=bool(at % 2)) for at in range(12)]
    add_records(conn, said)
    made = rows(conn, max_tokens=200)
    assert len(made) > 1
    ids = [one for row in made for one in row["record_ids"]]
    assert sorted(ids) == sorted(record.id for record in said)


def test_identity_conversations_are_some_held_out_and_speak_the_owners_words() -> None:
    made = identity_rows(OWNER)
    assert 15 <= len(made) <= 40
    held = [row for row in made if row["split"] == "held_out"]
    assert 0 < len(held) < len(made) / 2
    answers = {row["messages"][1]["content"] for row in made}
    assert {"I'm Ann.", "By the sea."} <= answers


def test_identity_takes_its_sides(conn: sqlite3.Connection) -> None:
    train = list(build_examples(conn, OWNER))
    held = list(build_examples(conn, OWNER, split="evaluation"))
    assert len(train) + len(held) == len(identity_rows(OWNER))
    assert {row["source"] for row in train} == {"identity"}


def test_an_owner_of_whom_only_the_name_is_known_has_twenty_identity_conversations():
    assert len(identity_rows(Owner(name="Ann"))) == 20
