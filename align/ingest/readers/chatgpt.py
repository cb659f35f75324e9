"""ChatGPT: an account's export, each conversation as its last version stands."""

import re
from collections.abc import Iterator
from typing import Any

from align.ingest.contents import Message
from align.ingest.formats.assistants import Layout, branch
from align.ingest.formats.json_data import epoch_time, id_of, list_of, object_of, string_of
from align.ingest.reader import ReadLog

_LAYOUT = Layout(
    re.compile(r'"mapping"\s*:\s*\{(?=[\s\S]*"(?:children|current_node|parent)"\s*:)'),
    frozenset(
        (
            "chat.html", "message_feedback.json", "model_comparisons.json", "export_manifest.json",
            "shared_conversations.json", "user.json", "user_settings.json", "group_chats.json",
            "sora.json", "shopping.json",
        )
    ),
    # Files that were given to ChatGPT, pictures that it made, what was said to it.
    re.compile(r"(?:file[-_]|dalle-generations/|user-\w+/|[0-9a-f-]{36}/(?:audio|video|image)/).*"),
)  # fmt: skip
# Marks of sources, which the page shows as links.
_CITATIONS = re.compile("\ue200[^\ue201]*\ue201|【\\d+[†:][^】\n]{0,100}】")
_NO_TEXT = "a message of ChatGPT's tools, its system or its thinking"


def _conversation(item: dict[str, Any], place: str, log: ReadLog) -> Iterator[Message]:
    chat = id_of(item.get("conversation_id")) or id_of(item.get("id")) or place
    title = string_of(item.get("title")) or None
    for key, held in _path(item):
        message = _message(held, log)
        if message is not None:
            message.chat = message.thread = chat
            message.key, message.title = id_of(held.get("id")) or key, title
            yield message


def _path(item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages up to the current one, by their nodes' ids."""
    nodes = object_of(item.get("mapping"))
    at = id_of(item.get("current_node"))
    if at is None or at not in nodes:
        at = _newest_leaf(nodes)
    path = [(key, object_of(node.get("message"))) for key, node in branch(nodes, at, "parent")]
    return [(key, message) for key, message in path if message]


def _newest_leaf(nodes: dict[str, Any]) -> str | None:
    """Return the last message that nothing follows, by its time."""
    leaves = []
    for key, node in nodes.items():
        if not list_of(object_of(node).get("children")):
            time = epoch_time(object_of(object_of(node).get("message")).get("create_time"))
            leaves.append((time.timestamp() if time else 0.0, key))
    return max(leaves)[1] if leaves else None


def _message(held: dict[str, Any], log: ReadLog) -> Message | None:
    """Return one message without its place; None where the page shows none."""
    role = object_of(held.get("author")).get("role")
    content, about = object_of(held.get("content")), object_of(held.get("metadata"))
    is_shown = (
        role in ("user", "assistant")
        and content.get("content_type") in ("text", "multimodal_text")
        and held.get("weight") not in (0, 0.0)
        and held.get("recipient") in (None, "all")
        and held.get("channel") != "analysis"
        and about.get("is_visually_hidden_from_conversation") is not True
        and about.get("is_user_system_message") is not True
    )
    if not is_shown:
        log.passed(_NO_TEXT)
        return None
    parts = list_of(content.get("parts"))
    text = "\n".join(filter(str.strip, map(_text, parts)))
    has_media = any(isinstance(part, dict) for part in parts) or bool(about.get("attachments"))
    if not text and not has_media:
        log.passed(_NO_TEXT)
        return None
    return Message(
        chat="",
        author="me" if role == "user" else "ChatGPT",
        text=text if role == "user" else _CITATIONS.sub("", text),
        time=epoch_time(held.get("create_time")),
        is_owner=role == "user",
        reason=None if text else "media-only",
    )


def _text(part: object) -> str:
    """Return the words of a part: what was typed, or said and written down by ChatGPT."""
    if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
        return string_of(part.get("text"))
    return string_of(part)


READER = _LAYOUT.reader("ChatGPT", "chatgpt", _conversation)
