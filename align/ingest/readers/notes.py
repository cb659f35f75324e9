"""Markdown and plain text: posts, notes, journals, the vaults of Obsidian and Logseq.

The last reader in the row: it takes every text file that no other one knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.decoding import clean, decoded
from align.ingest.formats import front_matter
from align.ingest.formats.clippings import clipping_notes, is_clippings
from align.ingest.formats.vaults import (
    is_logseq,
    is_obsidian,
    is_template,
    page_title,
    plain_logseq,
    plain_obsidian,
)
from align.ingest.journals import in_journal, looks_like_journal
from align.ingest.reader import (
    Inputs,
    Options,
    Reader,
    ReadLog,
    claim_together,
    file_by_file,
)
from align.ingest.tree import suffix_of

SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text"})
_DRAWN = 2_000
_GRAPH = "logseq/config.edn"


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    graphs = [name.removesuffix(_GRAPH) for name in inputs.tree.names if name.endswith(_GRAPH)]

    def read_note_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        graph = next((graph for graph in graphs if name.startswith(graph)), None)
        if graph is not None and name.removeprefix(graph).startswith("logseq/"):
            log.passed("a copy that Logseq keeps")
        elif (text := _text(inputs, name, log)) is None:
            return
        elif "\nexcalidraw-plugin:" in text[:_DRAWN]:
            log.passed("a drawing", name=name)
        elif is_clippings(clean(text)):
            log.passed("highlights in books: others' words", name=name)
            yield from clipping_notes(clean(text), inputs.origin(name))
        elif is_template(name, text):
            log.passed("a template for notes", name=name)
        elif document := read_note(text, inputs.origin(name), in_graph=graph is not None):
            yield document
        else:
            log.passed("empty", name=name)

    return file_by_file(read_note_file)(inputs, log, options)


def read_note(text: str, origin: str, *, in_graph: bool = False) -> Document | None:
    """Return a text file as a document, or None where there is nothing in it but a title.

    `in_graph` says that it lies in a graph of Logseq's.
    """
    note = _plain(clean(text), origin, in_graph)
    title, below = front_matter.titled(note.values, note.text, note.origin)
    headed, below = front_matter.dated(below.lstrip("\n"))
    body = clean(below)
    if not body:
        return None
    clipped_from = _clipped_from(note.values, origin)
    return Document(
        key=origin,
        text=body,
        title=title,
        time=front_matter.time_of(note.values, origin) or headed,
        author=clipped_from or "",
        is_owner=False if clipped_from else None,
        reason="forwarded" if clipped_from else None,
        raw=note.raw,
        source="journal" if in_journal(origin) or looks_like_journal(body) else None,
    )


@dataclass
class _Note:
    """A note below its settings; `raw` is set where markup was taken out of it."""

    values: dict[str, Any]
    text: str
    origin: str
    raw: str | None = None


def _plain(text: str, origin: str, in_graph: bool) -> _Note:
    values, text = front_matter.split(text)
    if is_logseq(text, origin, in_graph=in_graph):
        properties, plain = plain_logseq(text)
        path = PurePath(origin)
        name = str(path.with_name(page_title(path.stem).replace("/", " ") + path.suffix))
        return _Note({**properties, **values}, plain, name, text)
    if is_obsidian(text, values):
        plain = plain_obsidian(text)
        return _Note(values, plain, origin, text if plain != text else None)
    return _Note(values, text, origin)


def _text(inputs: Inputs, name: str, log: ReadLog) -> str | None:
    text = decoded(inputs.tree.bytes_of(name))
    if text is None and inputs.tree.names == (name,):
        raise UserError(inputs.place(name), "binary, not text", "Name a text file")
    if text is None:
        log.passed("binary", name=name)
    return text


def _clipped_from(values: dict[str, Any], origin: str) -> str | None:
    """Return who wrote a page of the web that a browser's clipper saved as a note, or None."""
    source = front_matter.text_of(values, "source", "url") or ""
    if not source.startswith(("http://", "https://")):
        return None
    tags = values.get("tags")
    marks = {str(tag).casefold() for tag in tags} if isinstance(tags, list) else set()
    folders = {part.casefold() for part in PurePath(origin).parts[:-1]}
    if not {"clippings", "clipping", "web-clips"} & (marks | folders):
        return None
    author = values.get("author")
    names = author if isinstance(author, list) else [author]
    author_names = ", ".join(str(name).strip("[] ") for name in names if isinstance(name, str))
    return clean(author_names) or source.split("/")[2]


_CLAIM = claim_together(lambda _, name: suffix_of(name) in SUFFIXES)
READER = Reader("notes", "documents", _CLAIM, _read, is_catch_all=True)
