"""Kindle's `My Clippings.txt`: what somebody marked in books, and the notes that are their own."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from align.ingest.contents import Document
from align.ingest.decoding import clean
from align.ingest.formats.dates import when
from align.store.ids import content_id

_NOTES = frozenset(tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["notes"])
_END = re.compile(r"^={6,}[ \t]*$", re.MULTILINE)
# `- Your Note on page 5 | Location 60 | Added on Wednesday, May 17, 2023 10:15:00 AM`
_CLIPPING = re.compile(
    r"\s*[^\n]+\n[-*][ \t](?P<what>[^\n|]+?)(?:\|[^\n]*)?\|(?P<when>[^\n]+)(?:\n|\Z)"
)


def is_clippings(text: str) -> bool:
    """Tell whether a text is a reader's clippings."""
    first, *others = _END.split(text, maxsplit=1)
    return bool(others) and _CLIPPING.match(first) is not None


def clipping_notes(text: str, origin: str) -> Iterator[Document]:
    """Yield the reader's own notes among the clippings."""
    for part in _END.split(text):
        clipping = _CLIPPING.match(part)
        note = clean(part[clipping.end() :]) if clipping else ""
        words = re.findall(r"[^\W\d_]+", clipping["what"].casefold()) if clipping else []
        if clipping and note and any(word.startswith(tuple(_NOTES)) for word in words):
            date = re.sub(r"^.*?,", "", clipping["when"]).strip()
            yield Document(f"{origin}#{content_id(note)}", note, time=when(date))
