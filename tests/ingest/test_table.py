import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document, Message
from align.ingest.formats.columns import NoColumns, columns_of, dialect_of
from align.ingest.formats.dates import is_day_first, when
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.table import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    documents,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

CHAT = (
    "id,from,message,date,channel,reply_to\n"
    '1,Ann,"Rain, again.\nAll day.",2024-05-01 10:00:00,garden,\n'
    "2,Bob,Same here,2024-05-01 10:01:00,garden,1\n"
)
POSTS = "Datum;Title;Body\r\n13.05.2024;On bread;It rises.\r\n02.06.2024;;It falls.\r\n"
OBJECTS = json.dumps(
    [{"user": {"name": "Ann"}, "text": "Hi", "created_at": 1714557600, "meta": {"likes": 3}}]
)
FILES = {"chat.csv": CHAT, "old/posts.csv": POSTS, "objects.json": OBJECTS}


def options(**columns: str) -> Options:
    return Options(columns=columns)


def test_rows_with_an_author_are_messages(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"chat.csv": CHAT}))
    assert found == [
        Message(
            "m/chat.csv#garden",
            "Ann",
            "Rain, again.\nAll day.",
            datetime(2024, 5, 1, 10),
            "1",
            title="garden",
        ),
        Message(
            "m/chat.csv#garden",
            "Bob",
            "Same here",
            datetime(2024, 5, 1, 10, 1),
            "2",
            reply_to="1",
            title="garden",
        ),
    ]


def test_rows_without_an_author_are_documents(root: Path) -> None:
    path = write_folder(root / "m", {"posts.csv": POSTS})
    first, second = documents(read_with(READER, path, options(time="Datum")))
    assert first == Document(
        first.key, "It rises.", "On bread", datetime(2024, 5, 13), source="documents"
    )
    assert second == Document(
        second.key, "It falls.", None, datetime(2024, 6, 2), source="documents"
    )
    assert first.key.startswith("m/posts.csv#")


def test_objects_are_rows_and_what_is_nested_has_a_dot(root: Path) -> None:
    expected = Message("m/objects.json", "Ann", "Hi", datetime(2024, 5, 1, 10, tzinfo=UTC))
    assert read_with(READER, write_folder(root / "m", {"objects.json": OBJECTS})) == [expected]
    lines = '{"user": {"name": "Ann"}, "text": "Hi", "created_at": 1714557600}\nbroken\n'
    path, log = write_folder(root / "n", {"objects.jsonl": lines}), ReadLog()
    expected.chat = "n/objects.jsonl"
    assert read_with(READER, path, log=log) == [expected]
    assert "objects.jsonl:2: not JSON" in str(log.problems[0])


def test_questions_with_answers_are_exchanges(tmp_path: Path) -> None:
    table = "Question,Answer,When\nSea?,Yes.,2024\nHills?,,\n"
    found = messages(read_with(READER, write_folder(tmp_path / "a", {"a.csv": table})))
    assert [(m.is_owner, m.text, m.source) for m in found] == [
        (False, "Sea?", "question-answers"),
        (True, "Yes.", "question-answers"),
    ]


def test_the_user_says_which_column_is_which(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "a", {"a.csv": "c1,c2,c3\nAnn,Hello there,3/5/2024\n"})
    log = ReadLog()
    assert read_with(READER, path, log=log) == []
    (problem,) = log.problems
    assert "a.csv: no column looks like the text; its columns are c1, c2, c3." in str(problem)
    assert "--columns text=" in str(problem)
    (message,) = messages(read_with(READER, path, options(text="C2", author="1", time="c3")))
    assert (message.author, message.text, message.time) == (
        "Ann",
        "Hello there",
        datetime(2024, 3, 5),
    )
    read_with(READER, path, options(text="body"), log)
    assert "there is no column 'body'" in str(log.problems[-1])


def test_columns_are_known_by_likely_names() -> None:
    names = ["Message ID", "Sender Name", "Sent At", "Body", "Likes"]
    assert columns_of(names, {}) == {
        "id": "Message ID",
        "author": "Sender Name",
        "time": "Sent At",
        "text": "Body",
    }
    assert columns_of(["prompt", "response"], {}) == {"question": "prompt", "answer": "response"}
    assert columns_of(["text", "author", "q", "a"], {}) == {"text": "text", "author": "author"}
    with pytest.raises(NoColumns, match="'voice' is none of our columns"):
        columns_of(["a"], {"voice": "a"})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found(delimiter: str) -> None:
    head = f'text{delimiter}author\n"a, b; c | d"{delimiter}Ann\n"e\nf"{delimiter}Bob\n'
    assert dialect_of(head) == delimiter


def test_excel_says_its_delimiter(tmp_path: Path) -> None:
    text = "sep=;\r\ntext;author\r\nHi, all;Ann\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode("utf-16"))
    assert texts(read_with(READER, tmp_path)) == ["Hi, all"]


def test_a_date_and_a_time_of_their_own_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Date,Time,From,Text\n13/05/2024,10:30,Ann,Hi\n")
    (message,) = messages(read_with(READER, tmp_path))
    assert message.time == datetime(2024, 5, 13, 10, 30)


