import json
from datetime import datetime
from pathlib import Path

import pytest

from align.ingest.contents import Content, Message
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.dialogues import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

LIST = json.dumps(
    [
        {"question": "Sea or hills?", "answer": "The sea.", "date": "2024-05-01"},
        {"question": "Tea?", "answer": ""},
    ]
)
SHAREGPT = json.dumps(
    {
        "data": [
            {
                "id": "x1",
                "conversations": [
                    {"from": "system", "value": "Be kind."},
                    {"from": "human", "value": "Who are you?"},
                    {"from": "gpt", "value": "A baker."},
                ],
            }
        ]
    }
)
TALK = """---
date: 2023-02-03
---
# Ten questions

**Q: Where do you live?**

**A:** By the sea.

In a small house.

**Question 2:** Alone?
**Answer:** With a cat.
"""
FILES = {"list.json": LIST, "old/sharegpt.json": SHAREGPT, "talk.md": TALK}


def said(found: list[Content]) -> list[tuple[bool | None, str, str]]:
    return [(m.is_owner, m.author, m.text) for m in messages(found)]


def test_a_list_of_exchanges_is_read(root: Path) -> None:
    log = ReadLog()
    found = read_with(READER, write_folder(root / "m", {"list.json": LIST}), log=log)
    name = messages(found)[0].chat
    assert name.startswith("m/list.json#")
    time, source = datetime(2024, 5, 1), "question-answers"
    assert found == [
        Message(
            name, "other", "Sea or hills?", time, "0", is_owner=False, thread=name, source=source
        ),
        Message(name, "owner", "The sea.", time, "1", is_owner=True, thread=name, source=source),
    ]
    assert dict(log.passed_over) == {"empty": 1}
    assert log.problems == []


def test_a_text_of_questions_and_answers_is_read(root: Path) -> None:
    found = messages(read_with(READER, write_folder(root / "m", {"talk.md": TALK})))
    assert said(list(found)) == [
        (False, "other", "Where do you live?"),
        (True, "owner", "By the sea.\n\nIn a small house."),
        (False, "other", "Alone?"),
        (True, "owner", "With a cat."),
    ]
    assert {message.time for message in found} == {datetime(2023, 2, 3)}
    assert len({message.thread for message in found}) == 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"q": "Why?", "a": "So."}], ["Why?", "So."]),
        ([{"prompt": "Why?", "response": "So."}], ["Why?", "So."]),
        ([{"prompt": "Why?", "completion": "So."}], ["Why?", "So."]),
        ([{"instruction": "Say", "input": "this", "output": "This."}], ["Say\n\nthis", "This."]),
        ([{"Question": "Why?", "Answer": "So."}], ["Why?", "So."]),
        (
            [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [
                {"type": "text", "text": "Hello."}]}]}],
            ["Hi", "Hello."],
        ),
        (
            {"messages": [{"role": "user", "content": "Hi"},
                          {"role": "assistant", "content": "Yo"}]},
            ["Hi", "Yo"],
        ),
        ({"question": "Why?", "answer": "So."}, ["Why?", "So."]),
    ],
)  # fmt: skip
def test_each_shape_of_json_is_read(tmp_path: Path, rows: object, expected: list[str]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert texts(read_with(READER, tmp_path)) == expected


def test_sharegpt_is_read_and_names_are_left_to_the_user(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(SHAREGPT)
    assert said(read_with(READER, tmp_path)) == [
        (False, "other", "Who are you?"),
        (True, "owner", "A baker."),
    ]
    (tmp_path / "a.json").write_text(SHAREGPT.replace("gpt", "Ann").replace("human", "Bob"))
    assert said(read_with(READER, tmp_path)) == [
        (None, "Bob", "Who are you?"),
        (None, "Ann", "A baker."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Q1. What?\nA1. That.\nQ2. Why?\nA2. So.",
        "Q: What?\n\nA: That.\n\nQ: Why?\n\nA: So.\n",
        "### Question 1: What?\n\nAnswer: That.\n\n### Question 2: Why?\n\nAnswer: So.\n",
        "Frage: What?\nAntwort: That.\nFrage: Why?\nAntwort: So.",
        "P: What?\r\nR: That.\r\nP: Why?\r\nR: So.",
        "**Вопрос:** What?\n**Ответ:** That.\n**Вопрос:** Why?\n**Ответ:** So.",
        "- **Q:** What?\n- **A:** That.\n\n- **Q:** Why?\n- **A:** So.",
    ],
)
def test_each_way_to_mark_a_question_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert texts(read_with(READER, tmp_path)) == ["What?", "That.", "Why?", "So."]


def test_what_is_something_else_is_left_to_others(tmp_path: Path) -> None:
    files = {
        "README.txt": "Note: this.\nQ: one question only\nA: one answer\n",
        "list.md": "A. Apples\nB. Bears\nQ. Queens\nA. Ants\nQ. Quilts\n",
        "telegram.json": json.dumps(
            {"name": "x", "messages": [{"id": 1, "from": "B", "text": "y"}]}
        ),
        "settings.json": json.dumps({"answer": 42}),
        "table.json": json.dumps([{"author": "B", "text": "y"}]),
        "rows.jsonl": '{"text": "x"}\n',
    }
    assert claimed(READER, tree_of(write_folder(tmp_path / "a", files), print)) == []


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder, told = write_folder(tmp_path / "a", FILES), ReadLog()
    expected = texts(read_with(READER, folder, log=told))
    assert len(expected) == 8
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES), log=told)) == expected
    assert texts(read_with(READER, folder / "talk.md")) == expected[4:]


