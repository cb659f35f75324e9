"""Discord's data package: what the owner wrote, channel by channel; nobody else is in it."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from align.errors import UserError
from align.ingest.contents import Message
from align.ingest.formats.json_data import (
    epoch_time,
    id_of,
    iso_time,
    json_in,
    list_of,
    number_of,
    object_of,
    objects_in,
    objects_of,
    snowflake_time,
    string_of,
)
from align.ingest.reader import Inputs, ReadLog
from align.ingest.tree import base_of, folder_of, joined

# Milliseconds from 1970 to the moment from which Discord's ids count.
_BEGINNING = 1_420_070_400_000
_ABOUT = ("channel.json", "index.json", "user.json")
_DIRECT = "Direct Message with "
_MARKUP = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})|@&(?P<role>\d{1,20})|\#(?P<channel>\d{1,20})"
    r"|a?:(?P<emoji>\w{1,64}):\d{1,20}|t:(?P<time>\d{1,15})(?::(?P<style>[a-zA-Z]))?"
    r"|(?P<command>/[^:<>\n]{1,100}):\d{1,20}|id:(?P<place>[a-z-]{1,20}))>"
)
_STYLES = {"t": "%H:%M", "T": "%H:%M", "d": "%Y-%m-%d", "D": "%Y-%m-%d", "R": "%Y-%m-%d"}


@dataclass
class _Known:
    """What the package says of the owner, of other people and of channels, by id."""

    own_id: str | None = None
    own_name: str = "me"
    people: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)


def read_package(inputs: Inputs, log: ReadLog) -> Iterator[Message]:
    """Yield the messages of a data package, each channel's from the oldest on."""
    names = set(inputs.names)
    # A channel's JSON is newer than its table.
    files = {folder_of(name): name for name in names if base_of(name) == "messages.csv"}
    files |= {folder_of(name): name for name in names if base_of(name) == "messages.json"}
    known = _known(inputs, log)
    channels = {}
    for folder in sorted(files):
        about = joined(folder, "channel.json")
        channels[folder] = object_of(json_in(inputs, about, log)) if about in names else {}
        _learn(channels[folder], known)
    for folder, channel in channels.items():
        yield from _channel(inputs, files[folder], channel, known, log)
    others = len(names) - len(files) - sum(base_of(name) in _ABOUT for name in names)
    if others > 0:
        log.passed("a file of Discord's that holds no messages", others)


def _known(inputs: Inputs, log: ReadLog) -> _Known:
    known = _Known()
    for name in inputs.names:
        if base_of(name) == "user.json":
            user = object_of(json_in(inputs, name, log))
            known.own_id = id_of(user.get("id"))
            known.own_name = _name(user) or known.own_name
            if known.own_id:
                known.people[known.own_id] = known.own_name
            for friend in objects_of(user.get("relationships")):
                other = object_of(friend.get("user"))
                key = id_of(other.get("id")) or id_of(friend.get("id"))
                if key and (nickname := string_of(friend.get("nickname")) or _name(other)):
                    known.people[key] = nickname
        elif base_of(name) == "index.json":
            index = object_of(json_in(inputs, name, log))
            known.titles |= {key: title for key, title in index.items() if string_of(title)}
    return known


def _learn(channel: dict[str, Any], known: _Known) -> None:
    """Keep a channel's name, and the name of the other person of a direct chat."""
    key = id_of(channel.get("id"))
    if key is None:
        return
    title = known.titles.get(key, "")
    if name := string_of(channel.get("name")):
        known.channels[key] = name
        guild = string_of(object_of(channel.get("guild")).get("name"))
        known.titles[key] = f"#{name} ({guild})" if guild else name
    recipients = map(id_of, list_of(channel.get("recipients")))
    others = [other for other in recipients if other and other != known.own_id]
    if title.startswith(_DIRECT) and len(others) == 1:
        known.people.setdefault(others[0], title.removeprefix(_DIRECT).split("#")[0])


def _channel(
    inputs: Inputs, name: str, channel: dict[str, Any], known: _Known, log: ReadLog
) -> Iterator[Message]:
    folder = base_of(folder_of(name)).removeprefix("c")
    chat = id_of(channel.get("id")) or (folder if folder.isdigit() else inputs.origin(name))
    read_rows = objects_in if name.endswith(".json") else _table
    messages = [_message(row, chat, known) for row in read_rows(inputs, name, log)]
    # Newest first in the package; its ids count up with time.
    yield from sorted(messages, key=lambda message: number_of(message.key))


def _message(row: dict[str, Any], chat: str, known: _Known) -> Message:
    key = id_of(row.get("ID"))
    text = plain_text(string_of(row.get("Contents")), known.people, known.channels)
    has_files = bool(string_of(row.get("Attachments")).strip())
    return Message(
        chat=chat,
        author=known.own_name,
        text=text,
        time=iso_time(row.get("Timestamp"), UTC) or snowflake_time(key, _BEGINNING),
        key=key,
        author_key=known.own_id,
        is_owner=True,
        reason="media-only" if has_files and not text.strip() else None,
        title=known.titles.get(chat),
    )


def _table(inputs: Inputs, name: str, log: ReadLog) -> Iterator[dict[str, Any]]:
    """Yield the rows of a messages.csv, which older packages have."""
    try:
        yield from csv.DictReader(line + "\n" for line in inputs.tree.lines_of(name))
    except UserError as error:
        log.problems.append(error)
    except csv.Error as error:
        log.problem(inputs.place(name), f"damaged ({error})", "What stands before it was taken")


def _name(user: dict[str, Any]) -> str:
    return string_of(user.get("global_name")) or string_of(user.get("username"))


def plain_text(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Return a message as people see it, with names in the place of `<@123>`."""

    def rendered(match: re.Match[str]) -> str:
        kind, value = match.lastgroup, match.group(match.lastgroup or 0)
        if kind in ("time", "style"):
            moment = epoch_time(int(match["time"]))
            form = _STYLES.get(match["style"] or "", "%Y-%m-%d %H:%M")
            return moment.strftime(form) if moment else match[0]
        return {
            "user": f"@{people.get(value, 'someone')}",
            "role": "@group",
            "channel": f"#{channels.get(value, 'channel')}",
            "emoji": f":{value}:",
            "command": value,
        }.get(kind or "", f"#{value}")

    return _MARKUP.sub(rendered, text) if "<" in text else text
