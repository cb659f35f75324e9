"""PDF files that hold text: one document a file; scans and encrypted files are told."""

import io
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from align.errors import UserError
from align.ingest.formats import front_matter
from align.ingest.formats.dates import date_in_name, when
from align.ingest.formats.page_text import text_of_pages
from align.ingest.formats.rows import suffix_of
from align.ingest.found import Document, Found
from align.ingest.journals import in_journal
from align.ingest.reading import Export, Notes, Options, Reader
from align.ingest.text import clean
from align.ingest.tree import Tree

_CATALOG = re.compile(rb"(?<!\d)(\d{1,9}) \d{1,5} obj\s*<<[^>]{0,200}/Type\s*/Catalog")
_LARGEST = 200 * 1024**2
_MOST_PAGES = 5_000
# Fewer letters than this on a page on average are a scan's page numbers and stamps.
_LEAST_LETTERS = 8
_PROGRAMS = ("microsoft word - ", "microsoft powerpoint - ")
_NO_TITLES = frozenset({"untitled", "document", "title", "(anonymous)", "unspecified", "unknown"})
_FILES = (".doc", ".docx", ".pdf", ".odt", ".tex", ".dvi", ".indd", ".pages", ".rtf", ".html")


def _claim(tree: Tree, names: Sequence[str]) -> list[Export]:
    ours = tuple(name for name in names if suffix_of(name) == ".pdf")
    return [Export(tree, ours)] if ours else []


def _read(export: Export, notes: Notes, options: Options) -> Iterator[Found]:
    # pypdf tells a terminal of every oddity that it mended.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    for name in export.names:
        try:
            yield _document(export, name, notes)
        except UserError as error:
            notes.problems.append(error)


READER = Reader("PDF", "documents", _claim, _read)


def _document(export: Export, name: str, notes: Notes) -> Document:
    place, origin = export.place(name), export.origin(name)
    data = export.tree.bytes_of(name, _LARGEST)
    pages, properties = _pages(data, place, notes)
    text = clean(text_of_pages(pages))
    if sum(map(str.isalpha, text)) < _LEAST_LETTERS * max(len(pages), 1):
        what = "a scan without text" if pages else "no pages in it"
        raise UserError(place, what, "Run text recognition over it first (ocrmypdf)")
    title = _title(properties)
    if title and text.casefold().startswith(title.casefold()):
        below = text[len(title) :]
        text = clean(below) if below.startswith("\n") and below.strip() else text
    return Document(
        key=origin,
        text=text,
        title=title or front_matter.spoken(PurePath(origin).stem),
        time=_time(properties) or date_in_name(PurePath(name).name),
        source="journal" if in_journal(origin) else None,
    )


def _pages(data: bytes, place: str, notes: Notes) -> tuple[list[str], Any]:
    """Return each page's text, and the file's properties.

    Raises:
        UserError: It is encrypted, or so damaged that no page can be read.
    """
    try:
        reader = _opened(data)
        # Many are locked against changes only, with no password for reading.
        if reader.is_encrypted and not reader.decrypt(""):
            raise UserError(place, "encrypted", "Save a copy without its password")
        count = len(reader.pages)
    except UserError:
        raise
    except Exception as error:  # pypdf raises whatever the damage leads it to.
        if b"/Encrypt" in data:
            raise UserError(place, "encrypted", "Save a copy without its password") from None
        what = f"damaged ({' '.join(str(error).split())[:120]})"
        raise UserError(place, what, "Print it into a new PDF") from None
    pages, broken = [], []
    for number in range(min(count, _MOST_PAGES)):
        try:
            pages.append(reader.pages[number].extract_text())
        except Exception:  # As above.
            broken.append(number + 1)
    if broken and not pages:
        raise UserError(place, "damaged: no page can be read", "Print it into a new PDF")
    if broken:
        shown = ", ".join(map(str, broken[:10])) + (", ..." if len(broken) > 10 else "")
        notes.problem(place, f"pages that cannot be read: {shown}", "The others were taken")
    if count > _MOST_PAGES:
        notes.problem(place, f"more than {_MOST_PAGES:,} pages", "Split it")
    try:
        return pages, reader.metadata
    except Exception:  # As above.
        return pages, None


def _opened(data: bytes) -> Any:
    from pypdf import PdfReader

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted or len(reader.pages):
            return reader
    except Exception:  # As above.
        if b"/Encrypt" in data:
            raise
    # Of a file that is cut short, the objects are there and the list of them isn't.
    catalogs = _CATALOG.findall(data)
    root = catalogs[-1].decode() if catalogs else "1"
    end = f"\nendobj\ntrailer\n<< /Root {root} 0 R >>\nstartxref\n0\n%%EOF\n"
    return PdfReader(io.BytesIO(data + end.encode()))


def _title(properties: Any) -> str | None:
    try:
        title = " ".join(clean(str(properties.title or "")).split())
    except Exception:  # No properties, or none that can be read.
        return None
    for program in _PROGRAMS:
        if title.casefold().startswith(program):
            return None
    plain = title.casefold()
    return None if not title or plain in _NO_TITLES or plain.endswith(_FILES) else title


def _time(properties: Any) -> datetime | None:
    try:
        return when(properties.creation_date)
    except Exception:  # As above.
        return None
