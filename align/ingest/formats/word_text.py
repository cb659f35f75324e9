"""The text of Word and OpenDocument files as Markdown: tracked changes are taken as accepted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"

# Deleted and moved away; a copy for old programs; what only pictures and footnotes hold.
_UNWRITTEN = frozenset(
    {f"{W}del", f"{W}moveFrom", f"{_MC}Fallback", f"{W}pPr", f"{W}rPr", f"{W}tbl"}
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
    """A paragraph, a heading, an item of a list or a table's row."""

    kind: str  # `title`, `heading`, `item`, `row` or `paragraph`
    text: str  # what stands there
    level: int = 0  # of a heading, counted from 1; of an item, from 0
    number: int | None = None  # of an item in a numbered list
    # Whether the paragraph's end was deleted, so that the next one goes on with it.
    is_open: bool = False


def word_parts(
    body: Any, style_names: Mapping[str, str], counted: Set[tuple[str, int]]
) -> Iterator[Part]:
    """Yield the parts of a `w:body`.

    Style names are in small letters, by the styles' ids; `counted` are the lists (their ids, and
    levels) that count their items.
    """
    counts: Counter[tuple[str, int]] = Counter()
    before: Part | None = None
    for element in _blocks(body, _DEPTH):
        if element.tag == f"{W}tbl":
            parts = list(_word_rows(element))
        else:
            parts = [_word_paragraph(element, style_names, counted, counts)]
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
        line = part.text.strip()
        if not line:
            continue
        if part.kind in ("title", "heading"):
            line = "#" * min(max(part.level, 1), 6) + " " + " ".join(line.split())
        elif part.kind == "item":
            mark = f"{part.number}." if part.number else "-"
            line = "  " * min(part.level, 8) + f"{mark} {line}"
        together = part.kind == before and part.kind in ("item", "row")
        text += ("\n" if together else "\n\n") + line
        before = part.kind
    return text.strip("\n")


def _blocks(body: Any, depth: int) -> Iterator[Any]:
    """Yield paragraphs and tables, those inside content controls too; no table of contents."""
    for element in body if depth else ():
        if element.tag in (f"{W}p", f"{W}tbl"):
            yield element
        elif element.tag == f"{W}sdt":
            gallery = element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
            content = element.find(f"{W}sdtContent")
            is_contents = gallery is not None and "Contents" in (gallery.get(f"{W}val") or "")
            if content is not None and not is_contents:
                yield from _blocks(content, depth - 1)
        elif element.tag in (f"{W}ins", f"{W}moveTo", f"{W}customXml", f"{W}smartTag"):
            yield from _blocks(element, depth - 1)


def _word_paragraph(
    element: Any,
    style_names: Mapping[str, str],
    counted: Set[tuple[str, int]],
    counts: Counter[tuple[str, int]],
) -> Part:
    part = Part("paragraph", "".join(_word_text(element, _DEPTH)))
    style = _value(element, f"{W}pPr/{W}pStyle")
    style = style_names.get(style, style.casefold())
    part.is_open = element.find(f"{W}pPr/{W}rPr/{W}del") is not None
    numbering = _value(element, f"{W}pPr/{W}numPr/{W}numId")
    if style == "title":
        part.kind = "title"
    elif style.startswith("toc"):
        return Part("paragraph", "")
    elif style.startswith("heading"):
        level = style.removeprefix("heading").strip()
        part.kind, part.level = "heading", int(level) if level in tuple("123456789") else 1
    elif (numbering and numbering != "0") or style.startswith(("list bullet", "list number")):
        level = _value(element, f"{W}pPr/{W}numPr/{W}ilvl")
        part.kind, part.level = "item", int(level) if level in tuple("012345678") else 0
        key = (numbering, part.level)
        if (style.startswith("list number") or key in counted) and part.text.strip():
            counts[key] += 1
            part.number = counts[key]
    return part


def _word_text(element: Any, depth: int) -> Iterator[str]:
    for child in element if depth else ():
        tag = child.tag
        if tag == f"{W}t":
            yield child.text or ""
        elif tag == f"{W}tab":
            yield "\t"
        elif tag == f"{W}cr" or (tag == f"{W}br" and child.get(f"{W}type") is None):
            yield "\n"
        elif tag == f"{W}noBreakHyphen":
            yield "\u2011"
        elif tag not in _UNWRITTEN:
            yield from _word_text(child, depth - 1)


def _word_rows(table: Any, depth: int = 8) -> Iterator[Part]:
    for row in table.iter(f"{W}tr") if depth else ():
        if row.find(f"{W}trPr/{W}del") is not None:
            continue
        cells = []
        for cell in row.findall(f"{W}tc"):
            paragraphs = ["".join(_word_text(p, _DEPTH)).strip() for p in cell.findall(f"{W}p")]
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
    return "" if child is None else child.get(f"{W}val") or ""


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
