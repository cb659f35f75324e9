import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.errors import UserError
from align.ingest.documents import read_document
from align.ingest.readers import in_journal, origin_of, read
from align.ingest.text import clean, decoded


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_folder_is_read_by_kind_and_the_rest_is_counted(root: Path) -> None:
    folder = write(
        root / "mine",
        {
            "posts/a.md": "---\ntitle: On bread\ndate: 2024-05-01\n---\nIt rises.\n",
            "posts/2024-05-my_trip.txt": "Far away.",
            "posts/empty.md": "# Only a title\n",
            "posts/photo.md": b"\x89PNG\r\n\x00\x01\x02\x03",
            "posts/photo.png": b"\x89PNG",
            ".hidden/x.md": "no",
            "chats.jsonl": jsonl({"question": "Why?", "answer": "Because."}),
            "mail.jsonl": jsonl({"messages": [{"role": "assistant", "content": "Hi."}]}),
        },
    )
    reading = read([folder])
    assert [(p.source, p.title, [t.text for t in p.turns]) for p in reading.pieces] == [
        ("question-answers", None, ["Why?", "Because."]),
        ("messages", None, ["Hi."]),
        ("documents", "My trip", ["Far away."]),
        ("documents", "On bread", ["It rises."]),
    ]
    assert reading.pieces[3].turns[0].time == "2024-05-01"
    assert dict(reading.left_out) == {
        "empty": 1,
        "binary": 1,
        ".png: a kind that is not read": 1,
    }


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
        ('{"messages": [{"role": "user", "content": ["x"]}]}', "'content' is not a text"),
        ('{"question": "x", "answer": "y", "thread": []}', "'thread' is not a text"),
        ("[" * 100_000, "not JSON|nested too deeply"),
    ],
)
def test_a_broken_line_17_is_named(tmp_path: Path, broken: str, what: str) -> None:
    good = [json.dumps({"question": f"{i}?", "answer": "Yes."}) for i in range(16)]
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join([*good, broken, *good]))
    with pytest.raises(UserError, match=rf"chats\.jsonl:17: .*({what})"):
        read([path])


def test_missing_empty_and_foreign_paths_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        read([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="nothing to read in this folder"):
        read([tmp_path / "empty"])
    write(tmp_path, {"a.png": b"x", "b.md": b"\x00\x01\x02\x03"})
    with pytest.raises(UserError, match=r"not read \(\.png\)"):
        read([tmp_path / "a.png"])
    with pytest.raises(UserError, match="binary"):
        read([tmp_path / "b.md"])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_text_is_read_in_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Grüße from the café, where the coffee was good and the rain was not. " * 3
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    (tmp_path / "b.jsonl").write_bytes(jsonl({"question": "Q?", "answer": text}).encode(encoding))
    pieces = read([tmp_path]).pieces
    assert [piece.turns[-1].text for piece in pieces] == [text.strip()] * 2


def test_windows_text_is_read_and_controls_are_dropped() -> None:
    assert decoded("naïve — “yes”".encode("cp1252")) == "naïve — “yes”"
    assert clean("a\x00b\r\nc\x1b[31m \ud800\u0085\n\n") == "ab\nc[31m �"
    assert decoded(bytes(range(256))) is None


def test_a_path_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "Once."})
    assert len(read([tmp_path, tmp_path / "a.md", tmp_path / "." / "a.md"]).pieces) == 1


def test_lines_added_above_move_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    rows = [{"question": f"{i}?", "answer": "Yes."} for i in range(3)]
    path.write_text(jsonl(*rows))
    before = {piece.thread for piece in read([path]).pieces}
    path.write_text(jsonl({"question": "New?", "answer": "Yes."}, *rows))
    assert before < {piece.thread for piece in read([path]).pieces}


def test_chats_that_begin_alike_stay_apart_and_a_thread_that_is_named_is_kept(
    tmp_path: Path,
) -> None:
    rows = [{"question": "Hi?", "answer": str(i), "thread": "t"} for i in range(2)]
    (tmp_path / "a.jsonl").write_text(jsonl(*rows))
    first, second = read([tmp_path]).pieces
    assert first.thread == second.thread == "t"
    assert first.origin != second.origin


def test_a_journal_is_known_by_its_name() -> None:
    journals = [
        "journal/a.md",
        "x/Diary/b.txt",
        "my-diary.md",
        "2024 Journal.txt",
        "journal-may.md",
    ]
    others = ["keeping-a-journal.md", "posts/on-diaries.md", "journalism.md", "a.md"]
    assert [name for name in journals if not in_journal(name)] == []
    assert [name for name in others if in_journal(name)] == []


def test_names_in_the_store_are_the_same_on_every_machine(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert origin_of(root / "data" / "demo" / "a.md") == "data/demo/a.md"
    assert origin_of(tmp_path / "home" / "w" / "a.md") == "~/w/a.md"
    assert origin_of(Path("/elsewhere/a.md")) == "/elsewhere/a.md"
    monkeypatch.chdir(root)
    assert origin_of(Path("data/demo/../demo/a.md")) == "data/demo/a.md"


def test_what_only_looks_like_front_matter_is_text() -> None:
    for text in ("---\nno: [yaml\n---\nBody.", "---\njust a line\n---\nBody."):
        piece = read_document(text, "documents", "a.md")
        assert piece is not None
        assert piece.turns[0].text == text


def test_the_first_heading_is_the_title_and_not_said_twice() -> None:
    piece = read_document("# Rain\n\nIt rained.\n\n# Sun\n", "documents", "a.md")
    assert piece is not None
    assert (piece.title, piece.turns[0].text) == ("Rain", "It rained.\n\n# Sun")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_text_that_can_be_stored_or_none(data: bytes) -> None:
    text = decoded(data)
    if text is not None:
        cleaned = clean(text)
        cleaned.encode()
        assert clean(cleaned) == cleaned
        assert "\x00" not in cleaned


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_a_document_or_nothing(text: str) -> None:
    piece = read_document(text, "documents", "notes/a.md")
    if piece is not None:
        assert piece.turns[0].text.strip()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who is not root")
def test_a_file_that_may_not_be_read_stops_before_anything_is_stored(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.md": "x"}) / "a.md"
    path.chmod(0)
    with pytest.raises(PermissionError):
        read([tmp_path])
