"""Telegram Desktop's pages: the same chats as in its JSON, written to be looked at."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from align.errors import UserError
from align.ingest.found import Message
from align.ingest.reading import Export, Notes
from align.ingest.text import encoding_of

_DATE = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?: UTC([+-]\d{2}:?\d{2}))?"
)
_TITLE = re.compile(r'class="page_header".*?class="text bold">\s*(.*?)\s*</div>', re.DOTALL)
_REPLY = re.compile(r"#go_to_message(-?\d+)")
_VIA = re.compile(r" via @\w+$")
_DELETED = "Deleted Account"


def is_page(head: str) -> bool:
    """Tell whether an HTML file begins like a page of Telegram Desktop's."""
    return 'class="page_wrap' in head


def title_of(head: str) -> str:
    """Return the chat's title, as the beginning of a page tells it."""
    found = _TITLE.search(head)
    return unescape(found[1]) if found else ""


def pages_in_order(names: Iterable[str]) -> list[str]:
    """Return the pages of a chat in their order: messages.html, messages2.html, messages10.html."""

    def place(name: str) -> tuple[int, str]:
        number = re.search(r"(\d+)\D*$", PurePosixPath(name).stem)
        return int(number[1]) if number else 0, name

    return sorted(names, key=place)


@dataclass
class _Last:
    """Whose message stood before: one that is `joined` to it does not say."""

    author: str = ""
    is_via: bool = False


def messages_of_pages(export: Export, names: Iterable[str], notes: Notes) -> Iterator[Message]:
    """Yield the messages of a chat's pages, page after page."""
    last = _Last()
    for name in names:
        try:
            data = export.tree.bytes_of(name)
        except UserError as error:
            notes.problems.append(error)
            continue
        encoding = encoding_of(data[:4])
        encoding = "utf-8" if encoding == "cp1252" else encoding
        count = 0
        for found in _page(data.decode(encoding, "replace"), last):
            count += 1
            yield found
        if not count:
            notes.problem(export.place(name), "no messages in it", "Export the chat again")


def _page(text: str, last: _Last) -> Iterator[Message]:
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    data = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    try:
        root = html.document_fromstring(data, parser=parser)
    except etree.LxmlError:
        return
    title = title_of(text)
    for tag in root.iter("div"):
        kinds = _kinds(tag)
        if "message" not in kinds:
            continue
        name = tag.get("id", "").removeprefix("message")
        found = Message(title or "chat", "", "", title=title or None)
        if name.isdecimal():
            found.key = name
        body = _child(tag, "body")
        if "service" in kinds:
            if name.startswith("-"):
                continue  # A new day: no message.
            found.reason = "system"
            found.text = "" if body is None else _text(body)
        elif body is not None:
            _fill(found, body, last, "joined" in kinds)
        yield found


def _fill(found: Message, body: Any, last: _Last, is_joined: bool) -> None:
    date = _child(body, "date")
    found.time = None if date is None else _time(date.get("title", ""))
    author = _child(body, "from_name")
    if author is not None or not is_joined:
        said = "" if author is None else _text(author)
        last.is_via = _VIA.search(said) is not None
        last.author = _VIA.sub("", said)
    found.author = "" if last.author == _DELETED else last.author
    forwarded = _child(body, "forwarded", "body")
    inside = body if forwarded is None else forwarded
    reply = _child(inside, "reply_to")
    if reply is not None:
        for link in reply.iter("a"):
            if to := _REPLY.search(link.get("href", "")):
                found.reply_to = to[1]
    text = _child(inside, "text")
    if text is not None:
        _render(found, text)
    if forwarded is not None or last.is_via:
        found.reason = "forwarded"
    elif not found.text and not found.reason and _child(inside, "media_wrap") is not None:
        found.reason = "media-only"


def _render(found: Message, tag: Any) -> None:
    whole = _text(tag)
    found.text = whole
    if quotes := list(tag.iter("blockquote")):
        for quote in quotes:
            quote.drop_tree()
        found.text, found.raw = _text(tag), whole
        if not found.text:
            found.text, found.reason = whole, "quoted"


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


def _time(said: str) -> datetime | None:
    parts = _DATE.search(said)
    if parts is None:
        return None
    day, month, year, hour, minute, second, zone = parts.groups()
    date = f"{year}-{int(month):02}-{int(day):02}T{int(hour):02}:{minute}:{second}{zone or ''}"
    try:
        time = datetime.fromisoformat(date)
        return time.astimezone(UTC) if zone else time
    except (ValueError, OverflowError):
        return None
