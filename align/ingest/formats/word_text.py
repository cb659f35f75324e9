"""The text of Word and OpenDocument files as Markdown: tracked changes are taken as accepted."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"

# Deleted and moved away; a copy for old programs; what only pictures and footnotes hold.
_UNWRITTEN = frozenset(
    {f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback", f"{_W}pPr", f"{_W}rPr", f"{_W}tbl"}
)
_UNSAID = frozenset(
    {f"{_TEXT}tracked-changes", f"{_TEXT}note", f"{_OFFICE}annotation", f"{_TEXT}ruby-text",
     f"{_TEXT}table-of-content", f"{_TEXT}alphabetical-index", f"{_TEXT}bibliography"}
)  # fmt: skip
# Deeper ones are made to break a reader.
_DEPTH = 200
_SPACES = 100


@dataclass
class Part:
    """A paragraph, a heading, an item of a list or a table's row.

    Attributes:
        kind: `title`, `heading`, `item`, `row` or `paragraph`.
        text: What stands there.
        level: Of a heading, counted from 1; of an item, from 0.
        number: Of an item in a numbered list.
        is_open: Whether the paragraph's end was deleted, so that the next one goes on with it.
    """

    kind: str
    text: str
    level: int = 0
    number: int | None = None
    is_open: bool = False


# What a style is called by the id of it, in small letters.
StyleName = Callable[[str], str]


def word_parts(
    body: Any, style_name: StyleName, is_numbered: Callable[[str, int], bool]
) -> Iterator[Part]:
    """Yield the parts of a `w:body`.

    `style_name` returns a style's name; `is_numbered` tells whether a list (its id, a level) counts.
    """
    counts: Counter[tuple[str, int]] = Counter()
    before: Part | None = None
    for element in _blocks(body, _DEPTH):
        if element.tag == f"{_W}tbl":
            parts = list(_word_rows(element))
        else:
            parts = [_word_paragraph(element, style_name, is_numbered, counts)]
        for part in parts:
            if before and before.is_open:
                before.text += part.text
                before.is_open = part.is_open
                continue
            if before:
                yield before
            before = part
    if before:
        yield before


def open_document_parts(content: Any) -> Iterator[Part]:
    """Yield the parts of an OpenDocument text's `content.xml`."""
    body = content.find(f".//{_OFFICE}text")
    if body is not None:
        yield from _open_blocks(body, -1, _DEPTH)


def markdown_of(parts: list[Part]) -> str:
    """Return parts as Markdown: items and rows below each other, the rest apart."""
    text = ""
    before = ""
    for part in parts:
        text_of_part = part.text.strip()
        if not text_of_part:
            continue
        if part.kind == "heading":
            text_of_part = "#" * min(max(part.level, 1), 6) + " " + " ".join(text_of_part.split())
        elif part.kind == "item":
            mark = f"{part.number}." if part.number else "-"
            text_of_part = "  " * min(part.level, 8) + f"{mark} {text_of_part}"
        together = part.kind == before and part.kind in ("item", "row")
        text += ("\n" if together else "\n\n") + text_of_part
        before = part.kind
    return text.strip("\n")