def test_of_a_truncated_file_the_rest_is_still_taken(tmp_path: Path) -> None:
    rows = [{"question": f"{i}?", "answer": f"{i}."} for i in range(10)]
    (tmp_path / "a.json").write_text(json.dumps(rows)[:-30])
    log = ReadLog()
    assert len(read_with(READER, tmp_path, log=log)) == 18
    assert "cut short or damaged after 9 items" in str(log.problems[0])


def test_an_item_that_is_no_exchange_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"q": "a", "a": "b"}, {"x": 1}, 5, {"q": "c", "a": "d"}]')
    log = ReadLog()
    assert len(read_with(READER, tmp_path, log=log)) == 4
    assert [str(problem).split(": ")[0].split("/")[-1] for problem in log.problems] == [
        "a.json, item 2",
        "a.json, item 3",
    ]
    (tmp_path / "a.json").write_text('[{"q": 1, "a": 2}]')
    assert read_with(READER, tmp_path, log=ReadLog()) == []


def test_other_encodings_are_read(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "a.json").write_bytes(LIST.encode(encoding))
        assert len(read_with(READER, tmp_path, log=ReadLog())) == 2


def test_lines_of_other_shapes_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "Why?", "completion": "So."}\nbroken\n')
    log = ReadLog()
    assert texts(read_with(READER, tmp_path, log=log)) == ["Why?", "So."]
    assert "a.jsonl:2: not JSON" in str(log.problems[0])


def test_a_question_twice_is_two_threads_and_a_journal_stays_one(tmp_path: Path) -> None:
    rows = [{"q": "Why?", "a": "So."}, {"q": "Why?", "a": "Otherwise."}]
    found = messages(
        read_with(READER, write_folder(tmp_path / "a", {"diary/a.json": json.dumps(rows)}))
    )
    assert len({message.thread for message in found}) == 2
    assert {message.source for message in found} == {"journal"}


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))


def test_where_no_line_is_an_exchange_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"q": "a", "a": "b"}\n')
    inputs = claimed(READER, tree_of(path, print))[0]
    path.write_text('{"q": "a"}\n')
    log = ReadLog()
    assert list(READER.read(inputs, log, Options())) == []
    [problem] = log.problems
    assert "a.jsonl:1: no question with an answer" in str(problem)


@pytest.mark.parametrize(("who", "owners"), [({"q": "Bo", "a": "Ann"}, None), ({}, True)])
def test_an_interview_of_pairs_says_beside_them_who_answers(
    tmp_path: Path, who: dict[str, str], owners: bool | None
) -> None:
    pairs = [["How did it begin?", "By accident."], ["And then?", "It went on."]]
    talk = {"participants": who, "date": "2023-01-06", "exchanges": pairs}
    (tmp_path / "a.json").write_text(json.dumps(talk))
    found = messages(read_with(READER, tmp_path))
    assert [m.text for m in found] == [text for pair in pairs for text in pair]
    assert [m.is_owner for m in found] == [False, owners] * 2
    assert found[1].author == who.get("a", "owner")
