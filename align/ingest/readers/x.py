"""X, formerly Twitter: the archive's posts as documents, its direct messages as chats."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from align.ingest.contents import Content, Message
from align.ingest.formats.json_data import id_of, number_of, object_of, objects_of, string_of
from align.ingest.formats.x_archive import (
    LongPost,
    Post,
    documents_of,
    long_post_of,
    post_of,
    rows_of,
    time_of,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, base_of, folder_of, joined

_PART = r"(?:-part\d+)?\.js"
_POSTS = re.compile(rf"(?:community-|twitter-circle-)?tweets?{_PART}")
_LONG = re.compile(rf"note-tweets?{_PART}")
_DIRECT = re.compile(rf"direct-messages?(?:-group)?{_PART}")
# Until 2018 there was a file a month.
_MONTH = re.compile(r"(?:(.*)/)?data/js/tweets/\d{4}_\d\d\.js")
_SCRIPT = re.compile(r"\s*(?:window\.YTD\.|Grailbird\.data\.)")
_BESIDE = ("Your archive.html", "assets/")
_OLD_BESIDE = ("data/js/", "tweets.csv", "index.html", "README.txt")


def claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    """Return the archives: the folders of scripts that hold posts or messages."""
    places: dict[tuple[str, bool], None] = {}
    for name in names:
        folder, _, base = name.rpartition("/")
        month = _MONTH.fullmatch(name)
        is_kind = any(kind.fullmatch(base) for kind in (_POSTS, _LONG, _DIRECT))
        place = (month[1] or "", True) if month else (folder, False)
        if (month or is_kind) and place not in places and _is_script(tree, name):
            places[place] = None
    return [Inputs(tree, _files(names, *place), "archive") for place in places]


def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    """Yield the posts, the oldest first, and then each chat's messages."""
    known = _account(inputs, log)
    posts: list[Post] = []
    long_posts: list[LongPost] = []
    direct: list[str] = []
    others = 0
    for name in inputs.names:
        base = base_of(name)
        if _POSTS.fullmatch(base) or _MONTH.fullmatch(name):
            for row in rows_of(inputs, name, log):
                _learn(row, known)
                if post := post_of(row, known.own_id):
                    posts.append(post)
        elif _LONG.fullmatch(base):
            long_posts += filter(None, map(long_post_of, rows_of(inputs, name, log)))
        elif _DIRECT.fullmatch(base):
            direct.append(name)
        else:
            others += base != "account.js"
    if others:
        log.passed("a file of X's that holds neither posts nor messages", others)
    yield from documents_of(posts, long_posts)
    for name in direct:
        for row in rows_of(inputs, name, log):
            yield from _chat(row, known, inputs.origin(name), log)


@dataclass
class _Known:
    """Who is who: the owner, and the people whom the posts mention, by id."""

    own_id: str | None = None
    own_name: str = "me"
    people: dict[str, str] = field(default_factory=dict)


def _account(inputs: Inputs, log: ReadLog) -> _Known:
    known = _Known()
    for name in inputs.names:
        for row in rows_of(inputs, name, log) if base_of(name) == "account.js" else ():
            known.own_id = id_of(row.get("accountId")) or known.own_id
            names = (row.get("accountDisplayName"), row.get("username"), known.own_name)
            known.own_name = next(filter(None, map(string_of, names)))
    return known


def _learn(row: dict[str, Any], known: _Known) -> None:
    for mention in objects_of(object_of(row.get("entities")).get("user_mentions")):
        key = id_of(mention.get("id_str")) or id_of(mention.get("id"))
        name = string_of(mention.get("name")) or string_of(mention.get("screen_name"))
        if key and name:
            known.people.setdefault(key, name)


def _chat(row: dict[str, Any], known: _Known, place: str, log: ReadLog) -> Iterator[Message]:
    """Yield the messages of one conversation, the oldest first, which stand last in it."""
    chat = id_of(row.get("conversationId")) or place
    title = None
    messages = []
    for event in objects_of(row.get("messages")):
        if created := object_of(event.get("messageCreate")):
            messages.append(_message(created, chat, known))
        else:
            log.passed("an event of a chat: somebody came, left or renamed it")
            renamed = object_of(event.get("conversationNameUpdate"))
            title = title or string_of(renamed.get("name")) or None
    for message in sorted(messages, key=lambda message: number_of(message.key)):
        message.title = title
        yield message


def _message(event: dict[str, Any], chat: str, known: _Known) -> Message:
    text = html.unescape(string_of(event.get("text")))
    for link in objects_of(event.get("urls")):
        short, whole = string_of(link.get("url")), string_of(link.get("expanded"))
        if short:
            # A picture is a link to itself.
            is_media = "/messages/media/" in whole or "/i/web/status/media" in whole
            text = text.replace(short, "" if is_media else whole)
    key, sender = id_of(event.get("id")), id_of(event.get("senderId"))
    is_owner = None if known.own_id is None else sender == known.own_id
    return Message(
        chat=chat,
        author=known.own_name if is_owner else known.people.get(sender or "") or sender or "",
        text=text.strip(),
        time=time_of(event.get("createdAt"), key),
        key=key,
        author_key=sender,
        is_owner=is_owner,
        reason="media-only" if event.get("mediaUrls") and not text.strip() else None,
        source="messages",
    )


def _files(names: Sequence[str], folder: str, is_old: bool) -> tuple[str, ...]:
    """Return what belongs to an archive: its scripts, and the pages and pictures beside them."""
    if is_old:
        beside = tuple(joined(folder, name) for name in _OLD_BESIDE)
        return tuple(name for name in names if name.startswith(beside))
    beside = tuple(joined(folder_of(folder), name) for name in _BESIDE) if folder else ()
    within = joined(folder, "")
    own = f"{within}README.txt" if folder else None

    def is_inside(name: str) -> bool:
        inside, slash, _ = name.removeprefix(within).partition("/")
        return inside.endswith("_media") if slash else inside.endswith(".js") or name == own

    return tuple(
        name
        for name in names
        if name.startswith(beside) or (name.startswith(within) and is_inside(name))
    )


def _is_script(tree: Tree, name: str) -> bool:
    return bool(_SCRIPT.match(tree.head_text(name, 256)))


READER = Reader("X", "x", claim, read)
