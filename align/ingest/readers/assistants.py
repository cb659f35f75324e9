"""Exports of talks with assistants: which conversations.json is whose, and what lies beside it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.ingest.contents import Message
from align.ingest.formats.json_data import (
    epoch_time,
    id_of,
    iso_time,
    json_items,
    list_of,
    object_of,
    objects_of,
    string_of,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, base_of, joined

# Newer exports are cut in parts; a browser numbers what it has already.
_NAME = re.compile(r"conversations(?:[-_ ]?\(?\d+\)?)?\.json", re.IGNORECASE)
MessagesOf = Callable[[dict[str, Any], str, ReadLog], Iterator[Message]]
# Marks of sources, which the page shows as links.
_CITATIONS = re.compile("\ue200[^\ue201]*\ue201|【\\d+[†:][^】\n]{0,100}】")
_NO_TEXT = "a message of ChatGPT's tools, its system or its thinking"


@dataclass(frozen=True)
class Layout:
    """How one service's export looks."""

    mark: re.Pattern[str]  # what the beginning of a file of conversations holds
    # Names that only this service's exports have beside it: by them an empty or a damaged file of
    # conversations is known too.
    known: frozenset[str]
    beside: re.Pattern[str]  # matches what else belongs to the export, from its folder on

    def claim(self, tree: Tree, names: Sequence[str]) -> list[Inputs]:
        """Return the exports of the service, a folder each."""
        present = set(names)
        folders: dict[str, list[str]] = defaultdict(list)
        for name in names:
            folder, _, base = name.rpartition("/")
            if not base.lower().endswith(".json") or base in self.known:
                continue
            is_named = bool(_NAME.fullmatch(base))
            has_company = is_named and any(joined(folder, each) in present for each in self.known)
            if has_company or self.mark.search(tree.head_text(name)):
                folders[folder].append(name)
        return [
            Inputs(tree, (*files, *self._beside(names, folder, files)))
            for folder, files in folders.items()
        ]

    def _beside(self, names: Sequence[str], folder: str, files: list[str]) -> list[str]:
        within = joined(folder, "")
        # A conversation that was saved alone may lie among other things.
        if not any(_NAME.fullmatch(name.removeprefix(within)) for name in files):
            return []
        beside = []
        for name in names:
            inside = name.removeprefix(within)
            belongs = inside in self.known or self.beside.fullmatch(inside)
            if belongs and name.startswith(within) and name not in files:
                beside.append(name)
        return beside

    def reader(self, name: str, source: str, messages_of: MessagesOf) -> Reader:
        """Return a reader; `messages_of` is given a conversation, its place and the log."""

        def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Message]:
            for place, item in self._conversations(inputs, log):
                yield from messages_of(item, place, log)

        return Reader(name, source, self.claim, read)

    def _conversations(self, inputs: Inputs, log: ReadLog) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the conversations of an export, each with its place."""
        others = 0
        for name in inputs.names:
            base = base_of(name)
            head = inputs.tree.head_text(name) if base.lower().endswith(".json") else ""
            if base in self.known or not (_NAME.fullmatch(base) or self.mark.search(head)):
                others += 1
                continue
            # One that was saved alone is no list.
            prefix = "" if head.lstrip("\ufeff \t\r\n").startswith("{") else "item"
            origin = inputs.origin(name)
            for number, item in enumerate(json_items(inputs, name, prefix, log)):
                if isinstance(item, dict):
                    yield f"{origin}:{number}", item
        if others:
            log.passed("a file beside the conversations", others)


_CHATGPT = Layout(
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


_CLAUDE = Layout(
    re.compile(r'"chat_messages"\s*:\s*\['),
    frozenset(("users.json", "projects.json", "memories.json")),
    re.compile(r"(?:projects|design_chats)/[0-9a-f-]{36}\.json"),
)


def branch(
    nodes: Mapping[str, Any], leaf: str | None, parent: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return the nodes up to a leaf, with their ids; `parent` is the key to the one before."""
    path: dict[str, dict[str, Any]] = {}
    while leaf is not None and leaf in nodes and leaf not in path:
        path[leaf] = object_of(nodes[leaf])
        leaf = id_of(path[leaf].get(parent))
    return list(reversed(path.items()))


