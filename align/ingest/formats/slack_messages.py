"""Slack's messages, who wrote them, and their markup and blocks as a channel shows them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from align.ingest.contents import Message
from align.ingest.formats.json_data import (
    epoch_time,
    id_of,
    name_key,
    object_of,
    objects_of,
    string_of,
)

# The others are written by Slack: who joined, who renamed what.
_HUMAN = frozenset({"", "me_message", "file_share", "thread_broadcast", "file_comment"})
# Until 2018 Slack wrote a sentence of its own around a file.
_OLD_FILE = re.compile(r"<@\w+(?:\|[^>]*)?> (?:uploaded|shared|commented on) (?:a file|<@)")
# What an export with all edits tells of messages that are no longer so.
_GONE = frozenset({"message_changed", "message_deleted", "message_replied"})
# What people type as < > & stands escaped in the text: everything in < > is Slack's.
_ENTITY = re.compile(r"<([^<>\n]+)>")
_EMOJI = re.compile(r":([a-z0-9_+'-]{1,100})(?:::skin-tone-(\d))?:")
_CODE_POINTS = re.compile(r"[0-9a-f]{1,6}(-[0-9a-f]{1,6}){0,15}", re.IGNORECASE)
# Blocks nest three deep; what lies deeper is nobody's message.
_DEPTH = 8


@dataclass(frozen=True)
class Names:
    """What ids stand for in a workspace."""

    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """The people and channels of an export."""

    names: Names = field(default_factory=Names)  # what ids stand for
    bots: frozenset[str] = frozenset()  # the ids of users that are programs
    # The ids of users that are called as the owner is: by id, name or address.
    own: frozenset[str] = frozenset()
    me: frozenset[str] = frozenset()  # what the owner is called


def workspace_of(users: Iterable[dict[str, Any]], me: Iterable[str]) -> Workspace:
    """Return who is who, by the export's users; its channels are not known yet."""
    people: dict[str, str] = {}
    bots, own = {"USLACKBOT"}, set()
    wanted = frozenset(name_key(name) for name in me)
    for user in users:
        key = id_of(user.get("id"))
        if key is None:
            continue
        people[key] = _name(user) or key
        if user.get("is_bot") is True:
            bots.add(key)
        if _all_names(user) & wanted:
            own.add(key)
    return Workspace(Names(people), frozenset(bots), frozenset(own), wanted)


def message_of(row: dict[str, Any], chat: str, title: str, about: Workspace) -> Message | None:
    """Return the message of a row; None for what is no message or no longer one."""
    subtype = string_of(row.get("subtype"))
    if row.get("type") != "message" or subtype in _GONE:
        return None
    key = id_of(row.get("ts"))
    user, author = _author(row, subtype, about)
    text, reason, raw = _written(row, subtype, about)
    is_bot = bool(row.get("bot_id")) or user is None or user in about.bots
    if subtype not in _HUMAN or is_bot:
        reason = "system"
    root = id_of(row.get("thread_ts"))
    is_thread = root is not None and (root != key or row.get("reply_count") != 0)
    profile = object_of(row.get("user_profile"))
    is_own = user in about.own or bool(_all_names({"profile": profile}) & about.me)
    return Message(
        chat=chat,
        author=author,
        text=text,
        time=epoch_time(row.get("ts")),
        key=key,
        reply_to=root if is_thread and root != key else None,
        author_key=user,
        is_owner=True if is_own else None,
        reason=reason,
        raw=raw,
        title=title or None,
        thread=f"{chat}/{root}" if is_thread else None,
    )


def _author(row: dict[str, Any], subtype: str, about: Workspace) -> tuple[str | None, str]:
    """Return who wrote it, by id and by name."""
    user = id_of((object_of(row.get("comment")) if subtype == "file_comment" else row).get("user"))
    # People of another workspace are no users of this one.
    other = object_of(row.get("user_profile"))
    name = about.names.people.get(user or "") or _name({"profile": other, **other})
    bot = object_of(row.get("bot_profile")).get("name")
    return user, name or string_of(row.get("username")) or string_of(bot) or user or ""


def _written(
    row: dict[str, Any], subtype: str, about: Workspace
) -> tuple[str, str | None, str | None]:
    """Return the author's own text, why it is none, and all that stands there if that is more."""
    names, blocks = about.names, row.get("blocks")
    typed = string_of(row.get("text"))
    if subtype in ("file_share", "file_comment") and _OLD_FILE.match(typed):
        comment = row.get("comment") if subtype == "file_comment" else None
        comment = comment or object_of(row.get("file")).get("initial_comment")
        typed, blocks = string_of(object_of(comment).get("comment")), None
    text = shown_text(typed, names, blocks) or block_text(blocks, names)
    attachments = objects_of(row.get("attachments"))
    # What is shared of other messages is not the words of who shares it.
    shared = _attached(
        (a for a in attachments if a.get("is_share") is True or a.get("is_msg_unfurl") is True),
        names,
    )
    if text.strip():
        return text, None, f"{text}\n\n{shared}" if shared else None
    if shared:
        return shared, "forwarded", None
    if row.get("files") or row.get("file"):
        return "", "media-only", None
    attached = _attached(attachments, names)
    # What is attached to an empty message nobody typed.
    return attached, "system" if attached else None, None


