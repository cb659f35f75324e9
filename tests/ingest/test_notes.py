import os
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.notes import READER, read_note
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

POST = "---\ntitle: On bread\ndate: 2024-05-01\n---\nIt rises.\n"
FILES = {
    "posts/2024-05-01-bread.md": POST,
    "trip.txt": "Far away.",
}


def test_a_post_is_read(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"a.md": POST}))
    assert found == [Document("m/a.md", "It rises.", "On bread", datetime(2024, 5, 1))]


def test_toml_front_matter_is_read() -> None:
    found = read_note("+++\ntitle = 'Rain'\ndate = 2024-05-01T10:00:00Z\n+++\nWet.", "a.md")
    assert found is not None
    assert found.time is not None
    assert (found.title, found.text, found.time.isoformat()) == (
        "Rain",
        "Wet.",
        "2024-05-01T10:00:00+00:00",
    )


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2024-05-01-rain.md", "2024-05-01"),
        ("2024_05_01.md", "2024-05-01"),
        ("Rain 2024.05.01.txt", "2024-05-01"),
        ("2024-13-45.md", None),
        ("2024-05.md", None),
        ("12024-05-011.md", None),
    ],
)
def test_a_date_in_the_name_is_the_time(name: str, date: str | None) -> None:
    found = read_note("Words.", name)
    assert found is not None
    assert (found.time.date().isoformat() if found.time else None) == date


def test_front_matter_knows_the_time_better_than_the_name() -> None:
    for key in ("date", "time", "created", "Date Created", "published"):
        found = read_note(f"---\n{key}: 2023-02-03\n---\nWords.", "2024-05-01-x.md")
        assert found is not None
        assert found.time == datetime(2023, 2, 3)
    found = read_note("---\ndate: someday\n---\nWords.", "2024-05-01-x.md")
    assert found is not None
    assert found.time == datetime(2024, 5, 1)


def test_daily_notes_are_journals() -> None:
    names = {
        "daily/2024-05-01.md": "journal",
        "vault/Daily Notes/20240501.md": "journal",
        "vault/01 - Daily/2024-05-01.md": "journal",
        "my diary/on bread.md": "journal",
        "posts/2024-05-01.md": None,
        "daily/on bread.md": None,
    }
    for name, source in names.items():
        found = read_note("Words.", name)
        assert found is not None
        assert found.source == source, name


@pytest.mark.parametrize(
    ("name", "title"),
    [("2024-05-my_trip.txt", "My trip"), ("2024.md", None), ("On bread.md", "On bread")],
)
def test_a_title_falls_back_to_the_name_as_it_is_spoken(name: str, title: str | None) -> None:
    found = read_note("Far away.", name)
    assert found is not None
    assert found.title == title


def test_what_only_looks_like_front_matter_is_text() -> None:
    for text in (
        "---\nno: [yaml\n---\nBody.",
        "---\njust a line\n---\nBody.",
        "---\ndate: 2024-99-99\n---\nBody.",
        "+++\nno toml\n+++\nBody.",
    ):
        found = read_note(text, "a.md")
        assert found is not None
        assert found.text == text


def test_the_first_heading_is_the_title_and_not_said_twice() -> None:
    found = read_note("# Rain\n\nIt rained.\n\n# Sun\n", "a.md")
    assert found is not None
    assert (found.title, found.text) == ("Rain", "It rained.\n\n# Sun")
    found = read_note("---\ntitle: Rain\n---\n# Rain\n\nIt rained.", "a.md")
    assert found is not None
    assert (found.title, found.text) == ("Rain", "It rained.")
    found = read_note("---\ntitle: Weather\n---\n# Rain\n\nIt rained.", "a.md")
    assert found is not None
    assert (found.title, found.text) == ("Weather", "# Rain\n\nIt rained.")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_text_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Grüße from the café, where the coffee was good and the rain was not. " * 3
    (tmp_path / "a.md").write_bytes(text.encode(encoding))
    assert texts(read_with(READER, tmp_path)) == [text.strip()]


def test_empty_and_binary_files_are_counted_and_a_binary_one_that_was_named_is_told(
    tmp_path: Path,
) -> None:
    files: dict[str, bytes | str] = {
        "empty.md": "# Only a title\n",
        "photo.md": b"\x89PNG\r\n\x00\x01\x02\x03",
        "a.text": "Words.",
        "photo.png": b"\x89PNG",
    }
    log = ReadLog()
    assert len(read_with(READER, write_folder(tmp_path, files), log=log)) == 1
    assert dict(log.passed_over) == {"empty": 1, "binary": 1}
    assert log.problems == []
    assert read_with(READER, tmp_path / "photo.md", log=log) == []
    assert "photo.md: binary, not text. Name a text file." in str(log.problems[0])
    assert claimed(READER, tree_of(tmp_path / "photo.png", print)) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who is not root")
def test_a_file_that_may_not_be_read_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.md": "x", "b.md": "Words."})
    (tmp_path / "a.md").chmod(0)
    log = ReadLog()
    assert texts(read_with(READER, tmp_path, log=log)) == ["Words."]
    assert "a.md: cannot be read" in str(log.problems[0])


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", FILES)
    expected = texts(read_with(READER, folder))
    assert len(expected) == 2
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "trip.txt")) == ["Far away."]


@given(st.text(max_size=300))
def test_any_text_becomes_a_document_or_nothing(text: str) -> None:
    found = read_note(text, "notes/a.md")
    if found is not None:
        assert found.text.strip()


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        folder = tmp_path / name.replace("/", "-")
        survives_damage(READER, {name: content}, folder, MANY // len(FILES))


@pytest.mark.parametrize(
    ("name", "text", "title", "time"),
    [
        ("boot.txt", "Low Tide\n\nMay 2023\n\nThe tide took it.", "Low Tide", datetime(2023, 5, 1)),
        ("boot.txt", "Ebbe\n\n17. Mai 2023\n\nSie nahm ihn.", "Ebbe", datetime(2023, 5, 17)),
        ("boot.txt", "17 May 2023\n\nThe tide took it.", None, datetime(2023, 5, 17)),
        ("newideas.txt", "The tide took it. It was the leaky one.", None, None),
        ("1876-02-27-new_ideas.txt", "It took it.", "New ideas", datetime(1876, 2, 27)),
        ("Boots.md", "The tide took it.", "Boots", None),
        ("a.txt", "---\ndate: 1876\ntitle: Tide\n---\nIt took it.", "Tide", datetime(1876, 1, 1)),
    ],
)
def test_title_and_date_come_from_the_text(
    name: str, text: str, title: str | None, time: datetime | None
) -> None:
    note = read_note(text, name)
    assert note is not None
    assert (note.title, note.time) == (title, time)
    assert "tide" not in (title or "").lower() or "Low Tide" not in note.text
