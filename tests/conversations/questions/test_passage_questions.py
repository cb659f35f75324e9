import sqlite3

import pytest

from align.conversations.questions.passage_questions import (
    exchanges,
    open_passages,
    plain_exchanges,
)
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.questions import Question, add_questions
from align.store.records import Record, iter_records
from tests.store.rows import record

TEXT = "\n\n".join(
    f"Bread is what I bake on {day}. The bread wants time, and I have learned to give it that; the "
    "rest is flour and water and a warm corner of the kitchen."
    for day in ("Monday", "Tuesday")
)


@pytest.fixture
def conn() -> sqlite3.Connection:
    conn = in_memory()
    add_records(conn, [record(TEXT, kind="document", title="On bread")])
    return conn


def post(conn: sqlite3.Connection) -> Record:
    return next(iter_records(conn))


def test_each_passage_answers_a_question_in_its_own_words(conn: sqlite3.Connection) -> None:
    found = list(exchanges(conn, post(conn)))
    assert [each.passage.text for each in found] == TEXT.split("\n\n")
    assert all("bread" in each.question for each in found)
    assert len({each.question for each in found}) == 2


def test_what_a_model_wrote_goes_before_the_rules(conn: sqlite3.Connection) -> None:
    stop = len(TEXT.split("\n\n")[0])
    for question, reason in (("Do you bake?", None), ("Do you bake?", "no likelier")):
        written = Question(
            record_id=post(conn).id, start=0, stop=stop, question=question, writer="model:x",
            overlap=1.0, gain=0.1, left_out=reason,
        )  # fmt: skip
        add_questions(conn, [written])
        asked = [each.question for each in exchanges(conn, post(conn))]
        assert (question in asked) == (reason is None)
        assert len(asked) == (2 if reason is None else 1)


def test_what_says_a_passage_plainly_is_no_question_of_it(conn: sqlite3.Connection) -> None:
    before = list(exchanges(conn, post(conn)))
    for writer, gain, reason in (("plain:a", 0.1, None), ("plain:b", 0.3, None),
                                 ("plain:c", -1.0, "no likelier")):  # fmt: skip
        asked = f"Say this as you would: I bake, {writer}."
        written = Question(
            record_id=post(conn).id, start=0, stop=len(TEXT), question=asked, writer=writer,
            overlap=1.0, gain=gain, left_out=reason,
        )  # fmt: skip
        add_questions(conn, [written])
    assert list(exchanges(conn, post(conn))) == before
    [found] = plain_exchanges(conn, post(conn))
    assert found.question.endswith("plain:b.") and found.passage.text == TEXT
    assert open_passages(conn, "plain:a") == []
    [still_open] = open_passages(conn, "plain:d")
    assert still_open.passage.text == TEXT, "paragraphs are joined to an answer's length"
