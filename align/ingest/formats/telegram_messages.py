"""Telegram Desktop's messages, as its JSON and its pages hold them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from align.errors import UserError
from align.ingest.contents import Message
from align.ingest.decoding import encoding_of
from align.ingest.formats.json_data import iso_time
from align.ingest.formats.markup import parsed
from align.ingest.reader import Inputs, ReadLog

# What stands in a message that is more than its text.
_MEDIA = frozenset((
    "photo", "file", "media_type", "contact_information", "contact_vcard", "location_information",
    "place_name", "poll", "todo_list", "game_title", "invoice_information", "giveaway_information",
    "giveaway_results", "story_id", "live_location_period_seconds", "self_destruct_period_seconds",
    "paid_stars_amount",
))  # fmt: skip
_DATE = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?: UTC([+-]\d{2}:?\d{2}))?"
)
_TITLE = re.compile(r'class="page_header".*?class="text bold">\s*(.*?)\s*</div>', re.DOTALL)
_REPLY = re.compile(r"#go_to_message(-?\d+)")
_VIA = re.compile(r" via @\w+$")
_DELETED = "Deleted Account"


@dataclass
class Chat:
    """What a chat is called, before and beside its messages."""

    name: str | None = None
    type: str = ""
    id: int | None = None
    messages: int = 0  # how many there are; not counted in an export of one chat

    def key(self, fallback: str) -> str:
        """Return what names the chat in a newer export too."""
        return str(self.id) if self.id is not None else self.type or self.name or fallback

    def keep(self, key: str, value: Any) -> None:
        """Keep the chat's `id`, `name` or `type`, if it is of its type."""
        if type(value) is (int if key == "id" else str):
            setattr(self, key, value)


@dataclass
class _Last:
    """Whose message stood before: one that is `joined` to it does not say."""

    author: str = ""
    is_via: bool = False


def messages_of(
    items: Iterator[Any], chat: Chat, fallback: str, owner: int | None
) -> Iterator[Message]:
    """Yield the messages of one chat, whatever stands in its list.

    `fallback` is its key where nothing names it, `owner` the account's id where that is told.
    """
    key, title = chat.key(fallback), chat.name
    is_notes = chat.type == "saved_messages"
    if is_notes:
        title = title or "Saved Messages"
    me = None if owner is None else f"user{owner}"
    for item in items:
        if type(item) is not dict:
            continue
        get = item.get
        number = get("id")
        message = Message(
            key,
            "",
            "",
            _time(get("date_unixtime"), get("date")),
            str(number) if type(number) is int else None,
        )
        message.title = title
        if get("type") == "message":
            _fill(message, item, me, is_notes)
        else:
            message.reason = "media-only" if get("type") == "unsupported" else "system"
        yield message


def _fill(message: Message, item: dict[str, Any], me: str | None, is_notes: bool) -> None:
    get = item.get
    text = get("text")
    if type(text) is str:
        message.text = text
    else:
        _render(message, text if type(text) is list else get("text_entities"))
    author, author_key = get("from"), get("from_id")
    if type(author_key) is int:  # As exports had it until 2021.
        author_key = f"user{author_key}"
    if type(author_key) is str:
        message.author_key = author_key
        if author_key.startswith("channel") and type(get("author")) is str:
            # Who signed a channel's post.
            author = item["author"]
        if me is not None and author_key.startswith("user"):
            message.is_owner = author_key == me
    if type(author) is str:
        message.author = author
    reply = get("reply_to_message_id")
    if type(reply) is int and "reply_to_peer_id" not in item:
        message.reply_to = str(reply)
    # What one forwards of one's own stays one's own.
    if get("forwarded_from", author) != author or "via_bot" in item:
        message.reason = "forwarded"
    elif not message.text or message.text.isspace():
        if not message.reason and not _MEDIA.isdisjoint(item):
            message.reason = "media-only"
    elif is_notes:
        message.is_owner = True


def _render(message: Message, parts: Any) -> None:
    """Write the text of strings and entities; what is marked as a quote is somebody else's."""
    whole, own = [], []
    for part in parts if type(parts) is list else ():
        text = part.get("text") if type(part) is dict else part
        if type(text) is not str:
            continue
        whole.append(text)
        if type(part) is not dict or part.get("type") != "blockquote":
            own.append(text)
    message.text = "".join(own)
    if len(own) < len(whole):
        message.raw = "".join(whole)
        if not message.text.strip():
            message.text, message.reason = message.raw, "quoted"