def test_which_of_two_numbers_is_the_day_the_column_says() -> None:
    assert is_day_first(["03/05/2024", "14/05/2024"], guess=False)
    assert not is_day_first(["03/05/2024", "05/14/2024"], guess=True)
    assert is_day_first(["03/05/2024", "04/05/2024", "05/05/2024"], guess=False)
    assert not is_day_first(["05/03/2024", "05/04/2024", "05/05/2024"], guess=True)
    assert is_day_first(["03.05.2024"], guess=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01 10:00:00 +0200", "2024-05-01T10:00:00+02:00"),
        ("Wed, 01 May 2024 10:00:00 GMT", "2024-05-01T10:00:00+00:00"),
        ("May 1, 2024 10:00 PM EST", "2024-05-01T22:00:00-05:00"),
        ("1714557600", "2024-05-01T10:00:00+00:00"),
        ("1714557600000", "2024-05-01T10:00:00+00:00"),
        ("20240501", "2024-05-01T00:00:00"),
        ("10:30", None),
        ("yesterday", None),
        ("0001-01-01", None),
        ("2024-05-01 10:00 +9900", "2024-05-01T10:00:00"),
        ("99999999999999999999", None),
    ],
)
def test_times_are_read_as_programs_write_them(text: str, expected: str | None) -> None:
    found = when(text)
    assert (found.isoformat() if found else None) == expected


def test_chats_are_read_one_after_the_other_from_their_oldest(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]},Ann,{i},2024-05-01T10:{59 - i:02d}:00\n" for i in range(20))
    (tmp_path / "a.csv").write_text("chat,author,text,date\n" + rows)
    found = messages(read_with(READER, tmp_path))
    assert [message.text for message in found] == [
        *map(str, range(18, -1, -2)),
        *map(str, range(19, 0, -2)),
    ]


def test_ragged_rows_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("author,date,text\nAnn\nBob,2024-05-01,one, two, three\n\n")
    found = messages(read_with(READER, tmp_path))
    assert [(m.author, m.text, m.reason) for m in found] == [
        ("Ann", "", "empty"),
        ("Bob", "one, two, three", None),
    ]


def test_a_quote_that_is_not_closed_loses_no_later_file(tmp_path: Path) -> None:
    good = "Ann,hello\n" * 20_000
    write_folder(tmp_path / "a", {"a.csv": f'author,text\nAnn,first\nBob,"oops\n{good * 8}'})
    log = ReadLog()
    found = texts(read_with(READER, tmp_path / "a", log=log))
    assert found[0] == "first"
    assert "hello" in found
    assert any("Look for a quote" in str(problem) for problem in log.problems)


def test_times_that_cannot_be_read_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,date\n" + "Hi,soon\n" * 5)
    log = ReadLog()
    assert len(read_with(READER, tmp_path, log=log)) == 5
    assert "5 times of the first 5 rows cannot be read" in str(log.problems[0])


def test_equal_rows_are_documents_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nSame.\nSame.\n")
    found = documents(read_with(READER, tmp_path))
    assert len({document.key for document in found}) == 2


def test_what_is_no_table_is_left_to_others(tmp_path: Path) -> None:
    files = {
        "a.json": '{"name": "x", "version": 1}',
        "b.json": "[1, 2]",
        "c.json": "{",
        "d.txt": "a,b",
    }
    assert claimed(READER, tree_of(write_folder(tmp_path / "a", files), print)) == []


def test_rows_without_a_text_are_asked_about_only_where_the_file_was_named(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.json": '[{"c1": "x"}]', "b.csv": "text\nHi\n"})
    assert [inputs.names for inputs in claimed(READER, tree_of(tmp_path, print))] == [("b.csv",)]
    named = tmp_path / "a.json"
    assert texts(read_with(READER, named, options(text="c1"))) == ["x"]
    log = ReadLog()
    assert read_with(READER, named, log=log) == []
    assert "its columns are c1" in str(log.problems[0])


def test_binary_and_empty_tables_are_told(tmp_path: Path) -> None:
    log = ReadLog()
    files = {"a.csv": b"PK\x03\x04\x00\x00\xff\xfe\x00" * 40, "b.csv": ""}
    assert read_with(READER, write_folder(tmp_path / "a", files), log=log) == []
    assert "binary" in str(log.problems[0])
    assert dict(log.passed_over) == {"empty": 1}


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder, how = write_folder(tmp_path / "a", FILES), options()
    expected = sorted(texts(read_with(READER, folder, how, ReadLog())))
    assert len(expected) == 5
    zipped = read_with(READER, write_zip(tmp_path / "a.zip", FILES), how, ReadLog())
    assert sorted(texts(zipped)) == expected
    assert texts(read_with(READER, folder / "objects.json")) == ["Hi"]


def test_of_a_truncated_file_the_rest_is_still_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("author,text\nAnn,Rain\nBob,Same he")
    (tmp_path / "b.json").write_text(json.dumps([{"text": "one"}, {"text": "two"}])[:-8])
    log = ReadLog()
    found = texts(read_with(READER, tmp_path, log=log))
    assert found == ["Rain", "Same he", "one"]
    assert "cut short" in str(log.problems[0])


def test_a_large_table_is_streamed(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w") as file:
        file.write("author,text,date\n")
        for i in range(15_000):
            file.write(f"Ann,{'word ' * 20}{i},2024-05-01T10:00:00\n")
    (inputs,) = claimed(READER, tree_of(tmp_path, print))
    tracemalloc.start()
    count = sum(1 for _ in READER.read(inputs, ReadLog(), Options()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 15_000
    assert peak < 3 * 1024**2


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))
