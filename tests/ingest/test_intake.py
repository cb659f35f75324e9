import json
import sqlite3
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.ingest.intake import Intake, prepare, take_in
from align.ingest.reader import Options
from align.owner import Owner
from align.store.connection import in_memory
from align.store.records import Record, iter_records, set_level
from tests.ingest.source_trees import write_zip

# Nothing is held out by the chance of a temporary folder's name.
OWNER = Owner(name="Ann", held_out=0.0)
START = datetime(2024, 5, 1, 10)


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def take(conn: sqlite3.Connection, folder: Path, owner: Owner = OWNER, **how: Any) -> Intake:
    return ingest(conn, [folder], owner, **how)


def ingest(
    conn: sqlite3.Connection, paths: list[Path], owner: Owner, *, dry_run: bool = False, **how: Any
) -> Intake:
    return take_in(conn, prepare(paths, owner, **how), owner, dry_run=dry_run)


def chat(
    *said: tuple[str, str], name: str = "Bob", gap: int = 1, first: int = 1, **message: Any
) -> str:
    """A Telegram export of messages some minutes apart."""
    rows = [
        {
            "id": number,
            "type": "message",
            "date": (START + timedelta(minutes=gap * number)).isoformat(),
            "from": author,
            "from_id": f"user{author}",
            "text": text,
            **message,
        }
        for number, (author, text) in enumerate(said, first)
    ]
    return json.dumps({"name": name, "type": "personal_chat", "id": 7, "messages": rows})


def everything(conn: sqlite3.Connection) -> list[Record]:
    return list(iter_records(conn, include_left_out=True))


def test_reading_again_changes_nothing(root: Path, conn: sqlite3.Connection) -> None:
    demo = root / "data" / "demo" / "writing"
    first = take(conn, demo)
    before = everything(conn)
    second = take(conn, demo)
    assert first.new > 200
    assert (second.new, second.known, second.splits) == (0, first.new, Counter())
    assert everything(conn) == before


def test_a_dry_run_counts_and_stores_nothing(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "a.md").write_text("Some words of mine.")
    intake = take(conn, tmp_path, dry_run=True)
    assert intake.new == 1
    [tally] = intake.tallies
    assert tally.words["documents", "train-only"] == 4
    assert everything(conn) == []
    assert conn.execute("SELECT count(*) FROM threads").fetchone()[0] == 0


