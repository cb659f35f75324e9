"""PDF files that hold text: one document a file, its lines made paragraphs again."""

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.chat_lines import chat_grammar
from align.ingest.formats.dates import date_in_name, when
from align.ingest.formats.transcripts import labels_of
from align.ingest.reader import Inputs, Options, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import suffix_of
from align.ingest.voices import by_voice

_CATALOG = re.compile(rb"(?<!\d)(\d{1,9}) \d{1,5} obj\s*<<[^>]{0,200}/Type\s*/Catalog")
_LARGEST = 200 * 1024**2
_MOST_PAGES = 5_000
# Fewer letters than this on a page on average are a scan's page numbers and stamps.
_LEAST_LETTERS = 8
_PROGRAMS = ("microsoft word - ", "microsoft powerpoint - ")
_NO_TITLES = frozenset({"untitled", "document", "title", "(anonymous)", "unspecified", "unknown"})
_FILES = (".doc", ".docx", ".pdf", ".odt", ".tex", ".dvi", ".indd", ".pages", ".rtf", ".html")
# How many lines at the top and at the bottom of a page may be a header.
_EDGE = 3
_LEAST_PAGES = 3
_NUMBER = re.compile(
    r"[\W_]*(?:(?:page|seite|p\.|s\.)[ ]*)?\d{1,4}(?:[ ]*(?:/|of|von|sur|de)[ ]*\d{1,4})?[\W_]*"
    r"|[\W_]*[ivxlc]{1,7}[\W_]*",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[•◦▪‣●○■–*-]|\d{1,3}[.)]|[a-z][.)])[ \t]+\S")  # noqa: RUF001
_BULLET = re.compile(r"^[•◦▪‣●○■][ \t]*", re.MULTILINE)
_CUT = re.compile(r"(\w*[^\W\d_])[-\u00ad\u2010]$")
_ENDS = (".", "!", "?", "…", ":", '"', "”", "“", "»", "’", ")")  # noqa: RUF001
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
# A line that is shorter than this share of a full one ends a paragraph.
_SHORT = 0.8
# Below this share of full lines, the writer ended the lines: a poem, a letter's head.
_FULL_LINES = 0.25


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    def read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        document = _document(inputs, name, log)
        return by_voice(document, options.me, is_mine=options.is_mine)

    return file_by_file(read_file)(inputs, log, options)


def _document(inputs: Inputs, name: str, log: ReadLog) -> Document:
    place, origin = inputs.place(name), inputs.origin(name)
    pages, properties = _pages(inputs.tree.bytes_of(name, _LARGEST), place, log)
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
        title=title or front_matter.title_of_file(origin),
        time=_time(properties) or date_in_name(name),
        source=inputs.source_of(name),
    )


def _pages(data: bytes, place: str, log: ReadLog) -> tuple[list[str], Any]:
    """Return each page's text, and the file's properties; UserError where it can't be read."""
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
        numbers = ", ".join(map(str, broken[:10])) + (", ..." if len(broken) > 10 else "")
        log.problem(place, f"pages that cannot be read: {numbers}", "The others were taken")
    if count > _MOST_PAGES:
        log.problem(place, f"more than {_MOST_PAGES:,} pages", "Split it")
    try:
        return pages, reader.metadata
    except Exception:  # As above.
        return pages, None


def _opened(data: bytes) -> Any:
    from pypdf import PdfReader

    # It tells a terminal of every oddity that it mended.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted or len(reader.pages):
            return reader
    except Exception:  # As above.
        if b"/Encrypt" in data:
            raise
    # Of a file that is cut short, the objects are there and the list of them isn't.
    root = [b"1", *_CATALOG.findall(data)][-1].decode()
    end = f"\nendobj\ntrailer\n<< /Root {root} 0 R >>\nstartxref\n0\n%%EOF\n"
    return PdfReader(io.BytesIO(data + end.encode()))


