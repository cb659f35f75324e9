import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align.conversations.question_writing.base_writer import (
    REQUESTS,
    request_in,
    write_questions,
)
from align.conversations.questions.passage_questions import open_passages, plain_exchanges
from align.conversations.questions.passages import Passage
from align.models.checkpoints import resolve
from align.models.loaded_model import LoadedModel, log_likelihood
from align.models.loading import load_model
from align.recipe.recipe_file import read_recipe, recipe_path
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.questions import iter_questions
from align.store.records import iter_records
from align.text.function_words import content_stems
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


PASSAGE = Passage(0, 1, f"{POSTS['On chess']} {POSTS['On gardening']}", None)
PLAIN = "Chess is a good game. A garden helps me to think."


@pytest.mark.parametrize(
    ("reply", "plain"),
    [
        (PLAIN, PLAIN),
        (f'"{PLAIN}"', PLAIN),
        (f"{PLAIN} And then I", PLAIN),
        ("Chess is a good game.\n\nA garden helps me to think.", PLAIN),
        ("Chess is good.", None),
        ("I like chess and gardens and", None),
        (POSTS["On chess"], None),
        (f"{PLAIN} A lost game of chess teaches something, and one careless move.", None),
        (PLAIN * 9, None),
        ("The garden is good. The garden is good. The garden is good.", None),
        ("", None),
    ],
)
def test_a_plain_wording_is_whole_sentences_of_its_own(reply: str, plain: str | None) -> None:
    wanted = REQUESTS[0].format(plain) if plain else None
    assert request_in(reply, PASSAGE) == wanted


def test_requests_ask_for_nothing_that_a_passage_could_speak_of() -> None:
    assert not any(content_stems(request) for request in REQUESTS)


class Plain:
    """A base that says everything plainly, and weighs as the one that it wraps."""

    def __init__(self, base: LoadedModel) -> None:
        self.model, self.tokenizer, self.checkpoint = base.model, base.tokenizer, base.checkpoint
        self.asked: list[str] = []

    def generate(self, prompts: Any, *, n: int, **settings: Any) -> list[list[str]]:
        self.asked += [prompt[0]["content"] for prompt in prompts]
        return [["My grandfather showed me the garden and the beans."] * n for _ in prompts]


def test_a_passage_is_said_plainly_once_and_its_own_words_answer_that(
    conn: sqlite3.Connection, base: LoadedModel
) -> None:
    long = f"{POSTS['On gardening']} {POSTS['On chess']}"
    add_records(conn, [record(long, kind="document", origin="long", thread="long")])
    plain, writer = Plain(base), "plain:x"
    passages = open_passages(conn, writer)
    [written] = write_questions(conn, plain, passages, writer=writer, drawn=2)
    assert len(plain.asked) == 1 and long in plain.asked[0]
    assert written.question in [r.format("My grandfather showed me the garden and the beans.")
                                for r in REQUESTS]  # fmt: skip
    assert open_passages(conn, writer) == []
    found = [e for r in list(iter_records(conn)) for e in plain_exchanges(conn, r)]
    assert [e.passage.text for e in found] == ([long] if written.left_out is None else [])