def _attached(attachments: Iterable[dict[str, Any]], names: Names) -> str:
    """Return the text of attachments, or of the blocks that they carry."""
    parts = []
    for attachment in attachments:
        blocks = [attachment.get("blocks")]
        for message in objects_of(attachment.get("message_blocks")):
            blocks.append(object_of(message.get("message")).get("blocks"))
        in_blocks = [text for each in blocks if (text := block_text(each, names)).strip()]
        text = shown_text(string_of(attachment.get("text")), names) or "\n".join(in_blocks)
        parts.append(text or string_of(attachment.get("fallback")))
    return "\n\n".join(part for part in parts if part.strip())


def _name(user: dict[str, Any]) -> str:
    profile = object_of(user.get("profile"))
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"))
    name = next(filter(None, (string_of(name).strip() for name in names)), "")
    return name or string_of(user.get("name"))


def _all_names(user: dict[str, Any]) -> frozenset[str]:
    profile = object_of(user.get("profile"))
    known = [user.get(key) for key in ("id", "name", "real_name", "email")]
    known += [profile.get(key) for key in ("display_name", "real_name", "email", "name")]
    return frozenset(name_key(key) for key in map(string_of, known) if key.strip())


def shown_text(text: str, names: Names, blocks: object = None) -> str:
    """Return a message's text as people see it: mentions by name, links by label, emoji as typed.

    `<@U1>` is a mention in it and `&lt;` a character; `blocks` know the characters of its emoji.
    """
    if "<" in text:
        text = _ENTITY.sub(lambda match: _entity(match[1], names), text)
    emoji: dict[str, str] = {}
    if ":" in text:
        _collect_emoji(blocks, emoji, 0)
    if emoji:
        text = _EMOJI.sub(lambda match: emoji.get(match[1], match[0]), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def block_text(blocks: object, names: Names) -> str:
    """Return the text of blocks, for a message that has no other."""
    parts = []
    for block in objects_of(blocks):
        if block.get("type") == "rich_text":
            parts += [_rich(element, names, 0) for element in objects_of(block.get("elements"))]
            continue
        texts = [block.get("text"), *objects_of(block.get("fields"))]
        if block.get("type") == "context":
            texts += objects_of(block.get("elements"))
        texts = [text if isinstance(text, str) else object_of(text).get("text") for text in texts]
        parts += [shown_text(string_of(text), names) for text in texts]
    return "\n".join(part for part in parts if part.strip())


def _entity(entity: str, names: Names) -> str:
    target, _, label = entity.partition("|")
    if target.startswith("@"):
        return f"@{names.people.get(target[1:]) or label or 'someone'}"
    if target.startswith("#"):
        return f"#{label or names.channels.get(target[1:], 'channel')}"
    if target.startswith("!"):
        return label or f"@{'group' if '^' in target else target[1:]}"
    return label or target.removeprefix("mailto:").removeprefix("tel:")


def _collect_emoji(value: object, known: dict[str, str], depth: int) -> None:
    for element in objects_of(value) if depth < _DEPTH else ():
        if element.get("type") == "emoji" and (character := _character(element)):
            known[string_of(element.get("name"))] = character
        _collect_emoji(element.get("elements"), known, depth + 1)


def _character(emoji: dict[str, Any]) -> str:
    points = string_of(emoji.get("unicode"))
    if not _CODE_POINTS.fullmatch(points):
        return ""
    numbers = [int(point, 16) for point in points.split("-")]
    if any(number > 0x10FFFF or 0xD800 <= number < 0xE000 for number in numbers):
        return ""
    return "".join(map(chr, numbers))


def _rich(element: dict[str, Any], names: Names, depth: int) -> str:
    """Return the text of a section, a list, a quotation or code of a rich text."""
    if depth > _DEPTH:
        return ""
    kind = element.get("type")
    inner = objects_of(element.get("elements"))
    if kind == "rich_text_list":
        mark = "1." if element.get("style") == "ordered" else "•"
        return "\n".join(f"{mark} {_rich(part, names, depth + 1)}" for part in inner)
    text = "".join(_inline(part, names) for part in inner)
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in text.split("\n"))
    return f"```\n{text}\n```" if kind == "rich_text_preformatted" else text


def _inline(element: dict[str, Any], names: Names) -> str:
    kind, text = element.get("type"), string_of(element.get("text"))
    if kind == "user":
        return f"@{names.people.get(id_of(element.get('user_id')) or '', 'someone')}"
    if kind == "channel":
        return f"#{names.channels.get(id_of(element.get('channel_id')) or '', 'channel')}"
    if kind == "broadcast":
        return f"@{string_of(element.get('range'))}"
    if kind == "usergroup":
        return "@group"
    if kind == "emoji":
        return _character(element) or f":{string_of(element.get('name'))}:"
    return text or string_of(element.get("url")) or string_of(element.get("fallback"))
