"""Conversations become rows: as much context as fits, each answer learned once, no gap."""

import itertools
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.conversations.examples.chats import PIECE_WORDS, chat_rows
from align.conversations.examples.example_rows import ExampleStatistics, RowLimit
from align.owner import Conversations
from align.store.adding import add_records
from align.store.records import Record
from tests.conversations.examples.writing import learned, rows, turn, words

# What a row of messages fills where words are counted: 24, and 12 a message.
FRAME, AROUND = 24, 12


def made_of(
    records: list[Record], most: int, answer: int | None = None
) -> tuple[list[dict[str, Any]], ExampleStatistics]:
    statistics = ExampleStatistics()
    made = list(chat_rows(records, Conversations(), RowLimit(words, most, answer), statistics))
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


def asked(made: list[dict[str, Any]]) -> list[list[str]]:
    return [[m["content"] for m in row["messages"] if m["role"] == "user"] for row in made]


def test_a_long_answer_is_learned_in_parts_that_end_with_sentences() -> None:
    sentences = [f"Sentence {at} goes on for nine words in all." for at in range(8)]
    long = " ".join(sentences)
    chat = [
        turn(0, "Well?", owner=False),
        turn(1, "Short.", owner=True),
        turn(2, "And?", owner=False),
        turn(3, long, owner=True),
        turn(4, "So?", owner=False),
        turn(5, "Yes.", owner=True),
    ]
    made, statistics = made_of(chat, 300, answer=40)
    assert asked(made) == [["Well?", "And?", "Go on.", "So?"]]
    parts = [" ".join(sentences[:4]), " ".join(sentences[4:])]
    assert learned(made) == ["Short.", *parts, "Yes."]
    assert not statistics.left_out


def test_what_goes_on_without_room_for_what_was_before_says_after_what() -> None:
    sentences = [f"Sentence {at} goes on for nine words in all." for at in range(12)]
    chat = [turn(0, "Well?", owner=False), turn(1, " ".join(sentences), owner=True)]
    made, _ = made_of(chat, 24 + 24 + 50)
    assert asked(made)[0] == ["Well?"] and len(made) > 2
    for before, row in itertools.pairwise(made):
        end = before["messages"][-1]["content"][-len(sentences[0]) :]
        assert row["messages"][0]["content"] == f'Go on after: "{end}"'
    assert " ".join(learned(made)) == chat[1].text
    assert all(length(row) <= 98 for row in made)


@given(st.text(st.sampled_from("ab .!?\n"), max_size=600), st.integers(60, 200), st.integers(1, 90))
def test_of_a_long_answer_no_letter_is_lost_and_no_part_is_too_long(
    text: str, most: int, answer: int
) -> None:
    chat = [turn(0, "Well?", owner=False), turn(1, f"I say {text}", owner=True)]
    made, _ = made_of(chat, most, answer=answer)
    parts = learned(made)
    assert "".join("".join(parts).split()) == "".join(chat[1].text.split())
    assert all(part == part.strip() and 0 < words(part) <= answer for part in parts)
    assert all(length(row) <= most for row in made)


def test_an_answer_that_is_no_longer_than_may_be_stays_whole() -> None:
    chat = [turn(0, "Well?", owner=False), turn(1, "One. Two.\n\nThree.", owner=True)]
    assert learned(made_of(chat, 300, answer=3)[0]) == ["One. Two.\n\nThree."]
    assert learned(made_of(chat, 300, answer=2)[0]) == ["One. Two.", "Three."]


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


@pytest.mark.parametrize(
    ("source", "prompt"),
    [
        ("interviews", 'Write a piece titled "The harvest".'),
        ("mail", 'Write a piece titled "The harvest".'),
        ("whatsapp", 'Write a piece titled "p0 p1 p2 p3 p4 p5 p6 p7".'),
    ],
)
def test_a_long_text_that_nobody_asked_for_is_a_piece_of_writing(source: str, prompt: str) -> None:
    opening = " ".join(f"p{at}" for at in range(PIECE_WORDS))
    more = {"source": source, "title": "The harvest", "time": "2021-05-03T10:00:00+00:00"}
    chat = [
        turn(0, opening, owner=True, **more),
        turn(1, "Is it good?", owner=False, **more),
        turn(2, "It is.", owner=True, **more),
        turn(3, f"x {opening}", owner=False, **more),
    ]
    made, statistics = made_of(chat, 300)
    assert sorted(learned(made)) == ["It is.", opening]
    assert made[1]["messages"][0]["content"] == prompt and made[1]["source"] == source
    assert not statistics.left_out
    short = [chat[0]._replace(text=" ".join(opening.split()[1:])), *chat[1:]]
    made, statistics = made_of(short, 300)
    assert learned(made) == ["It is."] and statistics.left_out == {"nobody-asked": 1}


@pytest.mark.parametrize("level_or_reason", [{"level": "sealed"}, {"left_out": "copy-paste"}])
def test_what_may_not_be_learned_is_no_piece_of_writing(level_or_reason: dict[str, Any]) -> None:
    made, statistics = made_of([turn(0, "w " * 200, owner=True, **level_or_reason)], 300)
    assert not made and list(statistics.left_out.values()) == [1]


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