def _chatgpt_conversation(item: dict[str, Any], place: str, log: ReadLog) -> Iterator[Message]:
    chat = id_of(item.get("conversation_id")) or id_of(item.get("id")) or place
    title = string_of(item.get("title")) or None
    for key, node in _chatgpt_path(item):
        message = _chatgpt_message(node, log)
        if message is not None:
            message.chat = message.thread = chat
            message.key, message.title = id_of(node.get("id")) or key, title
            yield message


def _chatgpt_path(item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages up to the current one, by their nodes' ids."""
    nodes = object_of(item.get("mapping"))
    leaf = id_of(item.get("current_node"))
    if leaf not in nodes:
        # The last message that nothing follows.
        leaves = [key for key in nodes if not list_of(object_of(nodes[key]).get("children"))]
        leaf = max(leaves, key=lambda key: (_created(nodes[key]), key), default=None)
    path = [(key, object_of(node.get("message"))) for key, node in branch(nodes, leaf, "parent")]
    return [(key, message) for key, message in path if message]


def _created(node: object) -> float:
    time = epoch_time(object_of(object_of(node).get("message")).get("create_time"))
    return time.timestamp() if time else 0.0


def _chatgpt_message(node: dict[str, Any], log: ReadLog) -> Message | None:
    """Return one message without its place; None where the page shows none."""
    role = object_of(node.get("author")).get("role")
    content, about = object_of(node.get("content")), object_of(node.get("metadata"))
    is_shown = (
        role in ("user", "assistant")
        and content.get("content_type") in ("text", "multimodal_text")
        and node.get("weight") not in (0, 0.0)
        and node.get("recipient") in (None, "all")
        and node.get("channel") != "analysis"
        and about.get("is_visually_hidden_from_conversation") is not True
        and about.get("is_user_system_message") is not True
    )
    if not is_shown:
        log.passed(_NO_TEXT)
        return None
    parts = list_of(content.get("parts"))
    text = "\n".join(filter(str.strip, map(_chatgpt_text, parts)))
    has_media = any(isinstance(part, dict) for part in parts) or bool(about.get("attachments"))
    if not text and not has_media:
        log.passed(_NO_TEXT)
        return None
    return Message(
        chat="",
        author="me" if role == "user" else "ChatGPT",
        text=text if role == "user" else _CITATIONS.sub("", text),
        time=epoch_time(node.get("create_time")),
        is_owner=role == "user",
        reason=None if text else "media-only",
    )


def _chatgpt_text(part: object) -> str:
    """Return the words of a part: what was typed, or said and written down by ChatGPT."""
    if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
        return string_of(part.get("text"))
    return string_of(part)


def _claude_conversation(item: dict[str, Any], place: str, log: ReadLog) -> Iterator[Message]:
    chat = id_of(item.get("uuid")) or place
    title = string_of(item.get("name")) or None
    for node in _claude_path(item):
        is_owner = node.get("sender") == "human"
        text = _claude_text(node)
        given = [*objects_of(node.get("attachments")), *objects_of(node.get("files"))]
        if not (text or given) or node.get("sender") not in ("human", "assistant"):
            log.passed("a message without words")
            continue
        if given:
            log.passed("a file that was given to Claude", len(given))
        yield Message(
            chat=chat,
            author="me" if is_owner else "Claude",
            text=text,
            time=iso_time(node.get("created_at")),
            key=id_of(node.get("uuid")),
            is_owner=is_owner,
            reason=None if text else "media-only",
            title=title,
            thread=chat,
        )


def _claude_path(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages up to the current one, without what was edited away."""
    messages = objects_of(item.get("chat_messages"))
    nodes = {key: message for message in messages if (key := id_of(message.get("uuid")))}
    # Older exports hold a plain row, and no parents.
    if not any(id_of(message.get("parent_message_uuid")) in nodes for message in messages):
        return messages
    leaf = id_of(item.get("current_leaf_message_uuid"))
    leaf = leaf if leaf in nodes else id_of(messages[-1].get("uuid"))
    return [node for _, node in branch(nodes, leaf, "parent_message_uuid")]


def _claude_text(node: dict[str, Any]) -> str:
    """Return the words of a message; its `text` also holds excuses for what a page can't show."""
    blocks = objects_of(node.get("content"))
    texts = [string_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    return "\n\n".join(filter(str.strip, texts)) or ("" if blocks else string_of(node.get("text")))


CHATGPT = _CHATGPT.reader("ChatGPT", "chatgpt", _chatgpt_conversation)
CLAUDE = _CLAUDE.reader("Claude", "claude", _claude_conversation)
READERS = (CHATGPT, CLAUDE)
