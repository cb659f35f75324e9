"""Records become conversations: no word lost, nothing private in, no gap in a chat."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.examples import build_examples, cut_at_sentence_ends, estimated_tokens, rewrite_rows
from align.identity import identity_rows
from align.owner import Owner
from align.store.connection import connect
from align.store.events import Event, append_event
from align.store.prompts import Prompt, add_prompts
from align.store.records import Record, add_records
from tests.store.rows import add_pair

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


def rewrite(
    conn: sqlite3.Connection, text: str, *, asked: str = "Well?", actor: str = "owner", **more: Any
) -> Event:
    pair = add_pair(conn, asked, ("x", "y"), **more)
    payload = {"text": text, "of": None}
    return append_event(conn, kind="rewrite", actor=actor, pair_id=pair, payload=payload)  # type: ignore[arg-type]


def did(conn: sqlite3.Connection, kind: str, event: Event, **payload: Any) -> Event:
    values = {"target": [event.device, event.counter]} if kind in ("undo", "redo") else payload
    return append_event(conn, kind=kind, actor="owner", pair_id=event.pair_id, payload=values)  # type: ignore[arg-type]


def test_a_rewrite_is_the_answer_to_its_prompt(conn: sqlite3.Connection) -> None:
    add_records(conn, [document("Plain words.")])
    rewrite(conn, "  In my own words.\n", level="train-only")
    made = rows(conn)
    assert [row["source"] for row in made] == ["documents", "rewrite"]
    assert made[1] == {
        "messages": [
            {"role": "user", "content": "Well?"},
            {"role": "assistant", "content": "In my own words."},
        ],
        "source": "rewrite",
        "record_ids": [],
    }
    assert rows(conn, split="evaluation") == []


def test_a_rewrite_that_was_taken_back_vanishes_until_it_is_done_again(
    conn: sqlite3.Connection,
) -> None:
    first = rewrite(conn, "Slip.")
    taken_back = did(conn, "undo", first)
    assert rows(conn) == []
    did(conn, "redo", taken_back)
    assert len(rows(conn)) == 1
    did(conn, "choice", first, outcome="a")
    assert rows(conn) == []


def test_a_rewrite_of_a_private_pair_is_never_trained_on(conn: sqlite3.Connection) -> None:
    did(conn, "private", rewrite(conn, "Called private.", asked="One?"))
    rewrite(conn, "Sealed prompt.", asked="Two?", level="sealed")
    add_records(conn, [turn(0, "Three?", owner=False, level="sealed")])
    (sealed,) = conn.execute("SELECT id FROM records").fetchone()
    rewrite(conn, "Sealed record.", asked="Three?", records=[sealed])
    assert rows(conn) == rows(conn, split="evaluation") == []


def test_a_rewrite_for_evaluation_is_never_trained_on(conn: sqlite3.Connection) -> None:
    rewrite(conn, "Held out.", asked="One?", split="evaluation")
    rewrite(conn, "Of the arena.", asked="Two?", purpose="arena")
    assert rows(conn) == rows(conn, split="evaluation") == []


def test_only_the_owner_rewrites_for_the_owner(conn: sqlite3.Connection) -> None:
    rewrite(conn, "Simulated.", asked="One?", actor="simulated")
    rewrite(conn, "Imported.", asked="Two?", actor="imported")
    rewrite(conn, " \n", asked="Three?")
    assert rows(conn) == []


def test_turns_before_a_rewrite_are_the_owners_or_it_is_no_example(
    conn: sqlite3.Connection,
) -> None:
    for source, asked in (("asked", "Owner's?"), ("added", "Somebody's?")):
        before = [("user", "Hello."), ("assistant", f"Hi, said {source}."), ("user", asked)]
        messages = [{"role": role, "content": text} for role, text in before]
        prompt = Prompt.new(messages, source=source, thread=source, split="train")  # type: ignore[arg-type]
        add_prompts(conn, [prompt])
        pair = add_pair(conn, asked, ("x", "y"))
        # The pair's answers reply to the conversation, not to its last turn alone.
        conn.execute("UPDATE pairs SET prompt_id = ? WHERE id = ?", (prompt.id, pair))
        append_event(conn, kind="rewrite", actor="owner", pair_id=pair, payload={"text": "Mine."})
    (row,) = rewrite_rows(conn)
    assert [turn["content"] for turn in row["messages"]][1:] == [
        "Hi, said asked.",
        "Owner's?",
        "Mine.",
    ]
