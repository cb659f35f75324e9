"""Letters, essays and interviews of Word and LibreOffice: .docx and .odt."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.dates import date_in_name, when
from align.ingest.formats.word_text import Part, W, markdown_of, open_document_parts, word_parts
from align.ingest.reader import Inputs, Options, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import BOMB_BYTES, Tree, base_of, suffix_of
from align.ingest.voices import by_voice

_LARGEST = 100 * 1024**2
# A file that Office locks while it is open.
_LOCK = ("~$", ".~lock")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DC = "{http://purl.org/dc/elements/1.1/}"
_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
# Titles that programs give.
_NO_TITLES = frozenset({"untitled", "document", "word document", "title", "microsoft word", "ohne"})


@dataclass
class _Content:
    """What a file holds; the title and the time as its properties say."""

    parts: list[Part]
    title: str | None = None
    time: datetime | None = None


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    def read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        document = _document(_content(inputs, name), inputs, name)
        if document is None:
            log.passed("empty", name=name)
        else:
            yield from by_voice(document, options.me, is_mine=options.is_mine)

    return file_by_file(read_file)(inputs, log, options)


def _is_ours(tree: Tree, name: str) -> bool:
    return suffix_of(name) in (".docx", ".odt") and not base_of(name).startswith(_LOCK)


def _document(content: _Content, inputs: Inputs, name: str) -> Document | None:
    parts = [part for part in content.parts if part.text.strip()]
    title = clean(content.title or "") or None
    if title and (title.casefold() in _NO_TITLES or title.casefold().endswith((".doc", ".docx"))):
        title = None
    if parts:
        first = clean(parts[0].text)
        if parts[0].kind in ("title", "heading") and title in (None, first):
            title, parts = first, parts[1:]
        elif first == title:
            parts = parts[1:]
    text = clean(markdown_of(parts))
    if not text:
        return None
    origin = inputs.origin(name)
    return Document(
        key=origin,
        text=text,
        title=title or front_matter.title_of_file(origin),
        time=content.time or date_in_name(name),
        source=inputs.source_of(name),
    )


def _content(inputs: Inputs, name: str) -> _Content:
    place = inputs.place(name)
    data = inputs.tree.bytes_of(name, _LARGEST)
    if data.startswith(_OLE):
        what = "encrypted, or Word's format of before 2007"
        raise UserError(place, what, "Save it as .docx without a password")
    what, remedy = "damaged, or no such file", "Open it in its program and save it again"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > max(BOMB_BYTES, 20 * len(data)):
            what, remedy = "packed like a zip bomb", "Save its text if it is really yours"
            raise UserError(place, what, remedy)
        remedy = "Open it in Word or LibreOffice and save it again"
        return _open_document(data) if suffix_of(name) == ".odt" else _word(data)
    except UserError:
        raise
    except Exception as error:  # A damaged file makes zipfile, python-docx and lxml raise anything.
        if "LibreOffice" in remedy:
            what = f"damaged ({' '.join(str(error).split())[:120]})"
        raise UserError(place, what, remedy) from None


def _word(data: bytes) -> _Content:
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        document = docx.Document(io.BytesIO(data))
        names = {style.style_id: str(style.name).casefold() for style in document.styles}
        counted = _counted_lists(document)
        body: Any = document.element.body
    except Exception:  # One damaged picture makes it refuse the whole; the text is read alone.
        body = _xml(data, "word/document.xml").find(f"{W}body")
        if body is None:
            raise ValueError("no text in it") from None
        return _Content(list(word_parts(body, {}, set())))
    parts = list(word_parts(body, names, counted))
    try:
        # Where they are missing, python-docx makes some up, of today.
        document.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
        properties = document.core_properties
        return _Content(parts, properties.title, when(properties.created or properties.modified))
    except Exception:  # None, or no dates.
        return _Content(parts)


def _counted_lists(document: Any) -> set[tuple[str, int]]:
    """Return the lists that count their items: an id and a level each."""
    try:
        root = document.part.numbering_part.element
    except Exception:  # A document without lists has no such part.
        return set()
    kinds: dict[str, dict[int, bool]] = {}
    for abstract in root.iter(f"{W}abstractNum"):
        levels = kinds.setdefault(abstract.get(f"{W}abstractNumId") or "", {})
        for level in abstract.iter(f"{W}lvl"):
            kind, place = level.find(f"{W}numFmt"), level.get(f"{W}ilvl") or "0"
            if kind is not None and place.isdigit():
                levels[int(place)] = kind.get(f"{W}val") not in ("bullet", "none")
    counted = set()
    for number in root.iter(f"{W}num"):
        kind = number.find(f"{W}abstractNumId")
        levels = {} if kind is None else kinds.get(kind.get(f"{W}val"), {})
        key = number.get(f"{W}numId") or ""
        counted |= {(key, place) for place, is_counted in levels.items() if is_counted}
    return counted


def _open_document(data: bytes) -> _Content:
    parts = list(open_document_parts(_xml(data, "content.xml")))
    try:
        meta = _xml(data, "meta.xml")
    except Exception:  # The text is there without it.
        return _Content(parts)
    title = meta.findtext(f".//{_DC}title")
    time = meta.findtext(f".//{_META}creation-date") or meta.findtext(f".//{_DC}date")
    return _Content(parts, title, when(time))


def _xml(data: bytes, name: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = etree.fromstring(archive.read(name), parser)
    if root is None:
        raise ValueError(f"no text in its {name}")
    return root


READER = Reader("Word", "documents", claim_each(_is_ours), _read, is_catch_all=True)
