"""Documents become pieces and continuations: no word lost, cut where a reader would pause."""

import itertools
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.conversations.examples.cutting import (
    cut_at_paragraph_ends,
    last_sentence,
    sentences,
)
from align.conversations.examples.documents import document_rows
from align.conversations.examples.example_rows import RowLimit, estimated_tokens
from align.store.adding import add_records
from align.store.questions import Question, add_questions
from tests.conversations.examples.writing import OWNER, document, rows, words

TEXT = st.text(st.sampled_from("ab .!?\n#\t…\u2028"), max_size=300)


@given(st.text(max_size=400) | TEXT, st.integers(min_value=1, max_value=40))
def test_cut_text_joins_to_the_text(text: str, most: int) -> None:
    assert "".join(cut_at_paragraph_ends(text, words, most)) == text


@given(TEXT)
def test_no_cut_is_too_long_or_empty(text: str) -> None:
    pieces = cut_at_paragraph_ends(text, len, 50)
    assert all(len(piece.strip()) <= 50 for piece in pieces)
    assert all(piece.strip() for piece in pieces) or len(pieces) == 1


@given(st.text(max_size=600), st.integers(min_value=64, max_value=200))
def test_no_letter_of_a_document_is_lost_and_no_answer_begins_or_ends_blank(
    text: str, most: int
) -> None:
    record = document(text, title="A day")
    answers = [
        row["messages"][1]["content"]
        for row in document_rows(record, RowLimit(estimated_tokens, most, most // 3))
    ]
    assert "".join("".join(answers).split()) == "".join(record.text.split())
    assert all(answer == answer.strip() for answer in answers)
    assert all(estimated_tokens(answer) <= most // 3 for answer in answers)


def test_a_row_of_a_hundred_thousand_stops_is_cut_in_no_time() -> None:
    text = "Well" + "." * 100_000 + " " + "." * 20_000
    assert "".join(cut_at_paragraph_ends(text, len, 1000)) == text


def test_cuts_fall_on_paragraph_ends_where_there_are_any() -> None:
    paragraphs = [" ".join([f"Thing {at}{n} is so." for n in range(4)]) for at in range(6)]
    text = "\n\n".join(paragraphs)
    pieces = cut_at_paragraph_ends(text, words, 40)
    assert [piece.strip().split("\n\n") for piece in pieces] == [
        paragraphs[:2],
        paragraphs[2:4],
        paragraphs[4:],
    ]


def test_a_paragraph_that_is_too_long_is_cut_at_a_sentence_end() -> None:
    text = "Short one.\n\n" + " ".join(f"It is number {at}." for at in range(20))
    pieces = cut_at_paragraph_ends(text, words, 30)
    assert len(pieces) == 3
    assert all(piece.strip().endswith(".") for piece in pieces)


@pytest.mark.parametrize(
    "text",
    ["I saw Mr. Hall in the U.S. Treasury.", "So said J. K. Lowe.", "By Capt. Ann, e.g. at sea."],
)
def test_the_stop_of_an_initial_or_a_title_ends_no_sentence(text: str) -> None:
    assert sentences(f"{text} It was late.") == [f"{text} ", "It was late."]


def test_a_shortened_last_sentence_begins_with_a_word() -> None:
    assert last_sentence("It rained. The harvest was good.", 12) == "was good."
    assert last_sentence("It rained. The harvest was good.", 99) == "The harvest was good."
    assert last_sentence("abcdef" * 9, 12) == "abcdef" * 2


def test_pieces_are_about_equally_long() -> None:
    text = " ".join(f"It is number {at}." for at in range(26))
    assert [words(piece) for piece in cut_at_paragraph_ends(text, words, 100)] == [64, 40]


def test_a_heading_goes_with_what_it_heads() -> None:
    body = " ".join("So it is." for _ in range(9))
    text = f"{body}\n\n## Why?\n\n{body}"
    first, second = cut_at_paragraph_ends(text, words, 30)
    assert first == f"{body}\n\n"
    assert second.startswith("## Why?")


def test_a_long_document_becomes_continuations(conn: sqlite3.Connection) -> None:
    text = " ".join(f"This is sentence number {at}, of many." for at in range(80))
    add_records(conn, [document(text, title="Counting")])
    made = rows(conn, max_tokens=200)
    assert len(made) > 2
    assert made[0]["messages"][0]["content"] == 'Write a piece titled "Counting".'
    assert " ".join(row["messages"][1]["content"] for row in made) == text
    for before, row in itertools.pairwise(made):
        last = before["messages"][1]["content"].strip().split(". ")[-1]
        assert row["messages"][0]["content"] == f'Continue "Counting" after: "{last}"'
    assert all(estimated_tokens(row["messages"][1]["content"]) <= 200 for row in made)


def test_the_prompt_says_when_it_was_written_where_that_is_asked_for_and_known(
    conn: sqlite3.Connection,
) -> None:
    dated = document("It rained.", title="May", time="2021-05-03T10:00:00+00:00")
    add_records(conn, [dated, document("It didn't.", title="June", origin="d2", thread="d2")])

    def asked(**more: bool) -> list[str]:
        return [row["messages"][0]["content"] for row in rows(conn, **more)]

    assert asked() == ['Write a piece titled "May".', 'Write a piece titled "June".']
    assert asked(dates=True)[0] == 'Write a piece titled "May", dated 2021-05-03.'
    assert asked(dates=True)[1] == 'Write a piece titled "June".'


def test_a_document_without_a_title_goes_on_after_its_first_sentence(
    conn: sqlite3.Connection,
) -> None:
    text = "One is first. Two comes then.\n\nAnd three is last."
    add_records(conn, [document(text, title=None)])
    (row,) = rows(conn)
    assert [message["content"] for message in row["messages"]] == [
        'Continue after: "One is first."', "Two comes then.\n\nAnd three is last.",
    ]  # fmt: skip


def test_a_sentence_without_a_title_is_named_by_its_first_words(conn: sqlite3.Connection) -> None:
    add_records(conn, [document("One two three four five six seven eight nine.")])
    (row,) = rows(conn)
    assert row["messages"][0]["content"] == (
        'Write a piece titled "One two three four five six seven eight".'
    )


def test_documents_of_others_are_no_examples(conn: sqlite3.Connection) -> None:
    add_records(conn, [document("Somebody else's.", is_owner=False)])
    assert rows(conn) == []


def test_what_was_said_plainly_is_answered_with_the_owners_words_as_the_mix_says(
    conn: sqlite3.Connection,
) -> None:
    text = " ".join(f"Sentence {at} is of five words." for at in range(20))
    record = document(text, title="Counting")
    add_records(conn, [record])
    asked = "Say this as you would: I count."
    written = Question(
        record_id=record.id, start=0, stop=len(text), question=asked, writer="plain:x",
        overlap=1.0, gain=0.1,
    )  # fmt: skip
    add_questions(conn, [written])

    def plain(mix: dict[str, float], **more: int) -> list[str]:
        owner = OWNER.model_copy(update={"mix": mix})
        made = [row for row in rows(conn, owner, **more) if row["source"] == "plain"]
        assert all(row["messages"][0]["content"] == asked for row in made)
        return [row["messages"][1]["content"] for row in made]

    assert plain({}) == [text]
    assert plain({"plain": 0}) == [] and plain({"plain": 2}) == [text] * 2
    assert rows(conn, OWNER.model_copy(update={"mix": {"documents": 0}}))[-1]["source"] == "plain"
    [part] = plain({}, longest_answer=100)
    assert text.startswith(part) and part.endswith(".") and len(part) < len(text)
