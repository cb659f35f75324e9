import sqlite3
from pathlib import Path

import pytest

from align.conversations.question_writing.base_writer import write_questions
from align.conversations.questions.passage_questions import open_passages
from align.models.checkpoints import resolve
from align.models.loaded_model import LoadedModel, log_likelihood
from align.models.loading import load_model
from align.recipe.recipe_file import read_recipe, recipe_path
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.questions import iter_questions
from tests.store.rows import record

POSTS = {
    "On chess": "I would play chess on any evening. A lost game of chess teaches something, and "
    "one careless move undoes an hour of thought, which is why I keep coming back to it.",
    "On gardening": "My grandfather taught me gardening. The garden asks for an hour a day and "
    "gives back beans, and weeding clears my head better than anything else I know.",
}


@pytest.fixture
def base(root: Path) -> LoadedModel:
    return load_model(
        resolve("demo", "base", recipe=read_recipe(recipe_path("demo", "sft"), "sft"))
    )


@pytest.fixture
def conn() -> sqlite3.Connection:
    conn = in_memory()
    for title, text in POSTS.items():
        add_records(conn, [record(text, kind="document", title=title, origin=title, thread=title)])
    add_records(
        conn,
        [
            record(text, kind="document", origin=f"{n}", thread=f"{n}", **changes)
            for n, (text, changes) in enumerate(
                [
                    (POSTS["On chess"], {"level": "sealed"}),
                    (POSTS["On chess"] + "!", {"split": "evaluation"}),
                    (POSTS["On chess"] + "?", {"left_out": "duplicate"}),
                ]
            )
        ],
    )
    return conn


def test_the_base_keeps_the_question_that_makes_a_passage_likelier(
    conn: sqlite3.Connection, base: LoadedModel
) -> None:
    passages = open_passages(conn, "model:x")
    found = list(write_questions(conn, base, passages, writer="model:x", drawn=1))
    assert found == list(iter_questions(conn))
    assert len(found) == 2, "sealed, held-out and left-out documents have no questions"
    for question, topic in zip(found, ("chess", "garden"), strict=True):
        assert question.left_out is None
        assert topic in question.question.lower()
        assert question.gain is not None and question.gain > 0
    assert open_passages(conn, "model:x") == []
    assert len(open_passages(conn, "model:y")) == 2


def test_its_own_question_makes_a_passage_likelier_than_anothers(base: LoadedModel) -> None:
    for title, text in POSTS.items():
        other = next(each for each in POSTS if each != title)
        rows = [
            [
                {"role": "user", "content": f"What do you think about {topic.split()[-1]}?"},
                {"role": "assistant", "content": text},
            ]
            for topic in (title, other)
        ]
        own, foreign = log_likelihood(base, rows)
        assert own.log_prob > foreign.log_prob
