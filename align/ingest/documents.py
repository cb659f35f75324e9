"""Documents: Markdown and plain text files, with or without front matter."""

import re
from pathlib import PurePath
from typing import Any

import yaml

from align.ingest.pieces import Piece, Turn
from align.ingest.text import clean

SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text"})
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"\A#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\n|\Z)")


def read_document(text: str, source: str, origin: str) -> Piece | None:
    """Return the document as a piece, or None where there is nothing in it but a title."""
    text = clean(text)
    values, text = _front_matter(text)
    title = _text_of(values, "title")
    heading = _HEADING.match(text)
    if heading and title in (None, heading[1]):
        title, text = heading[1], text[heading.end() :]
    body = clean(text)
    if not body:
        return None
    if title is None:
        title = _spoken(PurePath(origin).stem)
    turn = Turn(body, is_owner=True, author="owner", time=_text_of(values, "date", "time"))
    return Piece("document", source, origin, origin, (turn,), title)


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split off the settings on top; what is no valid YAML mapping is part of the text."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        values = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError):
        return {}, text
    return (values, text[match.end() :]) if isinstance(values, dict) else ({}, text)


def _text_of(values: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        if values.get(key) is not None and (text := clean(str(values[key]))):
            return text
    return None


def _spoken(stem: str) -> str | None:
    """Return a file's name as a title: `2024-05-on_bread` is `On bread`."""
    words = re.sub(r"^[\d\s_.-]+", "", stem).replace("_", " ").replace("-", " ").split()
    title = " ".join(words)
    return title[:1].upper() + title[1:] if title else None
