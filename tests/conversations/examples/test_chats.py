"""Conversations become rows: as much context as fits, each answer learned once, no gap."""

import sqlite3
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from align.conversations.examples.chats import chat_rows
from align.conversations.examples.example_rows import ExampleStatistics, RowLimit
from align.owner import Conversations
from align.store.adding import add_records
from align.store.records import Record
from tests.conversations.examples.writing import learned, rows, turn, words

# What a row of messages fills where words are counted: 24, and 12 a message.
FRAME, AROUND = 24, 12


def made_of(records: list[Record], most: int) -> tuple[list[dict[str, Any]], ExampleStatistics]:
    statistics = ExampleStatistics()
    made = list(chat_rows(records, Conversations(), RowLimit(words, most), statistics))
    return made, statistics


def length(row: dict[str, Any]) -> int:
    return FRAME + sum(words(message["content"]) + AROUND for message in row["messages"])


def test_chat_stays_a_chat_and_ends_with_the_owner(conn: sqlite3.Connection) -> None:
    said = [("Hi", False), ("Still there?", False), ("Yes.", True), ("Good", False)]
    add_records(conn, [turn(at, text, owner=owner) for at, (text, owner) in enumerate(said)])
    (row,) = rows(conn)
    assert row["messages"] == [
        {"role": "user", "content": "Hi\n\nStill there?"},
        {"role": "assistant", "content": "Yes."},
    ]
    assert len(row["record_ids"]) == 3


def test_sealed_turn_is_no_context_and_cuts_the_chat(conn: sqlite3.Connection) -> None:
    add_records(
        conn,
        [
            turn(0, "First?", owner=False),
            turn(1, "One.", owner=True),
            turn(2, "SECRET question", owner=False, level="sealed"),
            turn(3, "Answer to what is gone.", owner=True),
            turn(4, "Second?", owner=False),
            turn(5, "Two.", owner=True),
        ],
    )
    made = rows(conn)
    assert "SECRET" not in str(made) and "gone" not in str(made)
    assert [row["messages"][0]["content"] for row in made] == ["First?", "Second?"]


def test_a_full_row_is_followed_by_one_that_begins_with_what_was_said_before() -> None:
    chat = [turn(at, f"turn {at} " + "word " * 8, owner=bool(at % 2)) for at in range(12)]
    # An exchange fills 44: two fit beside the frame, and one in half of the room.
    made, _ = made_of(chat, 24 + 2 * 44)
    shapes = [
        [
            (message["content"].split()[1], message.get("train", True))
            for message in row["messages"]
            if message["role"] == "assistant"
        ]
        for row in made
    ]
    assert shapes == [
        [("1", True), ("3", True)],
        [("3", False), ("5", True)],
        [("5", False), ("7", True)],
        [("7", False), ("9", True)],
        [("9", False), ("11", True)],
    ]
    assert all(row["messages"][0]["role"] == "user" for row in made)


def test_an_answer_is_never_shortened_and_the_context_makes_way_for_it() -> None:
    chat = [
        turn(0, "one " * 5, owner=False),
        turn(1, "two " * 5, owner=True),
        turn(2, "three " * 5, owner=False),
        turn(3, "four " * 60, owner=True),
    ]
    made, _ = made_of(chat, 24 + 24 + 70)
    assert [len(row["messages"]) for row in made] == [2, 2]
    assert learned(made) == [chat[1].text.strip(), chat[3].text.strip()]


def test_of_a_long_question_the_end_is_kept() -> None:
    chat = [
        turn(0, " ".join(f"w{at}" for at in range(500)) + " and what do you think?", owner=False),
        turn(1, "I like it.", owner=True),
    ]
    ((row,), _) = made_of(chat, 100)
    question = row["messages"][0]["content"]
    assert question.startswith("… w") and question.endswith("and what do you think?")
    assert 90 <= length(row) <= 100


def test_an_answer_longer_than_a_row_is_counted_and_parts_the_chat() -> None:
    chat = [
        turn(0, "Well?", owner=False),
        turn(1, "Short.", owner=True),
        turn(2, "And?", owner=False),
        turn(3, "long " * 200, owner=True),
        turn(4, "So?", owner=False),
        turn(5, "Yes.", owner=True),
    ]
    made, statistics = made_of(chat, 100)
    assert learned(made) == ["Short.", "Yes."]
    assert [len(row["messages"]) for row in made] == [2, 2]
    assert statistics.left_out == {"answer-too-long": 1}


def test_an_estimate_alone_leaves_out_no_answer_that_may_fit(conn: sqlite3.Connection) -> None:
    chat = [turn(0, "Well?", owner=False), turn(1, "much " * 90, owner=True)]
    add_records(conn, chat)
    (row,) = rows(conn, max_tokens=128)
    assert row["messages"][1]["content"] == chat[1].text.strip()
    assert rows(conn, max_tokens=128, count_tokens=lambda text: 2 * words(text)) == []


def test_what_is_only_context_is_said_to_be_and_ends_no_row() -> None:
    chat = [
        turn(0, "Coming?", owner=False),
        turn(1, "ok", owner=True, left_out="too-short"),
        turn(2, "When then?", owner=False),
        turn(3, "After the rain has stopped.", owner=True),
        turn(4, "Good.", owner=False),
        turn(5, "ok", owner=True, left_out="too-short"),
    ]
    ((row,), statistics) = made_of(chat, 500)
    assert [message.get("train") for message in row["messages"]] == [None, False, None, None]
    assert statistics.left_out == {"too-short": 2}


def test_what_nobody_asked_is_counted() -> None:
    chat = [
        turn(0, "Lunch?", owner=True),
        turn(1, "Where?", owner=False),
        turn(2, "The new place.", owner=True),
        turn(3, "ok", owner=True, left_out="too-short"),
        turn(4, "Fine.", owner=False, level="sealed"),
        turn(5, "Then at one.", owner=True),
        turn(6, "SEALED", owner=True, level="sealed"),
    ]
    made, statistics = made_of(chat, 500)
    assert learned(made) == ["The new place.\n\nok"]
    assert made[0]["messages"][0]["content"] == "> Lunch?\nWhere?"
    assert statistics.left_out == {"nobody-asked": 2, "sealed": 1}
    assert [record.text for record in statistics.shown["nobody-asked"]] == [
        "Lunch?",
        "Then at one.",
    ]
    assert not statistics.shown["sealed"]


CHATS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([None, None, None, "too-short", "media-only"]),
        st.integers(1, 60),
    ),
    max_size=40,
)


@given(CHATS, st.integers(60, 300))
def test_each_answer_is_learned_once_or_counted_and_no_row_is_too_long(
    chat: list[tuple[bool, str | None, int]], most: int
) -> None:
    records = [
        turn(at, f"m{at} " + "word " * size, owner=owner, left_out=reason)
        for at, (owner, reason, size) in enumerate(chat)
    ]
    made, statistics = made_of(records, most)
    said = " ".join(learned(made)).split()
    mine = [f"m{at}" for at, (owner, _, _) in enumerate(chat) if owner]
    times = {name: said.count(name) for name in mine}
    assert set(times.values()) <= {0, 1}
    assert sum(times.values()) + sum(statistics.left_out.values()) == len(mine)
    for row in made:
        assert length(row) <= most
        assert row["messages"][-1]["role"] == "assistant" and "train" not in row["messages"][-1]
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        context = [m for m in row["messages"] if m.get("train") is False]
        assert sum(words(m["content"]) for m in context) <= most