def _blocks(body: Any, depth: int) -> Iterator[Any]:
    """Yield paragraphs and tables, those inside content controls too; no table of contents."""
    for element in body if depth else ():
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            yield element
        elif element.tag == f"{_W}sdt":
            gallery = element.find(f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery")
            content = element.find(f"{_W}sdtContent")
            is_contents = gallery is not None and "Contents" in (gallery.get(f"{_W}val") or "")
            if content is not None and not is_contents:
                yield from _blocks(content, depth - 1)
        elif element.tag in (f"{_W}ins", f"{_W}moveTo", f"{_W}customXml", f"{_W}smartTag"):
            yield from _blocks(element, depth - 1)


def _word_paragraph(
    element: Any,
    style_name: StyleName,
    is_numbered: Callable[[str, int], bool],
    counts: Counter[tuple[str, int]],
) -> Part:
    text = "".join(_word_text(element, _DEPTH))
    style = style_name(_value(element, f"{_W}pPr/{_W}pStyle"))
    is_open = element.find(f"{_W}pPr/{_W}rPr/{_W}del") is not None
    if style == "title":
        return Part("title", text, is_open=is_open)
    if style.startswith("toc"):
        return Part("paragraph", "")
    if style.startswith("heading"):
        level = style.removeprefix("heading").strip()
        return Part(
            "heading", text, int(level) if level in tuple("123456789") else 1, None, is_open
        )
    numbering = _value(element, f"{_W}pPr/{_W}numPr/{_W}numId")
    if (numbering and numbering != "0") or style.startswith(("list bullet", "list number")):
        level_text = _value(element, f"{_W}pPr/{_W}numPr/{_W}ilvl")
        place = int(level_text) if level_text in tuple("012345678") else 0
        numbered = style.startswith("list number") or is_numbered(numbering, place)
        number = None
        if numbered and text.strip():
            counts[numbering, place] += 1
            number = counts[numbering, place]
        return Part("item", text, place, number, is_open)
    return Part("paragraph", text, is_open=is_open)


def _word_text(element: Any, depth: int) -> Iterator[str]:
    for child in element if depth else ():
        tag = child.tag
        if tag == f"{_W}t":
            yield child.text or ""
        elif tag == f"{_W}tab":
            yield "\t"
        elif tag == f"{_W}cr" or (tag == f"{_W}br" and child.get(f"{_W}type") is None):
            yield "\n"
        elif tag == f"{_W}noBreakHyphen":
            yield "\u2011"
        elif tag not in _UNWRITTEN:
            yield from _word_text(child, depth - 1)


def _word_rows(table: Any, depth: int = 8) -> Iterator[Part]:
    for row in table.iter(f"{_W}tr") if depth else ():
        if row.find(f"{_W}trPr/{_W}del") is not None:
            continue
        cells = []
        for cell in row.findall(f"{_W}tc"):
            paragraphs = ["".join(_word_text(p, _DEPTH)).strip() for p in cell.findall(f"{_W}p")]
            cells.append("\n".join(filter(None, paragraphs)))
        yield from _row(cells)


def _row(cells: list[str]) -> Iterator[Part]:
    # A table of one column is a frame around a text.
    full = [cell for cell in cells if cell]
    if len(full) == 1:
        yield Part("paragraph", full[0])
    elif full:
        yield Part("row", " | ".join(" ".join(cell.split()) for cell in cells))


def _value(element: Any, path: str) -> str:
    child = element.find(path)
    return "" if child is None else child.get(f"{_W}val") or ""


def _open_blocks(element: Any, level: int, depth: int) -> Iterator[Part]:
    for child in element if depth else ():
        tag = child.tag
        if tag in _UNSAID:
            continue
        if tag == f"{_TEXT}h":
            level_text = child.get(f"{_TEXT}outline-level") or "1"
            yield Part(
                "heading",
                "".join(_open_text(child, _DEPTH)),
                int(level_text) if level_text in "123456" else 1,
            )
        elif tag == f"{_TEXT}p":
            text = "".join(_open_text(child, _DEPTH))
            style = (child.get(f"{_TEXT}style-name") or "").casefold()
            if style == "title":
                yield Part("title", text)
            else:
                yield Part("paragraph" if level < 0 else "item", text, max(level, 0))
        elif tag == f"{_TABLE}table-row":
            yield from _row(["".join(_open_text(cell, _DEPTH)).strip() for cell in child])
        else:
            yield from _open_blocks(child, level + (tag == f"{_TEXT}list"), depth - 1)


def _open_text(element: Any, depth: int) -> Iterator[str]:
    if depth == 0 or element.tag in _UNSAID:
        return
    yield element.text or ""
    for child in element:
        tag = child.tag
        if tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c") or "1"
            yield " " * (min(int(count), _SPACES) if count.isascii() and count.isdigit() else 1)
        elif tag == f"{_TEXT}tab":
            yield "\t"
        elif tag == f"{_TEXT}line-break":
            yield "\n"
        elif tag not in _UNSAID:
            yield from _open_text(child, depth - 1)
        yield child.tail or ""
