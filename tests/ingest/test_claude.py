import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Message
from align.ingest.reader import ReadLog
from align.ingest.readers.assistants import CLAUDE as READER
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

CHAT = "0a0a0a0a-0000-4000-8000-000000000001"
ROOT = "00000000-0000-4000-8000-000000000000"


def block(text: str) -> dict[str, Any]:
    return {
        "start_timestamp": "2024-05-02T16:00:01Z",
        "stop_timestamp": "2024-05-02T16:00:01Z",
        "type": "text",
        "text": text,
        "citations": [],
    }


def message(id: str, sender: str, second: int, *blocks: Any, **more: Any) -> dict[str, Any]:
    held = [block(each) if isinstance(each, str) else each for each in blocks]
    return {
        "uuid": id,
        "text": "\n\n".join(each.get("text", "not supported") for each in held),
        "content": held,
        "sender": sender,
        "created_at": f"2024-05-02T16:00:{second:02}.250000Z",
        "updated_at": f"2024-05-02T16:00:{second:02}.250000Z",
        "attachments": [],
        "files": [],
        **more,
    }


def talk(*held: dict[str, Any], id: str = CHAT, **more: Any) -> dict[str, Any]:
    return {
        "uuid": id,
        "name": "Fog and boats",
        "summary": "",
        "created_at": "2024-05-02T16:00:00.000000Z",
        "updated_at": "2024-05-02T16:01:00.000000Z",
        "account": {"uuid": "acc"},
        **more,
        "chat_messages": list(held),
    }


PASTED = {
    "file_name": "log.txt",
    "file_size": 9,
    "file_type": "txt",
    "extracted_content": "a long log",
}
TALK = talk(
    message("m1", "human", 1, "why is there fog", attachments=[PASTED]),
    message(
        "m2",
        "assistant",
        2,
        {"type": "thinking", "thinking": "Hm."},
        "Let me look.",
        {"type": "tool_use", "name": "web_search", "input": {}},
        {"type": "tool_result", "name": "web_search", "content": []},
        "Because.",
    ),
    message("m3", "human", 3, "", files=[{"file_name": "fog.png"}]),
    message("m4", "assistant", 4),
)
EXPORT = {
    "conversations.json": json.dumps([TALK, talk(id="empty")]),
    "users.json": json.dumps([{"uuid": "acc", "full_name": "Ann K.", "email_address": "a@x"}]),
    "projects.json": "[]",
    f"projects/{CHAT}.json": "{}",
}


def said(key: str, author: str, text: str, second: int, **more: Any) -> Message:
    return Message(
        chat=CHAT,
        author=author,
        text=text,
        time=datetime(2024, 5, 2, 16, 0, second, 250000, UTC),
        key=key,
        is_owner=author == "me",
        title="Fog and boats",
        thread=CHAT,
        **more,
    )


IN_TALK = [
    said("m1", "me", "why is there fog", 1),
    said("m2", "Claude", "Let me look.\n\nBecause.", 2),
    said("m3", "me", "", 3, reason="media-only"),
]


def test_conversations_are_read_without_thinking_tools_and_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", EXPORT)
    log = ReadLog()
    assert read_with(READER, folder, log=log) == IN_TALK
    assert sorted(log.passed_over.values()) == [1, 2, 3] and not log.problems
    assert read_with(READER, write_zip(tmp_path / "data-2024-06-01.zip", EXPORT)) == IN_TALK
    assert read_with(READER, folder / "conversations.json") == IN_TALK
    (inputs,) = claimed(READER, tree_of(tmp_path / "data", ReadLog().problem))
    assert set(inputs.names) == set(EXPORT)


def test_old_export_has_only_texts(tmp_path: Path) -> None:
    old = [
        {
            "uuid": CHAT,
            "name": "",
            "chat_messages": [
                {
                    "uuid": "m1",
                    "sender": "human",
                    "text": "only text",
                    "created_at": "2023-08-01T10:00:00.000000+00:00",
                }
            ],
        }
    ]
    (found,) = messages(
        read_with(READER, write_folder(tmp_path, {"x/conversations.json": json.dumps(old)}))
    )
    assert found == Message(
        chat=CHAT,
        author="me",
        text="only text",
        time=datetime(2023, 8, 1, 10, tzinfo=UTC),
        key="m1",
        is_owner=True,
        thread=CHAT,
    )


def test_what_was_edited_away_is_left_out(tmp_path: Path) -> None:
    tree = talk(
        message("m1", "human", 1, "why is there foog", parent_message_uuid=ROOT),
        message("m2", "assistant", 2, "What?", parent_message_uuid="m1"),
        message("m3", "human", 3, "why is there fog", parent_message_uuid=ROOT),
        message("m4", "assistant", 4, "Because.", parent_message_uuid="m3"),
    )
    for at, (leaf, expected) in enumerate(
        ((None, ["why is there fog", "Because."]), ("m2", ["why is there foog", "What?"]))
    ):
        text = json.dumps([{**tree, "current_leaf_message_uuid": leaf}])
        folder = write_folder(tmp_path / str(at), {"conversations.json": text})
        assert texts(read_with(READER, folder)) == expected


def test_one_conversation_may_be_saved_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"fog.json": json.dumps(TALK), "projects.json": "[]"})
    assert read_with(READER, folder) == IN_TALK
    assert claimed(READER, tree_of(folder, ReadLog().problem))[0].names == ("fog.json",)


def test_cut_export_keeps_the_conversations_before_the_cut(tmp_path: Path) -> None:
    log = ReadLog()
    folder = write_folder(tmp_path, {**EXPORT, "conversations.json": json.dumps([TALK, TALK])[:-9]})
    assert read_with(READER, folder, log=log) == IN_TALK
    assert len(log.problems) == 1


def test_empty_export_is_known_by_what_lies_beside_it(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"conversations.json": "[]", "users.json": "[]"})
    assert len(claimed(READER, tree_of(folder, ReadLog().problem))) == 1
    assert read_with(READER, folder) == []


def test_conversations_of_others_are_left_to_them(tmp_path: Path) -> None:
    files = {
        "conversations.json": '[{"mapping": {"a": {"children": []}}}]',
        "user.json": "{}",
    }
    assert claimed(READER, tree_of(write_folder(tmp_path, files), ReadLog().problem)) == []


SMALL = {"conversations.json": json.dumps([TALK, talk(id="empty")]), "users.json": "[]"}


def test_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, MANY)
