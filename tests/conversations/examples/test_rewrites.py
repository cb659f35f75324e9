"""What the owner wrote in place of two answers is learned as far as it stands."""

import sqlite3
from typing import Any

from align.conversations.examples.building import rewrite_rows
from align.store.adding import add_records
from align.store.events import Event
from align.store.prompts import Prompt, add_prompts
from tests.conversations.examples.writing import document, rows, turn
from tests.store.rows import add_pair, append_event


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


def test_turns_before_a_rewrite_are_context(conn: sqlite3.Connection) -> None:
    for source, asked in (("asked", "Owner's?"), ("added", "Somebody's?")):
        before = [("user", "Hello."), ("assistant", f"Hi, said {source}."), ("user", asked)]
        messages = [{"role": role, "content": text} for role, text in before]
        prompt = Prompt.new(messages, source=source, thread=source, split="train")  # type: ignore[arg-type]
        add_prompts(conn, [prompt])
        pair = add_pair(conn, asked, ("x", "y"))
        # The pair's answers reply to the conversation, not to its last turn alone.
        conn.execute("UPDATE pairs SET prompt_id = ? WHERE id = ?", (prompt.id, pair))
        append_event(conn, kind="rewrite", actor="owner", pair_id=pair, payload={"text": "Mine."})
    made = sorted(rewrite_rows(conn), key=lambda row: row["messages"][1]["content"])
    assert [row["messages"][1] for row in made] == [
        {"role": "assistant", "content": f"Hi, said {source}.", "train": False}
        for source in ("added", "asked")
    ]
    assert all(row["messages"][-1] == {"role": "assistant", "content": "Mine."} for row in made)