def _time(unix: Any, local: Any) -> datetime | None:
    """Return when it was: in UTC, or by the clock that older exports alone tell."""
    try:
        if type(unix) is str or type(unix) is int:
            return datetime.fromtimestamp(int(unix), UTC)
        if type(local) is str:
            return datetime.fromisoformat(local)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def is_page(head: str) -> bool:
    """Tell whether an HTML file begins like a page of Telegram Desktop's."""
    return 'class="page_wrap' in head


def title_of(head: str) -> str:
    """Return the chat's title, as the beginning of a page tells it."""
    message = _TITLE.search(head)
    return unescape(message[1]) if message else ""


def pages_in_order(names: Iterable[str]) -> list[str]:
    """Return the pages of a chat in their order: messages.html, messages2.html, messages10.html."""

    def place(name: str) -> tuple[int, str]:
        number = re.search(r"(\d+)\D*$", PurePosixPath(name).stem)
        return int(number[1]) if number else 0, name

    return sorted(names, key=place)


def messages_of_pages(inputs: Inputs, names: Iterable[str], log: ReadLog) -> Iterator[Message]:
    """Yield the messages of a chat's pages, page after page."""
    last = _Last()
    for name in names:
        try:
            data = inputs.tree.bytes_of(name)
        except UserError as error:
            log.problems.append(error)
            continue
        encoding = encoding_of(data[:4])
        encoding = "utf-8" if encoding == "cp1252" else encoding
        count = 0
        for message in _page(data.decode(encoding, "replace"), last):
            count += 1
            yield message
        if not count:
            log.problem(inputs.place(name), "no messages in it", "Export the chat again")


def _page(text: str, last: _Last) -> Iterator[Message]:
    root = parsed(text, huge_tree=True)
    title = title_of(text)
    for tag in () if root is None else root.iter("div"):
        kinds = _kinds(tag)
        if "message" not in kinds:
            continue
        name = tag.get("id", "").removeprefix("message")
        message = Message(title or "chat", "", "", title=title or None)
        if name.isdecimal():
            message.key = name
        body = _child(tag, "body")
        if "service" in kinds:
            if name.startswith("-"):
                continue  # A new day: no message.
            message.reason = "system"
            message.text = "" if body is None else _text(body)
        elif body is not None:
            _fill_from_page(message, body, last, "joined" in kinds)
        yield message


def _fill_from_page(message: Message, body: Any, last: _Last, is_joined: bool) -> None:
    date = _child(body, "date")
    message.time = None if date is None else _page_time(date.get("title", ""))
    author = _child(body, "from_name")
    if author is not None or not is_joined:
        name = "" if author is None else _text(author)
        last.is_via = _VIA.search(name) is not None
        last.author = _VIA.sub("", name)
    message.author = "" if last.author == _DELETED else last.author
    forwarded = _child(body, "forwarded", "body")
    inside = body if forwarded is None else forwarded
    reply = _child(inside, "reply_to")
    if reply is not None:
        for link in reply.iter("a"):
            if to := _REPLY.search(link.get("href", "")):
                message.reply_to = to[1]
    text = _child(inside, "text")
    if text is not None:
        _render_page(message, text)
    if forwarded is not None or last.is_via:
        message.reason = "forwarded"
    elif not message.text and not message.reason and _child(inside, "media_wrap") is not None:
        message.reason = "media-only"


def _render_page(message: Message, tag: Any) -> None:
    whole = _text(tag)
    message.text = whole
    if quotes := list(tag.iter("blockquote")):
        for quote in quotes:
            quote.drop_tree()
        message.text, message.raw = _text(tag), whole
        if not message.text:
            message.text, message.reason = whole, "quoted"


def _child(tag: Any, *kinds: str) -> Any:
    """Return the first `div` right inside with all these classes, or None."""
    for child in tag:
        if child.tag == "div" and _kinds(child).issuperset(kinds):
            return child
    return None


def _kinds(tag: Any) -> set[str]:
    return set(tag.get("class", "").split())


def _text(tag: Any) -> str:
    for line in list(tag.iter("br")):
        line.tail = "\n" + (line.tail or "")
        line.drop_tag()
    # Telegram lays the page out with line breaks around a text, none of them inside.
    return str(tag.text_content()).strip()


def _page_time(title: str) -> datetime | None:
    date = _DATE.search(title)
    if date is None:
        return None
    day, month, year, hour, minute, second, zone = date.groups()
    return iso_time(f"{year}-{month:>02}-{day:>02}T{hour:>02}:{minute}:{second}{zone or ''}")