def test_an_edited_document_supersedes_and_keeps_its_split(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    for i in range(30):
        (tmp_path / f"{i}.md").write_text(f"First version of the {i}.")
    take(conn, tmp_path, Owner(name="Ann", held_out=0.3))
    before = {record.thread: record.split for record in iter_records(conn)}
    assert set(before.values()) == {"train", "evaluation"}
    for i in range(30):
        (tmp_path / f"{i}.md").write_text(f"Second version of the {i}.")
    take(conn, tmp_path, Owner(name="Ann", held_out=0.9))
    after = {record.thread: record.split for record in everything(conn)}
    assert after == before
    assert all(record.text.startswith("Second") for record in iter_records(conn))
    assert len(everything(conn)) == 60


def test_of_exact_duplicates_one_is_kept(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "b.md").write_text("The very same words.")
    take(conn, tmp_path)
    (tmp_path / "a.md").write_text("The very same words.\n")
    assert take(conn, tmp_path).duplicates.total() == 1
    [kept] = iter_records(conn)
    assert kept.origin.endswith("b.md")
    assert take(conn, tmp_path).duplicates.total() == 1
    assert len(list(iter_records(conn))) == 1


def test_short_messages_that_repeat_are_no_duplicates(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    messages = [{"role": role, "content": "ok"} for role in ("user", "assistant") * 2]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": messages}))
    assert take(conn, tmp_path).duplicates.total() == 0
    assert len(list(iter_records(conn))) == 4


def test_a_corrected_edition_of_a_talk_replaces_its_answers(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    said = ["BO: How did it begin?", "ANN: By acident.", "BO: And then?", "ANN: It went on."]
    talk = tmp_path / "talk.txt"
    talk.write_text("\n\n".join(said * 2))
    take(conn, tmp_path, options=Options(me=("Ann",)))
    talk.write_text("\n\n".join(said * 2).replace("acident", "accident"))
    take(conn, tmp_path, options=Options(me=("Ann",)))
    wrong = [record for record in everything(conn) if "acident" in record.text]
    assert {record.left_out for record in wrong} == {"superseded"}
    assert take(conn, tmp_path, options=Options(me=("Ann",))).new == 0
    assert sum("accident" in record.text for record in iter_records(conn)) > 0


def test_what_names_no_author_is_open_once_the_owner_says_that_it_is_theirs(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "post.md").write_text("For all.")
    (tmp_path / "draft_a.html").write_text("<p>For nobody yet.</p>")
    intake = take(in_memory(), tmp_path)
    assert [Path(name).name for name in intake.nameless] == ["draft_a.html", "post.md"]
    take(conn, tmp_path, options=Options(is_mine=True))
    levels = {record.text: record.level for record in everything(conn)}
    assert levels == {"For all.": "open", "For nobody yet.": "train-only"}
    said = in_memory()
    take(said, tmp_path, Owner(name="Ann", privacy={"documents": "open"}))
    assert {r.text: r.level for r in everything(said)} == levels


def test_levels_come_from_the_kind_and_the_owners_settings(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    said = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "monday.md").write_text("Dear diary.")
    (tmp_path / "chat.jsonl").write_text(json.dumps(said))
    (tmp_path / "post.md").write_text("For all.")
    (tmp_path / "qa.jsonl").write_text(json.dumps({"question": "Q?", "answer": "A."}))
    (tmp_path / "result.json").write_text(chat(("Bob", "How was it?"), ("Ann", "It was lovely.")))
    take(conn, tmp_path, Owner(name="Ann", privacy={"question-answers": "train-only"}))
    assert {record.source: record.level for record in everything(conn)} == {
        "journal": "sealed",
        "messages": "train-only",
        "telegram": "train-only",
        "documents": "train-only",
        "question-answers": "train-only",
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


LINES = [
    (("Bob", "Ann")[n % 2], f"This is sentence number {n} of a talk about bread.") for n in range(8)
]


def test_a_newer_export_adds_only_what_is_new(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "result.json").write_text(chat(*LINES[2:5], first=3))
    assert take(conn, tmp_path).new == 3
    split = {record.split for record in iter_records(conn)}
    write_zip(tmp_path / "newer.zip", {"ChatExport/result.json": chat(*LINES)})
    (tmp_path / "result.json").unlink()
    intake = take(conn, tmp_path)
    assert (intake.new, intake.known) == (5, 3)
    found = list(iter_records(conn))
    assert [record.text for record in found] == [text for _, text in LINES]
    assert len({record.thread for record in found}) == 1
    assert {record.split for record in found} == split


def test_the_same_chat_in_two_exports_of_one_folder_is_there_once(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    for name, said in (("a", LINES[:5]), ("b", LINES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(chat(*said))
    intake = take(conn, tmp_path)
    assert (intake.new, intake.known) == (8, 5)
    assert [record.text for record in iter_records(conn)] == [text for _, text in LINES]


def test_an_edited_message_supersedes_and_a_renamed_author_changes_nothing(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "result.json").write_text(chat(*LINES))
    take(conn, tmp_path)
    edited = [*LINES[:3], ("Ann", "I wrote this line again, for it was wrong."), *LINES[4:]]
    renamed = [("Robert" if author == "Bob" else author, text) for author, text in edited]
    (tmp_path / "result.json").write_text(chat(*renamed, name="Robert"))
    assert take(conn, tmp_path).new == 1
    assert [record.text for record in iter_records(conn)] == [text for _, text in edited]


def test_the_newest_threads_are_held_out_and_never_move(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    hours = 60 * 5
    (tmp_path / "result.json").write_text(chat(*LINES, gap=hours))
    take(conn, tmp_path, Owner(name="Ann", held_out=0.25))
    before = {r.thread: r.split for r in sorted(everything(conn), key=lambda r: r.position)}
    assert list(before.values()) == ["train"] * 6 + ["evaluation"] * 2
    more = [("Ann", f"And the year after I wrote line {n} of it.") for n in range(4)]
    (tmp_path / "result.json").write_text(chat(*LINES, *more, gap=hours))
    take(conn, tmp_path, Owner(name="Ann", held_out=0.25))
    after = {r.thread: r.split for r in sorted(everything(conn), key=lambda r: r.position)}
    assert list(after.values()) == [*before.values(), "train", "train", "train", "evaluation"]


def test_by_chance_any_thread_is_held_out(tmp_path: Path, conn: sqlite3.Connection) -> None:
    said = [("Ann", f"This is the {n}th line of many that I wrote.") for n in range(200)]
    (tmp_path / "result.json").write_text(chat(*said, gap=60 * 5))
    take(conn, tmp_path, Owner(name="Ann", held_out=0.3, held_out_by="chance"))
    sides = [r.split for r in sorted(everything(conn), key=lambda r: r.position)]
    assert 30 < sides.count("evaluation") < 90
    assert "evaluation" in sides[:60]


def test_near_copies_of_held_out_text_are_left_out_of_training(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    words = "bread wants time and a warm corner of the kitchen where nobody opens a window at night"
    (tmp_path / "2019-01-01 old.md").write_text(f"I say that {words}, mind you.")
    (tmp_path / "2024-01-01 new.md").write_text(f"I say that {words}, mind me.")
    take(conn, tmp_path, Owner(name="Ann", held_out=0.5))
    assert {record.title: (record.split, record.left_out) for record in everything(conn)} == {
        "Old": ("train", "near-held-out"),
        "New": ("evaluation", None),
    }


def test_who_the_owner_is_is_asked_where_nobody_is_known(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "result.json").write_text(chat(*LINES))
    asked: list[tuple[str, Counter[str]]] = []

    def ask(title: str, authors: Counter[str]) -> list[str]:
        asked.append((title, authors))
        return ["Bob"]

    intake = take(conn, tmp_path, Owner(name="Somebody"), ask=ask)
    assert [authors for _, authors in asked] == [Counter(Ann=4, Bob=4)]
    assert intake.new_names == ["Bob"]
    assert {record.author for record in everything(conn) if record.is_owner} == {"Bob"}


def whatsapp(owner: str, other: str, text: str) -> str:
    lines = [
        (other, f"How was {text}?"),
        (owner, f"Of {text} there is little to tell."),
        (other, "Hm"),
    ]
    return "".join(
        f"25/05/2024, 10:{minute:02d} - {who}: {said}\n" for minute, (who, said) in enumerate(lines)
    )


@pytest.mark.parametrize(
    ("answers", "questions", "problems"),
    [
        ([["Ann"], ["ANN K."]], 2, 0),
        ([["Ann"], []], 2, 1),
        ([[]], 1, 1),
        ([["Ann", "Ann K."]], 1, 0),
    ],
)
def test_many_like_questions_are_one(
    tmp_path: Path,
    conn: sqlite3.Connection,
    answers: list[list[str]],
    questions: int,
    problems: int,
) -> None:
    people = ("Bob", "Cleo", "Dan", "Eve", "Finn")
    for name in people:
        text = whatsapp("Ann" if name < "E" else "ANN K.", name, f"the trip with {name}")
        (tmp_path / f"WhatsApp Chat with {name}.txt").write_text(text)
    (tmp_path / "result.json").write_text(chat(*LINES))
    asked: list[tuple[str, Counter[str]]] = []
    left = iter(answers)

    def ask(title: str, authors: Counter[str]) -> list[str]:
        if "WhatsApp" not in title:
            return []
        asked.append((title, authors))
        return next(left)

    intake = take(conn, tmp_path, Owner(name="Somebody"), ask=ask)
    assert len(asked) == questions
    title, authors = asked[0]
    assert title.endswith("WhatsApp Chat with Bob.txt and 4 more")
    assert authors == Counter({"Ann": 3, "ANN K.": 2} | dict.fromkeys(people, 2))
    said = [problem for problem in intake.log.problems if "WhatsApp" in str(problem)]
    assert len(said) == problems
    owned = {record.thread for record in everything(conn) if record.is_owner}
    taken = {name for names in answers for name in names}
    expected = 5 if len(taken) > 1 else 3 if taken else 0
    assert len([each for each in intake.inputs if each.reader.name == "WhatsApp"]) == expected
    assert len(owned) >= expected


def test_without_an_answer_the_export_is_left_and_the_authors_are_named(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "result.json").write_text(chat(*LINES))
    (tmp_path / "a.md").write_text("My own words.")
    intake = take(conn, tmp_path, Owner(name="Somebody"))
    [problem] = intake.log.problems
    assert "Ann (4), Bob (4)" in str(problem) or "Bob (4), Ann (4)" in str(problem)
    assert "--me" in problem.remedy
    assert [record.text for record in everything(conn)] == ["My own words."]
    take(conn, tmp_path, Owner(name="Somebody"), options=Options(me=("Ann",)))
    assert len(everything(conn)) == 9


def test_what_is_broken_is_noted_and_the_rest_is_taken(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    whole = chat(*LINES)
    (tmp_path / "result.json").write_text(whole[: len(whole) // 2])
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "a.md").write_text("My own words.")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    intake = take(conn, tmp_path)
    places = sorted(Path(problem.where).name for problem in intake.log.problems)
    assert places == ["broken.zip", "result.json"]
    assert intake.log.passed_over == Counter({".jpg: a kind that is not read": 1})
    assert {record.source for record in everything(conn)} == {"telegram", "documents"}


def test_nothing_is_stored_where_the_store_fails_halfway(
    tmp_path: Path, conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "result.json").write_text(chat(*LINES))

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("align.ingest.intake.mark_duplicates", fail)
    with pytest.raises(KeyboardInterrupt):
        take(conn, tmp_path)
    assert everything(conn) == []


def test_a_folder_with_nothing_to_read_says_what_is_in_it(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(UserError, match=r"nothing to read in this folder \(1 \.jpg"):
        take(conn, tmp_path)
    with pytest.raises(UserError, match="no such file or folder"):
        take(conn, tmp_path / "nothing")
    with pytest.raises(UserError, match=r"a kind that is not read \(\.jpg\)"):
        take(conn, tmp_path / "photo.jpg")


def test_a_path_inside_another_is_read_once(tmp_path: Path, conn: sqlite3.Connection) -> None:
    (tmp_path / "a.md").write_text("My own words.")
    intake = ingest(conn, [tmp_path, tmp_path / "a.md", tmp_path], OWNER)
    assert intake.records == 1


def test_no_word_of_the_owners_is_lost(tmp_path: Path, conn: sqlite3.Connection) -> None:
    said = [*LINES, ("Ann", "ok"), ("Ann", "https://x.example/a"), ("Bob", "haha"), ("Ann", "😀")]
    (tmp_path / "result.json").write_text(chat(*said))
    (tmp_path / "post.md").write_text("# A title\n\nFirst.\n\nSecond, and last.")
    take(conn, tmp_path)
    kept = [record.text for record in sorted(everything(conn), key=lambda r: r.position)]
    assert [text for text in kept if "last" not in text] == [text for _, text in said]
    assert "First.\n\nSecond, and last." in kept


def test_the_answer_to_who_the_owner_is_reaches_the_readers(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    (tmp_path / "a.eml").write_text(
        "From: Ann K. <ann@x.example>\nTo: bob@y.example\nSubject: The boat\n"
        "Date: Mon, 6 May 2024 10:00:00 +0200\nMessage-ID: <1@x.example>\n\n"
        "The boat leaks again, and I think we should sell it before winter comes.\n"
    )
    take(conn, tmp_path, Owner(name="Somebody"), ask=lambda *_: ["Ann K."])
    # A letter that begins a thread is a document only where its writer is known to be the owner.
    assert [(r.kind, r.is_owner) for r in everything(conn)] == [("document", True)]
