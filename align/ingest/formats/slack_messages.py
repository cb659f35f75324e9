"""One message of a Slack export, and who wrote it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from align.ingest.formats.json_values import epoch_time, id_of, object_of, objects_of, string_of
from align.ingest.formats.slack_text import Names, block_text, message_text, shared_text, shown_text
from align.ingest.found import Message

# The others are written by Slack: who joined, who renamed what.
_HUMAN = frozenset({"", "me_message", "file_share", "thread_broadcast", "file_comment"})
# Until 2018 Slack wrote a sentence of its own around a file.
_OLD_FILE = re.compile(r"<@\w+(?:\|[^>]*)?> (?:uploaded|shared|commented on) (?:a file|<@)")
# What an export with all edits tells of messages that are no longer so.
_GONE = frozenset({"message_changed", "message_deleted", "message_replied"})


@dataclass(frozen=True)
class Workspace:
    """The people and channels of an export.

    Attributes:
        names: What ids stand for.
        bots: The ids of users that are programs.
        own: The ids of users that are called as the owner is: by id, name or address.
        me: What the owner is called.
    """

    names: Names = field(default_factory=Names)
    bots: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    me: frozenset[str] = frozenset()


def workspace_of(users: Iterable[dict[str, Any]], me: Iterable[str]) -> Workspace:
    """Return who is who, by the export's users; its channels are not known yet."""
    people: dict[str, str] = {}
    bots, own = {"USLACKBOT"}, set()
    wanted = frozenset(_plain(name) for name in me)
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
    said = object_of(row.get("comment")) if subtype == "file_comment" else row
    user = id_of(said.get("user"))
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
    held = string_of(row.get("text"))
    if subtype in ("file_share", "file_comment") and _OLD_FILE.match(held):
        told = row.get("comment") if subtype == "file_comment" else None
        told = told or object_of(row.get("file")).get("initial_comment")
        held, blocks = string_of(object_of(told).get("comment")), None
    text = shown_text(held, names, blocks) or block_text(blocks, names)
    shared = shared_text(row.get("attachments"), names)
    if text.strip():
        return text, None, f"{text}\n\n{shared}" if shared else None
    if shared:
        return shared, "forwarded", None
    if row.get("files") or row.get("file"):
        return "", "media-only", None
    attached = _attached(row.get("attachments"), names)
    # What is attached to an empty message nobody typed.
    return attached, "system" if attached else None, None


def _attached(attachments: object, names: Names) -> str:
    parts = [
        shown_text(string_of(each.get("text")), names)
        or message_text(each, names)
        or string_of(each.get("fallback"))
        for each in objects_of(attachments)
    ]
    return "\n\n".join(part for part in parts if part.strip())


def _name(user: dict[str, Any]) -> str:
    profile = object_of(user.get("profile"))
    for each in (profile.get("display_name"), profile.get("real_name"), user.get("real_name")):
        if string_of(each).strip():
            return string_of(each).strip()
    return string_of(user.get("name"))


def _all_names(user: dict[str, Any]) -> frozenset[str]:
    profile = object_of(user.get("profile"))
    known = [user.get(each) for each in ("id", "name", "real_name", "email")]
    known += [profile.get(each) for each in ("display_name", "real_name", "email", "name")]
    return frozenset(_plain(each) for each in map(string_of, known) if each.strip())


def _plain(name: str) -> str:
    return " ".join(name.split()).removeprefix("@").casefold()