def _title(properties: Any) -> str | None:
    try:
        title = " ".join(clean(str(properties.title or "")).split())
    except Exception:  # No properties, or none that can be read.
        return None
    plain = title.casefold()
    is_program = plain in _NO_TITLES or plain.startswith(_PROGRAMS) or plain.endswith(_FILES)
    return None if is_program else title or None


def _time(properties: Any) -> datetime | None:
    try:
        return when(properties.creation_date)
    except Exception:  # As above.
        return None


def text_of_pages(pages: Sequence[str]) -> str:
    """Return the pages' text in one, in paragraphs; a page's end is none by itself."""
    lines = _without_edges([_lines(page) for page in pages])
    full = _full_length(lines)
    text = "\n".join(lines)
    if chat_grammar(text):
        return text
    whole_words = re.sub(r"\w+[-\u00ad\u2010]\n\w+", " ", text)
    words = Counter(re.findall(r"\w+(?:-\w+)*", whole_words))
    labels = labels_of(lines)
    speakers = Counter(label[0] for label in labels if label)
    paragraphs: list[str] = []
    before = ""
    for line, label in zip(lines, labels, strict=True):
        speaks = label is not None and speakers[label[0]] > 1
        if line and before and not speaks and not _begins(line, before, full):
            paragraphs[-1] = _joined(paragraphs[-1], line, words, full)
        elif line:
            paragraphs.append(line)
        before = line
    return _BULLET.sub("- ", "\n\n".join(paragraphs))


def _lines(page: str) -> list[str]:
    text = page.translate(_LIGATURES).replace("\u00a0", " ")
    text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip("\n")
    return text.split("\n") if text else []


def _without_edges(pages: list[list[str]]) -> list[str]:
    """Return all lines without what the edges of most pages repeat."""
    seen: Counter[str] = Counter()
    numbered = 0
    for page in pages:
        seen.update({_shape(line) for line in (*page[:_EDGE], *page[-_EDGE:]) if line})
        numbered += any(_NUMBER.fullmatch(line) for line in (*page[:1], *page[-1:]))
    most = max(len(pages) / 2, _LEAST_PAGES - 1)
    lines: list[str] = []
    for page in pages:
        kept = list(page)
        for end in (0, -1):
            for _ in range(_EDGE):
                line = kept[end] if kept else ""
                is_number = numbered * 2 > len(pages) and _NUMBER.fullmatch(line)
                if not kept or (line and seen[_shape(line)] <= most and not is_number):
                    break
                kept.pop(end)
        lines.extend(kept)
    return lines


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line.casefold())


def _full_length(lines: Sequence[str]) -> int:
    """Return the length of a full line, 0 where lines end where their writer ended them."""
    lengths = sorted(len(line) for line in lines if line)
    full = lengths[int(len(lengths) * 0.9)] if lengths else 0
    near = sum(length >= _SHORT * full for length in lengths)
    return full if full >= 30 and near >= _FULL_LINES * len(lengths) else 0


def _begins(line: str, before: str, full: int) -> bool:
    """Tell whether a line begins a paragraph."""
    if full == 0:
        return False
    if _ITEM.match(line):
        return True
    short = len(before) < _SHORT * full
    # A short line that ends nothing is a heading, unless what follows goes on in small letters.
    return short and (before.endswith(_ENDS) or not line[0].islower())


def _joined(text: str, line: str, words: Counter[str], full: int) -> str:
    if full == 0:
        return f"{text}\n{line}"
    cut = _CUT.search(text)
    if not cut or not line[0].islower():
        return f"{text} {line}"
    first = re.match(r"\w+", line)
    whole = f"{cut[1]}-{first[0] if first else ''}"
    # A hyphen is its own where the word has it elsewhere, or both halves are words and it is none.
    halves = whole.split("-")
    is_own = words[whole] or (all(words[half] for half in halves) and not words["".join(halves)])
    return f"{text[:-1]}-{line}" if is_own else f"{text[:-1]}{line}"


_CLAIM = claim_each(lambda _, name: suffix_of(name) == ".pdf")
READER = Reader("PDF", "documents", _CLAIM, _read, is_catch_all=True)
