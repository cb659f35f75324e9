"""The settings on top of a text file, and the name and time that a file has."""

import re
import tomllib
from datetime import datetime
from pathlib import PurePath
from typing import Any

import yaml

from align.ingest.decoding import clean
from align.ingest.formats.chat_lines import is_day
from align.ingest.formats.dates import date_in_name, when

_YAML = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"\A#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\n|\Z)")
# No stop, comma or colon ends it, and an empty line follows.
_TITLE_LINE = re.compile(r"\A(?![-*+>|#\[(\d])([^\n:]{2,80}?(?<![.,;!?\u2026]))[ \t]*\n[ \t]*\n+")
_DATE_LINE = re.compile(r"\A\W*([^\n]*\d{4}[^\n]{0,20}?)\W*\n")
_LONGEST_TITLE = 40
# Longer ones are a text between two rules.
_LONGEST = 64 * 1024
_TIMES = (
    "date", "time", "datetime", "created", "created_at", "date created", "published", "publishdate",
    "pubdate",
)  # fmt: skip


def split(text: str) -> tuple[dict[str, Any], str]:
    """Split off a clean text's settings on top; what is no valid mapping is part of the text."""
    for pattern, parse in ((_YAML, yaml.safe_load), (_TOML, tomllib.loads)):
        match = pattern.match(text)
        if not match or len(match[1]) > _LONGEST:
            continue
        try:
            values = parse(match[1])
        except Exception:  # PyYAML raises what a wrong value's constructor raises.
            return {}, text
        return (values, text[match.end() :]) if isinstance(values, dict) else ({}, text)
    return {}, text


def text_of(values: dict[str, Any], *keys: str) -> str | None:
    """Return the first of the settings that is a text, a number or a date, as a text."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, dict | list | set | tuple | bytes):
            continue
        if value is not None and (text := clean(str(value))):
            return text
    return None


def time_of(values: dict[str, Any], name: str) -> datetime | None:
    """Return when a file was written: by its settings, else by a date in its name."""
    plain = {key.casefold(): value for key, value in values.items() if isinstance(key, str)}
    for key in _TIMES:
        if time := when(plain.get(key)):
            return time
    return date_in_name(name)


def titled(values: dict[str, Any], text: str, origin: str) -> tuple[str | None, str]:
    """Return the title of a Markdown text and what is below it.

    The title is in the settings, else the first heading, else a first line that stands alone, else
    the file's name where that is one; a heading that says it again is no part of the text.
    """
    title = text_of(values, "title")
    heading = _HEADING.match(text) or (None if title else _first_line(text))
    if heading and title in (None, heading[1]):
        title, text = heading[1], text[heading.end() :]
    return title or title_of_file(origin), text


def _first_line(text: str) -> re.Match[str] | None:
    """Return the first line of a text where it stands alone and is no sentence: a title."""
    line = _TITLE_LINE.match(text)
    return None if line is None or is_day(line[1]) or not text[line.end() :].strip() else line


def dated(text: str) -> tuple[datetime | None, str]:
    """Return the date that stands alone at a text's head, and what is below it."""
    line = _DATE_LINE.match(text)
    time = when(line[1]) if line and len(line[1]) <= _LONGEST_TITLE else None
    return (time, text[line.end() :]) if line and time else (None, text)


def title_of_file(name: str) -> str | None:
    """Return a file's name as a title: `2024-05-on_bread.md` is `On bread`, `newideas.txt` none."""
    path = PurePath(name)
    title = title_of_stem(path.stem)
    is_name = path.suffix.lower() in (".txt", ".text") and path.stem.islower()
    return None if is_name and " " not in (title or "") else title


def title_of_stem(stem: str) -> str | None:
    """Return a file's name without its suffix as a title."""
    title = " ".join(re.sub("[_-]", " ", re.sub(r"^[\d\s_.-]+", "", stem)).split())
    return title[:1].upper() + title[1:] if title else None
