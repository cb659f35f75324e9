"""RSS and Atom files, and what `align fetch` stored: one document a post."""

import io
import re
from calendar import timegm
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import plain
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, folder_of, suffix_of

_ENDS = frozenset({".rss", ".atom", ".rdf", ".xml"})
# A type of its own making may define entities that unfold to gigabytes: no feed has one.
_ROOT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?[^>]{0,500}\?>\s*|<!--.{0,5000}?-->\s*|<!DOCTYPE[^>\[]{0,500}>\s*)*"
    rb"<(?:rss|feed|atom:feed|rdf:RDF)[\s>]",
    re.DOTALL | re.IGNORECASE,
)
_MARKUP = re.compile(r"<[a-z!/][^>]*>|&(?:#\d+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)
# No blog's feed is larger; feedparser holds all of it.
_MOST = 64 * 1024**2
# "Continue reading ...", "The post ... appeared first on ...": put there by the blog's software.
_APPENDED = re.compile(
    r"\n*(?:The post .{1,300} (?:appeared first on|first appeared on) .{1,200}|"
    r"(?:Continue reading|Read more|Read the rest).{0,200})\.?\s*\Z",
    re.IGNORECASE,
)


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    folders = defaultdict(list)
    for name in names:
        if suffix_of(name) in _ENDS and looks_like_feed(tree.head(name, 16384)):
            folders[folder_of(name)].append(name)
    return [Inputs(tree, tuple(files), "feed") for files in folders.values()]


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    documents: dict[str, Document] = {}
    for name in inputs.names:
        try:
            for document in _entries(inputs, name, log):
                known = documents.get(document.key)
                # A page of the feed may repeat what the one before it holds.
                if known is None or len(known.text) < len(document.text):
                    documents[document.key] = document
        except UserError as error:
            log.problems.append(error)
    is_sole = len({document.author for document in documents.values()}) == 1
    for document in documents.values():
        # The blog of one author is its author's.
        document.is_owner = True if is_sole else None
        yield document


def _entries(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Document]:
    data = inputs.tree.bytes_of(name, _MOST)
    feed = parsed_feed(data)
    if feed is None or (not feed.entries and feed.bozo):
        raise UserError(inputs.place(name), "not a feed, or damaged", "Get it again")
    if feed.bozo and "encoding" not in str(feed.get("bozo_exception", "")).lower():
        log.problem(inputs.place(name), "damaged XML", "What could be read was taken")
    for entry in feed.entries:
        html = content_of(entry)
        text = _APPENDED.sub("", plain(html) if _MARKUP.search(html) else html).strip()
        key = address_of(entry)
        if not text or not key:
            log.passed("post without text")
            continue
        yield Document(
            key=key,
            text=text,
            title=_line(entry.get("title")),
            time=time_of(entry),
            author=" ".join(str(entry.get("author") or "").split()),
            raw=html if html != text else None,
        )


def looks_like_feed(data: bytes) -> bool:
    """Tell whether a file's beginning is that of RSS or Atom."""
    return bool(_ROOT.match(data[:16384]))


def parsed_feed(data: bytes) -> Any:
    """Return a feed as feedparser reads it, links made whole; None where it fails."""
    import feedparser

    try:
        # Bare bytes it might take for a file's name.
        return feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    except Exception:  # Damaged feeds make it raise what its parsers raise.
        return None


def content_of(entry: Any) -> str:
    """Return an entry's content, or its summary where that is all."""
    values = [
        str(content.get("value") or "")
        for content in entry.get("content") or []
        if str(content.get("type", "")).startswith(("text/", "application/xhtml"))
    ]
    return max([*values, ""], key=len) or str(entry.get("summary") or "")


def address_of(entry: Any) -> str:
    """Return what names an entry: its id where that is an address, else its link, else its id."""
    link, key = str(entry.get("link") or "").strip(), str(entry.get("id") or "").strip()
    return key if key.startswith(("http://", "https://")) else link or key


def time_of(entry: Any) -> datetime | None:
    """Return when an entry was published, or else changed."""
    for name in ("published", "updated", "created"):
        if time := moment(str(entry.get(name) or "")):
            return time
        parts = entry.get(f"{name}_parsed")
        if parts and 1970 <= parts[0] < 2100:
            try:
                return datetime.fromtimestamp(timegm(parts), UTC)
            except (ValueError, OverflowError):
                continue
    return None


def _line(text: object) -> str | None:
    words = plain(str(text)) if text and _MARKUP.search(str(text)) else str(text or "")
    return " ".join(words.split()) or None


READER = Reader("feed", "blog", _claim, _read)
