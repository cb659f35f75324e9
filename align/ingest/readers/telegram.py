"""Telegram: what Telegram Desktop exports, one chat or the whole account, as JSON or as pages."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from align.ingest.contents import Content, Message
from align.ingest.formats.json_data import json_head, json_items
from align.ingest.formats.telegram_messages import (
    Chat,
    is_page,
    messages_of,
    messages_of_pages,
    pages_in_order,
    title_of,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, base_of, suffix_of

_TYPES = (
    "personal_chat bot_chat saved_messages replies verification_codes private_group "
    "private_supergroup public_supergroup private_channel public_channel "
    "private_chat group_chat channel"
).replace(" ", "|")
_ONE_CHAT = re.compile(rf'"type"\s*:\s*"(?:{_TYPES})"')
_ITS_MESSAGES = re.compile(r'"messages"\s*:\s*\[')
_ITS_AUTHORS = re.compile(r'"(?:from|actor)_id"\s*:\s*"(?:user|channel|chat)\d')
_ACCOUNT = re.compile(
    r'\A\s*\{\s*(?:"about"\s*:|"personal_information"\s*:\s*\{\s*"user_id"'
    r'|"(?:left_)?chats"\s*:\s*\{\s*"(?:about|list)")'
)
_RESULT = re.compile(r"result(?: ?\(\d+\)|-\d+|_\d+)?\.json", re.IGNORECASE)
_PAGE = re.compile(r"messages ?(?:\(?\d*\)?)\.html?", re.IGNORECASE)
# Where Telegram Desktop puts what belongs to an export, beside its result.json or messages.html.
_PARTS = frozenset((
    "contacts", "css", "files", "images", "js", "lists", "photos", "profile_pictures",
    "round_video_messages", "stickers", "stories", "video_files", "voice_messages",
))  # fmt: skip
_LISTS = ("chats", "left_chats")
_NAMED = ("name", "type", "id")
_HEAD = 16 * 1024


@dataclass
class _Account:
    """The chats of an export in their order, by the list that they stand in."""

    owner: int | None = None
    one: Chat = field(default_factory=Chat)
    lists: dict[str, list[Chat]] = field(default_factory=lambda: {name: [] for name in _LISTS})


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    results = {
        name: [name] for name in names if suffix_of(name) == ".json" and _is_result(tree, name)
    }
    folders = {_folder(name): own for name, own in reversed(results.items())}
    pages: dict[str, list[str]] = defaultdict(list)
    rest = []
    for name in names:
        if name in results:
            continue
        if not _PAGE.fullmatch(base_of(name)) or not is_page(_head(tree, name)):
            rest.append(name)
        elif own := folders.get(_folder(name)):
            # What stands in a result.json stands there better than in pages of the same chat.
            own_page = title_of(_head(tree, name)) in _head(tree, own[0])
            (own if own_page else pages[_folder(name)]).append(name)
        elif not _shared(tree, name, folders):
            pages[_folder(name)].append(name)
    chats = {folder: pages_in_order(own) for folder, own in pages.items()}
    folders = {**chats, **folders}
    for folder, own in chats.items():
        above = PurePosixPath(folder).parent
        if above.name == "chats":
            # The whole account in pages: one input a chat, and what is about all of them beside.
            folders.setdefault(_folder(str(above)), own)
    for name in rest:
        _shared(tree, name, folders)
    return [Inputs(tree, tuple(own)) for own in (*results.values(), *chats.values())]


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _head(tree: Tree, name: str) -> str:
    return tree.head_text(name, _HEAD).lstrip("\ufeff")


def _shared(tree: Tree, name: str, folders: dict[str, list[str]]) -> bool:
    """Give a file to the export whose part it is: what friends sent is nothing of the owner's."""
    path = PurePosixPath(name)
    for folder in path.parents:
        if (own := folders.get(str(folder))) and _is_part(tree, name, path.relative_to(folder)):
            own.append(name)
            return True
    return False


def _is_part(tree: Tree, name: str, inside: PurePosixPath) -> bool:
    parts = inside.parts
    if len(parts) > 1:
        return parts[0] in _PARTS or (parts[0] == "chats" and parts[1].startswith("chat_"))
    return inside.suffix.lower() in (".html", ".htm") and is_page(_head(tree, name))


def _is_result(tree: Tree, name: str) -> bool:
    head = _head(tree, name)
    if _ITS_MESSAGES.search(head) and (_ONE_CHAT.search(head) or _ITS_AUTHORS.search(head)):
        return True
    own_name = _RESULT.fullmatch(base_of(name)) is not None
    account = _ACCOUNT.match(head)
    is_list = _ITS_MESSAGES.search(head) is not None and _ONE_CHAT.search(head) is not None
    return account is not None and (own_name or is_list or "personal_information" in head)


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    if inputs.names[0].lower().endswith(".json"):
        beside = len(inputs.names) - 1
        yield from _result(inputs, inputs.names[0], log)
    else:
        folder = _folder(inputs.names[0])
        pages = [n for n in inputs.names if _folder(n) == folder and _PAGE.fullmatch(base_of(n))]
        beside = len(inputs.names) - len(pages)
        yield from messages_of_pages(inputs, pages, log)
    if beside:
        log.passed("files sent in chats", beside)


def _result(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    account = _surveyed(inputs, name)
    if account.one.messages:
        items = json_items(inputs, name, "messages.item", log)
        yield from messages_of(items, account.one, name, None)
        return
    count = 0
    for place in _LISTS:
        chats = account.lists[place]
        if not any(chat.messages for chat in chats):
            continue
        items = json_items(inputs, name, f"{place}.list.item.messages.item", log)
        for number, chat in enumerate(chats):
            count += chat.messages
            messages = islice(items, chat.messages)
            yield from messages_of(messages, chat, f"{name}/{number}", account.owner)
        # Nothing is left; damage behind the last message is logged.
        for _ in items:
            pass
    if not count:
        what = "no messages in it"
        log.problem(inputs.place(name), what, "Export it again, with chats ticked")


def _surveyed(inputs: Inputs, name: str) -> _Account:
    """Look through an export for its chats: their names may stand behind their messages."""
    account = _Account()
    one = account.one
    heads = {f"{place}.list.item": chats for place, chats in account.lists.items()}
    counted = {f"{prefix}.messages.item": chats for prefix, chats in heads.items()}
    fields = {f"{prefix}.{key}": chats for prefix, chats in heads.items() for key in _NAMED}
    owner = "personal_information.user_id"

    def seen(prefix: str, event: str, value: Any) -> bool:
        if event in ("end_map", "end_array"):
            return False
        if prefix in counted:
            if counted[prefix]:
                counted[prefix][-1].messages += 1
        elif prefix in heads:
            heads[prefix].append(Chat())
        elif prefix in fields:
            if fields[prefix]:
                fields[prefix][-1].keep(prefix.rpartition(".")[2], value)
        elif prefix in _NAMED:
            one.keep(prefix, value)
        elif prefix == owner:
            account.owner = value if type(value) is int else None
        else:
            one.messages += 1
            # Of one chat only what names it is needed; where that stands first, the rest is not.
            return one.id is not None and bool(one.type or one.name)
        return False

    wanted = {*counted, *heads, *fields, *_NAMED, owner, "messages.item"}
    json_head(inputs, name, wanted, seen)
    return account


READER = Reader("Telegram", "telegram", _claim, _read)
