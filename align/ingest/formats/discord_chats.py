"""Chats of Discord as DiscordChatExporter writes them: JSON, a channel a file."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from align.ingest.formats.discord_markup import plain_text
from align.ingest.formats.json_stream import json_items
from align.ingest.formats.json_values import id_of, iso_time, object_of, objects_of, string_of
from align.ingest.found import Message
from align.ingest.reading import Export, Notes, Options

# By name, or by Discord's number where the exporter did not know the type yet.
_HUMAN = frozenset({"", "Default", "Reply", "0", "19"})
_FIRST_MESSAGE = re.compile(r'"messages"\s*:\s*\[\s*\{\s*"id"\s*:\s*"(\d{1,20})"')


def first_message(head: str) -> int:
    """Return the id of the first message in the beginning of a file; 0 where there is none."""
    match = _FIRST_MESSAGE.search(head)
    return int(match[1]) if match else 0


def read_chat(export: Export, notes: Notes, options: Options) -> Iterator[Message]:
    """Yield the messages of one channel, which may be in several files."""
    me = {_plain(name) for name in options.me}
    people: dict[str, str] = {}
    # Two exports of one channel may overlap.
    seen: set[str | None] = set()
    names = [name for name in export.names if name.lower().endswith(".json")]
    if len(export.names) > len(names):
        notes.passed("a file that was sent in a chat", len(export.names) - len(names))
    for name in names:
        about = object_of(_first(export, name, "channel"))
        guild = object_of(_first(export, name, "guild"))
        chat = id_of(about.get("id")) or export.origin(name)
        title = _title(about, guild)
        items = json_items(export, name, "messages.item", notes)
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
    author_id = id_of(author.get("id"))
    for each in (author, *objects_of(item.get("mentions"))):
        if (key := id_of(each.get("id"))) and (name := _name(each)):
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
    elif not text.strip() and any(item.get(each) for each in ("attachments", "stickers", "embeds")):
        reason = "media-only"
    return Message(
        chat=chat,
        author=_name(author),
        text=text,
        time=iso_time(item.get("timestamp")),
        key=id_of(item.get("id")),
        reply_to=id_of(reference.get("messageId")) if kind in ("Reply", "19") else None,
        author_key=author_id,
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


def _first(export: Export, name: str, prefix: str) -> Any:
    # What is damaged there is told when the messages are read.
    return next(json_items(export, name, prefix, Notes()), None)


def _title(channel: dict[str, Any], guild: dict[str, Any]) -> str:
    name, place = string_of(channel.get("name")), string_of(guild.get("name"))
    if id_of(guild.get("id")) in (None, "0") or not place:
        return name
    return f"#{name} ({place})"


def _name(user: dict[str, Any]) -> str:
    return string_of(user.get("nickname")) or string_of(user.get("name"))


def _names(user: dict[str, Any]) -> set[str]:
    name, number = string_of(user.get("name")), id_of(user.get("discriminator"))
    known = (name, string_of(user.get("nickname")), id_of(user.get("id")), f"{name}#{number}")
    return {_plain(each) for each in known if each}


def _plain(name: str) -> str:
    return " ".join(name.split()).removeprefix("@").casefold()
