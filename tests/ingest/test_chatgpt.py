import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Message
from align.ingest.reader import ReadLog
from align.ingest.readers.assistants import CHATGPT as READER
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

CHAT = "6633aa00-0000-4000-8000-000000000001"


def node(
    id: str, parent: str | None, children: list[str], message: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"id": id, "message": message, "parent": parent, "children": children}


def message(id: str, role: str, *parts: Any, time: float | None = None, **more: Any) -> Any:
    kind = more.pop("kind", "text" if all(isinstance(p, str) for p in parts) else "multimodal_text")
    return {
        "id": id,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": time,
        "update_time": None,
        "content": {"content_type": kind, "parts": list(parts)},
        "status": "finished_successfully",
        "end_turn": None,
        "weight": more.pop("weight", 1.0),
        "metadata": more.pop("metadata", {}),
        "recipient": more.pop("recipient", "all"),
        "channel": None,
    }


IMAGE = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1"}
SPOKEN = {"content_type": "audio_transcription", "text": "or is it", "direction": "in"}
INSTRUCTIONS = {"content_type": "user_editable_context", "user_profile": "I am Ann"}
HIDDEN = {"is_visually_hidden_from_conversation": True}
TALK = {
    "title": "Fog and boats",
    "create_time": 1714665600.5,
    "update_time": 1714665700.0,
    "mapping": {
        "root": node("root", None, ["sys"]),
        "sys": node(
            "sys", "root", ["ctx"], message("sys", "system", "", weight=0.0, metadata=HIDDEN)
        ),
        "ctx": node(
            "ctx", "sys", ["u1", "u0"], {**message("ctx", "user"), "content": INSTRUCTIONS}
        ),
        "u0": node("u0", "ctx", [], message("u0", "user", "why is there foog", time=1714665600.5)),
        "u1": node("u1", "ctx", ["t1"], message("u1", "user", "why is there fog", time=1714665601)),
        "t1": node(
            "t1", "u1", ["t2"], message("t1", "assistant", "q", kind="code", recipient="web")
        ),
        "t2": node("t2", "t1", ["t3"], message("t2", "tool", "a result")),
        "t3": node("t3", "t2", ["a1"], message("t3", "assistant", kind="thoughts")),
        "a1": node(
            "a1",
            "t3",
            ["u2"],
            message("a1", "assistant", "Because.\ue200cite\ue202turn0\ue201", time=1714665602.25),
        ),
        "u2": node("u2", "a1", ["u3"], message("u2", "user", IMAGE, "is this fog?", SPOKEN)),
        "u3": node("u3", "u2", [], message("u3", "user", IMAGE, "")),
    },
    "moderation_results": [],
    "current_node": "u3",
    "conversation_id": CHAT,
    "is_archived": False,
    "id": CHAT,
}
EMPTY = {**TALK, "id": "e", "conversation_id": "e", "mapping": {}, "current_node": None}
EXPORT = {
    "conversations.json": json.dumps([TALK, EMPTY]),
    "chat.html": "<html><script>var jsonData = []</script></html>",
    "user.json": '{"id": "user-1"}',
    "message_feedback.json": "[]",
    "shared_conversations.json": "[]",
    "file-abc-letter.pdf": "%PDF-1.4",
    "dalle-generations/file-1.webp": "RIFF",
}


def said(key: str, author: str, text: str, time: datetime | None = None, **more: Any) -> Message:
    return Message(
        chat=CHAT,
        author=author,
        text=text,
        time=time,
        key=key,
        is_owner=author == "me",
        title="Fog and boats",
        thread=CHAT,
        **more,
    )


IN_TALK = [
    said("u1", "me", "why is there fog", datetime(2024, 5, 2, 16, 0, 1, tzinfo=UTC)),
    said("a1", "ChatGPT", "Because.", datetime(2024, 5, 2, 16, 0, 2, 250000, UTC)),
    said("u2", "me", "is this fog?\nor is it"),
    said("u3", "me", "", reason="media-only"),
]


def test_last_version_of_a_conversation_is_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "export", EXPORT)
    assert read_with(READER, folder) == IN_TALK
    assert read_with(READER, write_zip(tmp_path / "export.zip", EXPORT)) == IN_TALK
    assert read_with(READER, folder / "conversations.json") == IN_TALK
    (inputs,) = claimed(READER, tree_of(folder, ReadLog().problem))
    assert set(inputs.names) == set(EXPORT)


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    log = ReadLog()
    read_with(READER, write_folder(tmp_path, EXPORT), log=log)
    assert sorted(log.passed_over.values()) == [5, 6] and not log.problems


def test_newer_export_is_cut_in_parts(tmp_path: Path) -> None:
    other = {**TALK, "id": "two", "conversation_id": "two"}
    files = {
        "conversations-000.json": json.dumps([TALK]),
        "conversations-001.json": json.dumps([other]),
        "export_manifest.json": "{}",
    }
    found = messages(read_with(READER, write_folder(tmp_path / "deep" / "er", files)))
    assert found[:4] == IN_TALK
    assert [m.chat for m in found[4:]] == ["two"] * 4
    assert messages(read_with(READER, tmp_path)) == found


def test_old_or_broken_tree_is_followed_from_its_newest_leaf(tmp_path: Path) -> None:
    mapping = {
        "a": node("a", "b", ["b"], message("a", "user", "one", time=1.0)),
        "b": node("b", "a", [], message("b", "user", "two", time=2.0)),
        "c": node("c", "a", [], message("c", "user", "abandoned", time=1.5)),
    }
    talk = {"title": "", "id": "x", "mapping": mapping, "current_node": "gone"}
    found = messages(read_with(READER, write_folder(tmp_path, {"alone.json": json.dumps(talk)})))
    assert [(m.text, m.title, m.chat) for m in found] == [("one", None, "x"), ("two", None, "x")]


def test_cut_export_keeps_the_conversations_before_the_cut(tmp_path: Path) -> None:
    log = ReadLog()
    text = EXPORT["conversations.json"]
    folder = write_folder(tmp_path, {"conversations.json": text[:-40]})
    assert texts(read_with(READER, folder, log=log)) == [m.text for m in IN_TALK]
    assert len(log.problems) == 1


def test_empty_export_is_known_by_what_lies_beside_it(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"conversations.json": "[]", "user.json": "{}"})
    assert len(claimed(READER, tree_of(folder, ReadLog().problem))) == 1
    assert read_with(READER, folder) == []


def test_conversations_of_others_are_left_to_them(tmp_path: Path) -> None:
    files = {
        "conversations.json": '[{"uuid": "1", "name": "", "chat_messages": []}]',
        "users.json": "[]",
        "a.json": '{"mapping": {"a": 1}}',
        "file-mine.md": "mine",
    }
    assert claimed(READER, tree_of(write_folder(tmp_path, files), ReadLog().problem)) == []


SMALL = {"conversations.json": json.dumps([TALK, EMPTY]), "user.json": "{}"}


def test_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, MANY)
