import json
from datetime import datetime
from pathlib import Path

import pytest

from align.ingest.contents import Message
from align.ingest.reader import ReadLog
from align.ingest.readers.jsonl import READER
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


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


PAIRS = jsonl(
    {"question": "Why bread?", "answer": "It rises.", "time": "2024-05-01T10:00:00"},
    {"question": "Why bread?", "answer": "It smells.", "thread": "baking"},
)
CHATS = jsonl(
    {
        "messages": [
            {"role": "system", "content": "Be Ann."},
            {"role": "user", "name": "Bob", "content": "Coffee?", "time": "2024-05-02 08:00"},
            {"role": "assistant", "content": "Always.", "time": "2024-05-02T08:01:00+02:00"},
        ]
    }
)
FILES = {"qa.jsonl": PAIRS, "old/chats.jsonl": CHATS}


def test_questions_with_answers_are_read(root: Path) -> None:
    found = read_with(READER, write_folder(root / "mine", {"qa.jsonl": PAIRS}))
    name = "mine/qa.jsonl#" + messages(found)[0].chat.split("#")[1]
    time = datetime(2024, 5, 1, 10)
    common = {"source": "question-answers"}
    assert found == [
        Message(name, "other", "Why bread?", time, "0", is_owner=False, thread=name, **common),
        Message(name, "owner", "It rises.", time, "1", is_owner=True, thread=name, **common),
        Message(
            f"{name}-2", "other", "Why bread?", None, "0", is_owner=False, thread="baking", **common
        ),
        Message(
            f"{name}-2", "owner", "It smells.", None, "1", is_owner=True, thread="baking", **common
        ),
    ]


def test_chats_are_read_and_the_assistant_is_the_owner(root: Path) -> None:
    first, second = messages(read_with(READER, write_folder(root / "mine", {"chats.jsonl": CHATS})))
    assert (first.author, first.is_owner, first.key) == ("Bob", False, "1")
    assert (second.author, second.is_owner, second.key) == ("owner", True, "2")
    assert first.time == datetime(2024, 5, 2, 8)
    assert second.time is not None
    assert second.time.isoformat() == "2024-05-02T08:01:00+02:00"
    assert {first.source, second.source} == {"messages"}


def test_what_lies_in_a_journal_is_one(root: Path) -> None:
    found = messages(read_with(READER, write_folder(root / "m", {"journal/qa.jsonl": PAIRS})))
    assert {message.source for message in found} == {"journal"}


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", FILES)
    expected = texts(read_with(READER, folder))
    assert len(expected) == 6
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "qa.jsonl")) == expected[2:]


def test_other_json_lines_are_left_to_others(tmp_path: Path) -> None:
    rows = {"a.jsonl": jsonl({"text": "x"}), "b.jsonl": "no json", "c.jsonl": "", "d.json": PAIRS}
    assert claimed(READER, tree_of(write_folder(tmp_path / "a", rows), print)) == []


def test_a_first_line_longer_than_what_is_looked_at_is_known(tmp_path: Path) -> None:
    long = jsonl({"messages": [{"role": "assistant", "content": "word " * 40_000}]})
    assert len(read_with(READER, write_folder(tmp_path / "a", {"a.jsonl": long}))) == 1


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("{'question': 1}", "not JSON"),
        ('{"question": "x", "answer": "y"', "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"question": "x"}', "'answer' is missing"),
        ('{"question": "x", "answer": 3}', "'answer' is not a text"),
        ('{"text": "x"}', "neither a question with an answer nor messages"),
        ('{"messages": "x"}', "'messages' is not a list"),
        ('{"messages": [1]}', "message 1 is not an object"),
        ('{"messages": [{"role": "ann", "content": "x"}]}', "has the role 'ann'"),
        ('{"messages": [{"role": ["u"], "content": "x"}]}', "has the role"),
        ('{"messages": [{"role": "user", "content": ["x"]}]}', "'content' is not a text"),
        ('{"question": "x", "answer": "y", "thread": []}', "'thread' is not a text"),
        ('{"question": "x", "answer": "y", "thread": ' + "9" * 5_000 + "}", "not"),
        ("[" * 100_000, "not JSON|nested too deeply"),
        ('{"question": "' + "x" * 1_100_000 + '", "answer": "y"}', "more than 1,048,576"),
    ],
)
def test_a_broken_line_17_is_named_and_the_rest_is_taken(
    tmp_path: Path, broken: str, what: str
) -> None:
    good = [json.dumps({"question": f"{i}?", "answer": "Yes."}) for i in range(16)]
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join([*good, broken, *good]))
    log = ReadLog()
    assert len(read_with(READER, path, log=log)) == 64
    (problem,) = log.problems
    assert "chats.jsonl:17: " in str(problem)
    assert any(word in str(problem) for word in what.split("|"))


def test_where_nothing_can_be_taken_the_first_line_is_the_mistake(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text('{"question": "x"}\n{"answer": "y"}\n')
    log = ReadLog()
    assert read_with(READER, path, log=log) == []
    [problem] = log.problems
    assert "chats.jsonl:1: 'answer' is missing" in str(problem)


def test_thousands_of_broken_lines_are_told_in_a_few(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text(PAIRS + "broken\n" * 5_000)
    log = ReadLog()
    assert len(read_with(READER, path, log=log)) == 4
    assert len(log.problems) == 21
    assert "4,980 more lines" in str(log.problems[-1])


def test_empty_conversations_and_those_of_others_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text(
        jsonl(
            {"question": "x", "answer": " "},
            {"messages": []},
            {"messages": [{"role": "user", "content": "x"}]},
            {"question": "x", "answer": "y"},
        )
    )
    log = ReadLog()
    assert len(read_with(READER, path, log=log)) == 2
    assert dict(log.passed_over) == {"empty": 2, "nothing of the owner's in it": 1}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_lines_are_read_in_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Grüße from the café, where the coffee was good and the rain was not."
    rows = json.dumps({"question": "Q?", "answer": text}, ensure_ascii=False) + "\n"
    (tmp_path / "b.jsonl").write_bytes((rows * 3).encode(encoding))
    assert texts(read_with(READER, tmp_path))[1] == text


def test_lines_added_above_move_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    rows = [{"question": f"{i}?", "answer": "Yes."} for i in range(3)]
    path.write_text(jsonl(*rows))
    before = {message.thread for message in messages(read_with(READER, path))}
    path.write_text(jsonl({"question": "New?", "answer": "Yes."}, *rows))
    assert before < {message.thread for message in messages(read_with(READER, path))}


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))
