"""Saved web pages: title, date and main text, without navigation and footer."""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from align.ingest.contents import Content, Document
from align.ingest.decoding import decoded
from align.ingest.formats.chat_lines import chat_grammar
from align.ingest.formats.chat_pages import is_activity, page_lines
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import parsed, text_of
from align.ingest.reader import Inputs, Options, Reader, ReadLog, file_by_file
from align.ingest.tree import Tree, base_of, folder_of, joined, suffix_of
from align.ingest.voices import by_voice, messages_of

_ENDS = (".html", ".htm", ".xhtml")
# A page with all its pictures in it may be large; its text never is.
_MOST = 64 * 1024**2
_CLASSES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_BODIES = (
    ".//*[@itemprop='articleBody']",
    *(
        f".//*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"
        for name in _CLASSES["bodies"]
    ),
)
_MAINS = (".//main", ".//*[@role='main']", ".//*[@id='content']", ".//*[@id='main']")
_AROUND_TAGS = frozenset({"nav", "header", "footer", "aside", "form", "dialog"})
_IS_AROUND = frozenset(_CLASSES["around"])
_AROUND_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_TIMES = "(//article//time | //main//time | //time)/@datetime"


@dataclass(frozen=True)
class Page:
    """What a page says."""

    title: str | None  # None where it has none
    time: datetime | None  # when it was published; None where it does not say
    text: str  # its main text without the title
    main: Any  # the element that holds it, of lxml; None in an empty page


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    def read_page(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        if _is_frame(inputs.tree, name):
            log.passed("a frame of a saved page", name=name)
            return
        html = page_text(inputs.tree.bytes_of(name, _MOST))
        tree = parsed(html or "")
        if html is None:
            log.problem(inputs.place(name), "binary, not a web page", "Save the page again")
        elif tree is not None and is_activity(tree):
            log.passed("a list of what you did with a service, not writing", name=name)
        else:
            page = page_of(html)
            read = Document(
                key=inputs.origin(name),
                text=page.text,
                title=page.title,
                time=page.time,
                source=inputs.source_of(name),
                is_unpublished=base_of(name).startswith("draft"),
            )
            if tree is not None and (lines := page_lines(tree)):
                yield from messages_of(lines, read)
            elif page.text:
                yield from by_voice(read, options.me, is_mine=options.is_mine)
            else:
                log.passed("page without text", name=name)

    return file_by_file(read_page)(inputs, log, options)


def page_of(html: str) -> Page:
    """Return what a page says; of an empty one, an empty text."""
    tree = parsed(html)
    if tree is None:
        return Page(None, None, "", None)
    title = _title(tree)
    time = _published(tree)
    main = _main(tree)
    return Page(title, time, without_title(text_of(main), title), main)


def page_text(data: bytes) -> str | None:
    """Return a page's markup from its bytes, by what it says of its encoding; None for binary."""
    from bs4.dammit import EncodingDetector

    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    declared = EncodingDetector.find_declared_encoding(data[:65536], is_html=True)
    if declared:
        try:
            return data.decode(declared, errors="strict")
        except (LookupError, ValueError):
            pass
    return decoded(data)


def without_title(text: str, title: str | None) -> str:
    """Return a text without the title, where it is the first line."""
    first, _, rest = text.partition("\n")
    if title and " ".join(first.split()).casefold() == title.casefold():
        return rest.lstrip("\n")
    return text


def _title(tree: Any) -> str | None:
    headings = [text_of(heading) for heading in tree.iterfind(".//h1")]
    titles = [
        *tree.xpath("//meta[@property='og:title']/@content"),
        *(headings if len(headings) == 1 else ()),
        *tree.xpath("//title/text()"),
        *headings,
    ]
    return next(filter(None, (" ".join(str(title).split()) for title in titles)), None)


def _published(tree: Any) -> datetime | None:
    scripts = tree.xpath("//script[@type='application/ld+json']/text()")
    values = chain(
        *(tree.xpath(path) for path in _CLASSES["published"]),
        *map(_dates_in, scripts),
        tree.xpath(_TIMES),
    )
    return next(filter(None, (moment(str(value)) for value in values)), None)


def _dates_in(linked_data: str) -> Iterator[str]:
    try:
        waiting = [json.loads(linked_data)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(date := value.get("datePublished"), str):
                yield date
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _main(tree: Any) -> Any:
    body = tree.find("body")
    body = tree if body is None else body
    for element in list(body.iter()):
        if element is not body and _stands_around(element):
            element.drop_tree()
    whole = _length(body)
    for path in _BODIES:
        elements = body.xpath(path)
        # Several are a list of posts, and a small one is a teaser.
        if len(elements) == 1 and _length(elements[0]) * 3 >= whole:
            return elements[0]
    articles = body.xpath(".//article")
    largest = max(articles, key=_length, default=None)
    if largest is not None and _length(largest) * 2 >= sum(map(_length, articles)):
        return largest
    for path in _MAINS:
        elements = body.xpath(path)
        if elements and _length(elements[0]) * 3 >= whole:
            return elements[0]
    return _densest(body)


def _stands_around(element: Any) -> bool:
    tag, attributes = element.tag, element.attrib
    if not isinstance(tag, str) or tag in ("article", "main", "body"):
        return False
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()
    if tag in _AROUND_TAGS:
        return True
    if attributes.get("role") not in _AROUND_ROLES and _IS_AROUND.isdisjoint(names):
        return False
    # A name of a wrapper can mislead: what holds most of the page is the page.
    return len(element.xpath(".//p")) * 2 < len(element.getroottree().xpath("//p")) + 1


def _densest(body: Any) -> Any:
    """Return the element under which most of the paragraphs stand, links not counted."""
    scores: dict[Any, int] = {}
    for paragraph in body.iter("p", "pre", "blockquote", "li"):
        parent = paragraph.getparent()
        if parent is not None and parent.tag in ("ul", "ol"):
            parent = parent.getparent()
        if parent is not None:
            links = sum(map(_length, paragraph.iter("a")))
            scores[parent] = scores.get(parent, 0) + max(_length(paragraph) - links, 0)
    best = max(scores, key=scores.__getitem__, default=body)
    # Else the text is not in paragraphs, or in many places.
    return best if scores.get(best, 0) * 2 >= _length(body) else body


def _length(element: Any) -> int:
    return sum(len(text) for text in element.itertext() if text)


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    """Take pages together, and by itself each that is a chat: who the owner is there is asked."""
    pages = [name for name in names if suffix_of(name) in _ENDS]
    chats = [name for name in pages if not _is_frame(tree, name) and _is_chat(tree, name)]
    rest = tuple(name for name in pages if name not in chats)
    together = [Inputs(tree, rest, "web pages")] if rest else []
    return [*(Inputs(tree, (name,)) for name in chats), *together]


def _is_frame(tree: Tree, name: str) -> bool:
    """Tell whether a page lies in the folder that a browser put beside a page: `low_files`."""
    folder = folder_of(name)
    stem = re.split(r"[_-](?=[^\W\d_]+$)", base_of(folder))
    page = joined(folder_of(folder), stem[0])
    return len(stem) == 2 and any(f"{page}{end}" in tree.names for end in _ENDS)


def _is_chat(tree: Tree, name: str) -> bool:
    root = parsed(tree.head_text(name))
    return root is not None and (bool(chat_grammar(text_of(root))) or bool(page_lines(root)))


READER = Reader("web pages", "documents", _claim, _read, is_catch_all=True)
