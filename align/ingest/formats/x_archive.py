"""The files of an X archive: scripts that assign a list of JSON objects."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any

from align.ingest.formats.json_stream import json_items
from align.ingest.formats.json_values import epoch_time, iso_time, string_of
from align.ingest.reading import Export, Notes
from align.ingest.tree import Tree

# Milliseconds from 1970 to the moment from which X's ids count.
_BEGINNING = 1_288_834_974_657
# The first ids that tell their time; before, they were counted.
_TIMED = 30_000_000_000
# `Thu May 02 16:00:00 +0000 2024`; `strptime` would read the names in the user's language.
_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) ([\d:]{8}) ([+-]\d{4}) (\d{4})")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def rows_of(export: Export, name: str, notes: Notes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a script, without the one key that wraps each in newer archives."""
    for row in json_items(Export(_Bare(export.tree), export.names), name, "item", notes):
        inner = next(iter(row.values())) if isinstance(row, dict) and len(row) == 1 else row
        if isinstance(inner, dict):
            yield inner


def number_of(key: str | None) -> int:
    """Return an id as a number, by which posts are in the order of their writing; 0 for none."""
    return int(key) if key and key.isascii() and key.isdigit() and len(key) <= 20 else 0


def time_of(text: object, key: str | None) -> datetime | None:
    """Return when something was written: by its date, or by its id."""
    written = string_of(text)
    match = _DATE.fullmatch(written)
    if match and (month := _MONTHS.find(match[1])) >= 0:
        written = f"{match[5]}-{month // 3 + 1:02}-{match[2]}T{match[3]}{match[4]}"
    number = number_of(key)
    moment = iso_time(written, UTC)
    if moment is None and number > _TIMED:
        return epoch_time(((number >> 22) + _BEGINNING) / 1000)
    return moment


class _Bare(Tree):
    """A tree whose scripts begin with their list: `window.YTD.tweets.part0 = ` is passed over."""

    def __init__(self, tree: Tree) -> None:
        self._tree, self.label, self.names = tree, tree.label, tree.names

    def _open(self, name: str) -> IO[bytes]:
        file = self._tree.open(name)
        file.seek(max(file.read(4096).find(b"["), 0))
        return file

    def size(self, name: str) -> int:
        return self._tree.size(name)

    def place(self, name: str) -> str:
        return self._tree.place(name)

    def origin_of(self, name: str) -> str:
        return self._tree.origin_of(name)
