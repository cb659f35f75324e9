"""Claude: an account's export, each conversation as its last version stands."""

import re
from collections.abc import Iterator
from typing import Any

from align.ingest.contents import Message
from align.ingest.formats.assistants import Layout, branch
from align.ingest.formats.json_data import id_of, iso_time, objects_of, string_of
from align.ingest.reader import ReadLog

_LAYOUT = Layout(
    re.compile(r'"chat_messages"\s*:\s*\['),
    frozenset(("users.json", "projects.json", "memories.json")),
    re.compile(r"(?:projects|design_chats)/[0-9a-f-]{36}\.json"),
)


def _conversation(item: dict[str, Any], place: str, log: ReadLog) -> Iterator[Message]:
    chat = id_of(item.get("uuid")) or place
    title = string_of(item.get("name")) or None
    for held in _path(item):
        is_owner = held.get("sender") == "human"
        text = _text(held)
        given = [*objects_of(held.get("attachments")), *objects_of(held.get("files"))]
        if not (text or given) or held.get("sender") not in ("human", "assistant"):
            log.passed("a message without words")
            continue
        if given:
            log.passed("a file that was given to Claude", len(given))
        yield Message(
            chat=chat,
            author="me" if is_owner else "Claude",
            text=text,
            time=iso_time(held.get("created_at")),
            key=id_of(held.get("uuid")),
            is_owner=is_owner,
            reason=None if text else "media-only",
            title=title,
            thread=chat,
        )


def _path(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages up to the current one, without what was edited away."""
    messages = objects_of(item.get("chat_messages"))
    nodes = {key: each for each in messages if (key := id_of(each.get("uuid"))) is not None}
    at = id_of(item.get("current_leaf_message_uuid"))
    if at not in nodes:
        at = id_of(messages[-1].get("uuid")) if messages else None
    # Older exports hold a plain row, and no parents.
    if not any(id_of(each.get("parent_message_uuid")) in nodes for each in messages):
        return messages
    return [node for _, node in branch(nodes, at, "parent_message_uuid")]


def _text(held: dict[str, Any]) -> str:
    """Return the words of a message; its `text` also holds excuses for what a page can't show."""
    blocks = objects_of(held.get("content"))
    texts = [string_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    return "\n\n".join(filter(str.strip, texts)) or ("" if blocks else string_of(held.get("text")))


READER = _LAYOUT.reader("Claude", "claude", _conversation)
