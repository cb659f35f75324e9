"""Discord: the data package as it is delivered, and chats as DiscordChatExporter writes them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from align.ingest.contents import Content, Message
from align.ingest.formats.discord_package import plain_text, read_package
from align.ingest.formats.json_data import (
    id_of,
    iso_time,
    json_items,
    name_key,
    object_of,
    objects_of,
    string_of,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, ZipTree, base_of, folder_of, joined

_MESSAGES = ("messages.json", "messages.csv")
_PACKAGE = "data package"
# Discord translates the names of the package's folders; these marks are the same in all of them.
_FOLDERS = re.compile(
    r"account|activity|activities|ads|programs|servers|support[_ ]tickets|messages", re.IGNORECASE
)
_INSIDE = re.compile(r"user\.json|avatar\.\w+|(.+/)?events-\d+-\d+-of-\d+\.json|\d+/guild\.json")
_OLD_ROWS = re.compile(r'\ufeff?"?ID"?,"?Timestamp"?,"?Contents"?')
_ROWS = re.compile(r'\s*\[\s*\{\s*"ID"\s*:\s*"?\d+"?\s*,\s*"Timestamp"')
_CHAT = re.compile(r'\ufeff?\s*\{\s*"guild"\s*:\s*\{')
_CHANNEL = re.compile(r'"channel"\s*:\s*\{\s*"id"\s*:\s*"(\d{1,20})"')
# By name, or by Discord's number where the exporter did not know the type yet.
_HUMAN = frozenset({"", "Default", "Reply", "0", "19"})
_FIRST_MESSAGE = re.compile(r'"messages"\s*:\s*\[\s*\{\s*"id"\s*:\s*"(\d{1,20})"')


def claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    """Return the data packages, and a channel's files of the exporter together."""
    packages = _packages(tree, names)
    claimed = {name for package in packages for name in package.names}
    return packages + _chats(tree, [name for name in names if name not in claimed])


def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    """Yield the messages, each channel's from the oldest on."""
    if inputs.title == _PACKAGE:
        return read_package(inputs, log)
    return read_chat(inputs, log, options)


def _packages(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    rooms: dict[str | None, set[str]] = defaultdict(set)
    for name in names:
        pattern = {"messages.json": _ROWS, "messages.csv": _OLD_ROWS}.get(base_of(name))
        if pattern and pattern.match(tree.head_text(name, 4096)):
            folder = folder_of(name)
            # A channel's folder may have been named alone.
            rooms[folder_of(folder) if folder else None].add(folder)
    return [Inputs(tree, _files(tree, names, *room), _PACKAGE) for room in rooms.items()]


def _files(
    tree: Tree, names: Sequence[str], room: str | None, channels: set[str]
) -> tuple[str, ...]:
    """Return the package's files: those of its channels, and of the folders beside them."""
    if room is None:
        return tuple(name for name in names if name in (*_MESSAGES, "channel.json"))
    root = folder_of(room)
    if isinstance(tree, ZipTree) and room and not root:
        return tuple(names)
    within = joined(root, "")
    parts = {
        name: name.removeprefix(within).partition("/") for name in names if name.startswith(within)
    }
    folders = {room.removeprefix(within)} if room else channels
    for folder, slash, rest in parts.values() if room else ():
        if slash and (_FOLDERS.fullmatch(folder) or _INSIDE.fullmatch(rest)):
            folders.add(folder)
    own = {joined(room, "index.json"), f"{within}README.txt"}
    return tuple(
        name
        for name, (folder, slash, _) in parts.items()
        if name in own or (slash and folder in folders)
    )


def _chats(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    parts: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        if not name.lower().endswith(".json") or ".json_Files/" in name:
            continue
        if _CHAT.match(tree.head_text(name, 512)):
            head = tree.head_text(name)
            channel, first = _CHANNEL.search(head), _FIRST_MESSAGE.search(head)
            key = channel[1] if channel else name
            parts[key].append((int(first[1]) if first else 0, name))
    claims = []
    for numbered in parts.values():
        files = [name for _, name in sorted(numbered)]
        # What was sent in the chat lies beside the file, and is not the owner's to learn from.
        beside = tuple(f"{name}_Files/" for name in files)
        sent = [name for name in names if name.startswith(beside)]
        claims.append(Inputs(tree, (*files, *sent)))
    return claims


def read_chat(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Message]:
    """Yield the messages of one channel, which may be in several files."""
    me = {name_key(name) for name in options.me}
    people: dict[str, str] = {}
    # Two exports of one channel may overlap.
    seen: set[str | None] = set()
    names = [name for name in inputs.names if name.lower().endswith(".json")]
    if len(inputs.names) > len(names):
        log.passed("a file that was sent in a chat", len(inputs.names) - len(names))
    for name in names:
        # What is damaged there is logged when the messages are read.
        channel, guild = (
            object_of(next(json_items(inputs, name, key, ReadLog()), None))
            for key in ("channel", "guild")
        )
        chat = id_of(channel.get("id")) or inputs.origin(name)
        title, place = string_of(channel.get("name")), string_of(guild.get("name"))
        if place and id_of(guild.get("id")) not in (None, "0"):
            title = f"#{title} ({place})"
        items = json_items(inputs, name, "messages.item", log)
        for item in _oldest_first(item for item in items if isinstance(item, dict)):
            message = _message(item, chat, title, people, me)
            if message.key is None or message.key not in seen:
                yield message
            if len(names) > 1:
                seen.add(message.key)


def _message(
    item: dict[str, Any], chat: str, title: str, people: dict[str, str], me: set[str]
) -> Message:
    author = object_of(item.get("author"))
    for user in (author, *objects_of(item.get("mentions"))):
        if (key := id_of(user.get("id"))) and (name := _name(user)):
            people[key] = name
    kind = id_of(item.get("type")) or ""
    reference = object_of(item.get("reference"))
    forwarded = object_of(item.get("forwardedMessage"))
    content = string_of(item.get("content"))
    is_forward = not content.strip() and (bool(forwarded) or reference.get("type") == "Forward")
    text = plain_text(string_of(forwarded.get("content")) if is_forward else content, people, {})
    reason = None
    if kind not in _HUMAN or author.get("isBot") is True:
        reason = "system"
    elif is_forward:
        reason = "forwarded"
    elif not text.strip() and any(map(item.get, ("attachments", "stickers", "embeds"))):
        reason = "media-only"
    return Message(
        chat=chat,
        author=_name(author),
        text=text,
        time=iso_time(item.get("timestamp")),
        key=id_of(item.get("id")),
        reply_to=id_of(reference.get("messageId")) if kind in ("Reply", "19") else None,
        author_key=id_of(author.get("id")),
        is_owner=True if _names(author) & me else None,
        reason=reason,
        title=title or None,
    )


def _oldest_first(items: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn the items round where the exporter was told to write the newest first."""
    first = list(islice(items, 2))
    ids = [id_of(item.get("id")) or "" for item in first]
    if len(ids) == 2 and (len(ids[0]), ids[0]) > (len(ids[1]), ids[1]):
        return iter([*first, *items][::-1])
    return chain(first, items)


def _name(user: dict[str, Any]) -> str:
    return string_of(user.get("nickname")) or string_of(user.get("name"))


def _names(user: dict[str, Any]) -> set[str]:
    name, number = string_of(user.get("name")), id_of(user.get("discriminator"))
    known = (name, string_of(user.get("nickname")), id_of(user.get("id")), f"{name}#{number}")
    return {name_key(name) for name in known if name}


READER = Reader("Discord", "discord", claim, read)
