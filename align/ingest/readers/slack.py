"""Slack: a workspace's export, with its channels, direct chats and threads."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from align.ingest.contents import Content, Message
from align.ingest.formats.json_data import (
    id_of,
    json_in,
    list_of,
    objects_in,
    objects_of,
    string_of,
)
from align.ingest.formats.slack_messages import Names, Workspace, message_of, workspace_of
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, base_of, joined

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")
# What else lies beside them: the people, and what holds no messages.
_OTHERS = (
    "users.json", "org_users.json", "integration_logs.json", "canvases.json", "lists.json",
    "huddle_transcripts.json", "file_conversations.json", "bookmarks.json",
)  # fmt: skip
_MESSAGE = re.compile(r'"ts"\s*:\s*"\d{9,}\.\d+"')


def claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    """Return the workspaces: the folders in which folders of days lie."""
    days: dict[str | None, list[str]] = defaultdict(list)
    for name in names:
        folder, _, base = name.rpartition("/")
        if _DAY.fullmatch(base):
            days[_parent(folder)].append(name)
    present = set(names)
    for name in names:
        folder, _, base = name.rpartition("/")
        if base == "channels.json" and joined(folder, "users.json") in present:
            days.setdefault(folder, [])
    claims = []
    for root, folder_days in days.items():
        known = root is not None and any(joined(root, base) in present for base in _LISTS)
        if known or any(_is_day(tree, name) for name in folder_days[:3]):
            claims.append(Inputs(tree, _files(names, root, folder_days)))
    return claims


def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    """Yield each channel's messages from the oldest on, and after them its threads."""
    rooms, about = _rooms(inputs, log, options)
    days: dict[str, list[str]] = defaultdict(list)
    others = 0
    for name in inputs.names:
        folder, _, base = name.rpartition("/")
        if _DAY.fullmatch(base):
            days[folder or _parent(inputs.origin(name)) or ""].append(name)
        else:
            others += base not in _LISTS and base != "users.json"
    if others:
        log.passed("a file of Slack's that holds no messages", others)
    for folder, files in sorted(days.items()):
        base = base_of(folder)
        room = rooms.get(base) or _Room(base, f"#{base}")
        yield from _channel(inputs, files, room, about, log)


@dataclass(frozen=True)
class _Room:
    """A channel, a group or a direct chat, by its id and what it is called."""

    chat: str
    title: str


def _channel(
    inputs: Inputs, files: list[str], room: _Room, about: Workspace, log: ReadLog
) -> Iterator[Message]:
    threads: dict[str, list[Message]] = {}
    for name in sorted(files):
        messages = []
        for row in objects_in(inputs, name, log):
            message = message_of(row, room.chat, room.title, about)
            if message is not None:
                messages.append(message)
        messages.sort(key=lambda message: message.time.timestamp() if message.time else 0.0)
        for message in messages:
            if message.thread is None:
                yield message
            else:
                threads.setdefault(message.thread, []).append(message)
    for _, thread in sorted(threads.items()):
        yield from thread


def _rooms(inputs: Inputs, log: ReadLog, options: Options) -> tuple[dict[str, _Room], Workspace]:
    """Return the rooms by the names of their folders, and who is in the workspace."""
    lists = {base_of(name): name for name in reversed(inputs.names)}
    users = objects_of(json_in(inputs, lists["users.json"], log)) if "users.json" in lists else []
    about = workspace_of(users, options.me)
    rooms: dict[str, _Room] = {}
    channels: dict[str, str] = {}
    for base in _LISTS:
        for channel in objects_of(json_in(inputs, lists[base], log)) if base in lists else ():
            key, name = id_of(channel.get("id")), string_of(channel.get("name"))
            chat = key or name
            members = [id_of(member) or "" for member in list_of(channel.get("members"))]
            together = ", ".join(about.names.people.get(m, "someone") for m in members)
            is_direct = base in ("dms.json", "mpims.json")
            room = _Room(chat, together if is_direct else f"#{name}")
            rooms |= {folder: room for folder in (key, name) if folder}
            if key and name:
                channels[key] = name
    return rooms, replace(about, names=Names(about.names.people, channels))


def _files(names: Sequence[str], root: str | None, days: list[str]) -> tuple[str, ...]:
    if root is None:
        return tuple(days)
    within = joined(root, "")
    folders = {"__uploads", *(day.removeprefix(within).partition("/")[0] for day in days)}
    parts = {n: n.removeprefix(within).partition("/") for n in names if n.startswith(within)}
    lists = {joined(root, base) for base in (*_LISTS, *_OTHERS)}
    return tuple(
        name
        for name, (folder, slash, _) in parts.items()
        if name in lists or (slash and folder in folders)
    )


def _is_day(tree: Tree, name: str) -> bool:
    head = tree.head_text(name, 4096)
    return '"type"' in head and bool(_MESSAGE.search(head))


def _parent(name: str) -> str | None:
    """Return the folder in which something lies; None of nothing, which was named alone."""
    return name.rpartition("/")[0] if name else None


READER = Reader("Slack", "slack", claim, read)
