import json
import sqlite3
from pathlib import Path

import pytest

from align.ingest.intake import Intake, take_in
from align.ingest.readers import read
from align.owner import Owner
from align.store.connection import in_memory
from align.store.prompts import iter_prompts
from align.store.records import iter_records, set_level

OWNER = Owner(name="Ann", held_out=0.3)


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def take(conn: sqlite3.Connection, folder: Path, owner: Owner = OWNER, **how: bool) -> Intake:
    return take_in(conn, read([folder]).pieces, owner, **how)


def test_reading_again_changes_nothing(root: Path, conn: sqlite3.Connection) -> None:
    demo = root / "data" / "demo" / "writing"
    first = take(conn, demo)
    before = list(iter_records(conn)), list(iter_prompts(conn))
    second = take(conn, demo)
    assert first.new > 200
    assert (second.new, second.known, second.prompts) == (0, first.new, 0)
    assert (list(iter_records(conn)), list(iter_prompts(conn))) == before


def test_a_dry_run_counts_and_stores_nothing(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "a.md").write_text("Some words of mine.")
    intake = take(conn, tmp_path, dry_run=True)
    assert intake.new == 1
    assert intake.words["documents", "open"] == 4
    assert list(iter_records(conn)) == []
    assert conn.execute("SELECT count(*) FROM threads").fetchone()[0] == 0


def test_an_edited_document_supersedes_and_keeps_its_split(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    for i in range(30):
        (tmp_path / f"{i}.md").write_text(f"First version {i}.")
    take(conn, tmp_path)
    before = {record.thread: record.split for record in iter_records(conn)}
    assert set(before.values()) == {"train", "evaluation"}
    for i in range(30):
        (tmp_path / f"{i}.md").write_text(f"Second version {i}.")
    take(conn, tmp_path, Owner(name="Ann", held_out=0.9))
    after = {record.thread: record.split for record in iter_records(conn)}
    assert after == before
    assert all(record.text.startswith("Second") for record in iter_records(conn))
    assert len(list(iter_records(conn, include_left_out=True))) == 60


def test_of_exact_duplicates_one_is_kept(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "b.md").write_text("The very same words.")
    take(conn, tmp_path)
    (tmp_path / "a.md").write_text("The very same words.\n")
    intake = take(conn, tmp_path)
    assert intake.duplicates == 1
    [kept] = iter_records(conn)
    assert kept.origin.endswith("b.md")
    assert take(conn, tmp_path).duplicates == 1
    assert len(list(iter_records(conn))) == 1


def test_a_renamed_and_edited_file_loses_nothing(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "post.md").write_text("Old words.")
    take(conn, tmp_path)
    (tmp_path / "post.md").rename(tmp_path / "old.md")
    (tmp_path / "post.md").write_text("New words.")
    take(conn, tmp_path)
    assert sorted(record.text for record in iter_records(conn)) == ["New words.", "Old words."]


def test_short_messages_that_repeat_are_no_duplicates(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    messages = [{"role": role, "content": "ok"} for role in ("user", "assistant") * 2]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": messages}))
    assert take(conn, tmp_path).duplicates == 0
    assert len(list(iter_records(conn))) == 4


def test_levels_come_from_the_kind_and_the_owners_settings(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "monday.md").write_text("Dear diary.")
    (tmp_path / "chat.jsonl").write_text(json.dumps(chat))
    (tmp_path / "post.md").write_text("For all.")
    (tmp_path / "qa.jsonl").write_text(json.dumps({"question": "Q?", "answer": "A."}))
    take(conn, tmp_path, Owner(name="Ann", privacy={"question-answers": "train-only"}))
    levels = {record.source: record.level for record in iter_records(conn)}
    assert levels == {
        "journal": "sealed",
        "messages": "train-only",
        "documents": "open",
        "question-answers": "train-only",
    }
    assert {prompt.text: prompt.level for prompt in iter_prompts(conn)} == {
        "Hi": "train-only",
        "Q?": "train-only",
    }


def test_a_text_that_is_in_the_journal_too_is_sealed(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "a.md").write_text("Copied out of my diary.")
    take(conn, tmp_path)
    (tmp_path / "diary.md").write_text("Copied out of my diary.")
    take(conn, tmp_path)
    assert [(r.source, r.level) for r in iter_records(conn)] == [("documents", "sealed")]


def test_what_the_owner_sealed_stays_sealed_when_read_again(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "a.md").write_text("Words.")
    take(conn, tmp_path)
    [record] = iter_records(conn)
    set_level(conn, "sealed", id=record.id)
    take(conn, tmp_path)
    (tmp_path / "a.md").write_text("More words.")
    take(conn, tmp_path)
    assert [(r.text, r.level) for r in iter_records(conn)] == [("More words.", "sealed")]


def test_what_was_asked_becomes_prompts_with_the_turns_before(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    said = [
        ("assistant", "Hello!"), ("user", "Hi."), ("user", "Coming?"), ("assistant", "Yes."),
        ("assistant", "At six."), ("user", "Good."), ("assistant", "See you."), ("user", "Bye."),
    ]  # fmt: skip
    messages = [{"role": role, "content": text} for role, text in said]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": messages}))
    take(conn, tmp_path)
    prompts = sorted(iter_prompts(conn), key=lambda prompt: len(prompt.messages))
    assert [[m["content"] for m in prompt.messages] for prompt in prompts] == [
        ["Hi.\nComing?"],
        ["Hi.\nComing?", "Yes.\nAt six.", "Good."],
    ]
    [thread] = {record.thread for record in iter_records(conn)}
    assert {(prompt.thread, prompt.source) for prompt in prompts} == {(thread, "asked")}
    assert len(prompts[1].records) == 5
