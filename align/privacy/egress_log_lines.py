"""A line of the egress log: names and numbers, written in one go, read as far as it is whole."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align.store.events import utc_time

# What a field may look like. No sentence does: a text that strays into it is refused.
_WORD = r"[A-Za-z0-9_.:-]{1,100}"
_SHAPES = {
    "kind": re.compile(r"[a-z]+"),
    "time": re.compile(r"[0-9TZ:.-]{1,40}"),
    "attempt": re.compile(r"[0-9a-f]{16}"),
    "request_id": re.compile(_WORD),
    "purpose": re.compile(_WORD),
    "method": re.compile(r"[A-Z]{1,10}"),
    "path": re.compile(r"/[A-Za-z0-9_./-]{0,200}"),
    "host": re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}"),
    "model": re.compile(r"[A-Za-z0-9_.:/@-]{1,100}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "error": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}"),
    "batch": re.compile(_WORD),
    "terms": re.compile(_WORD),
    "how": re.compile(_WORD),
    "reason": re.compile(r"[a-z][A-Za-z0-9 -]{0,40}"),
    "where": re.compile(r"[A-Za-z0-9_.?\[\]]{0,200}"),
}
ID = re.compile(_WORD)


def checked(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of nothing but names and numbers; ValueError where a field looks otherwise."""
    for name, value in line.items():
        shape = _SHAPES.get(name)
        if name == "ids":
            fits = all(isinstance(each, str) and ID.fullmatch(each) for each in value)
        elif shape is not None:
            fits = value is None or (isinstance(value, str) and bool(shape.fullmatch(value)))
        else:
            fits = value is None or isinstance(value, int | float)
        if not fits:
            raise ValueError(f"{name}: not what an egress log may hold")
    return {**line, "ids": list(line["ids"])} if "ids" in line else dict(line)


def append(number: int, line: Mapping[str, Any], *, before: bytes = b"") -> None:
    """Append a line to an open file; OSError where not all of it was."""
    data = before + json.dumps(line, separators=(",", ":")).encode() + b"\n"
    # One write at the end of the file: no line of another process can come between.
    if os.write(number, data) != len(data):
        raise OSError("the disk is full")


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file as they were written; one that is not whole is `damaged`."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for data in file:
            try:
                row = json.loads(data)
            except ValueError:
                row = None
            if isinstance(row, dict):
                yield {"kind": "attempt", **row}
            elif data.strip():
                yield {"kind": "damaged"}


def unfinished(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of an attempt of which the end is not known."""
    return {**line, "kind": "attempt", "status": None, "unfinished": True}


def now() -> str:
    """Return the time in UTC."""
    return utc_time(datetime.now(UTC))
