"""Which column of a table is the text, the author, the time: as the user says, or by its name."""

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# By our name for a column, what others call it, the likeliest first.
_WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
LIKELY: dict[str, list[str]] = _WORDS.pop("columns")
_METAS, _JOURNAL = _WORDS["metas_lines"], frozenset(_WORDS["journal"])
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!~|>-])|!\[[^\]\n]*\]\(dayone-moment:[^)\n]*\)")
_LONGEST_LINE = 120
_VAGUE = frozenset({"type", "folder"})
_DAYS_AND_CLOCKS = _WORDS["days_and_clocks"]
_PAIRS = [{mine: True, others: False} for mine, others in _WORDS["pairs"]]
_DELIMITERS = ",;\t|"
_SEP = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)


class NoColumns(ValueError):
    """Which column is which can't be told; the message says what is missing."""


def columns_of(names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the file's column by our name for it.

    The user gives a column's name or its number from 1.

    Raises:
        NoColumns: The user names a column that isn't there, or no column looks like a text.
    """
    if unknown := [ours for ours in given if ours not in LIKELY]:
        known = ", ".join(LIKELY)
        raise NoColumns(f"{unknown[0]!r} is none of our columns, which are {known}")
    columns = {ours: _column_named(column, names) for ours, column in given.items()}
    plain = {_plain(name): name for name in reversed(names)}
    for ours, likely in LIKELY.items():
        column = next((plain[name] for name in likely if name in plain), None)
        if ours not in columns and column is not None and column not in columns.values():
            columns[ours] = column
    pair = {"question", "answer"} & set(columns)
    alone = "text" not in columns or "author" not in columns or bool(pair & set(given))
    if len(pair) == 2 and alone and "text" not in given:
        pair = {"text", "author"}
    elif "text" not in columns:
        raise NoColumns("no column looks like the text")
    return {ours: column for ours, column in columns.items() if ours not in pair}


def date_and_time(names: Sequence[str], columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that make up the time: one, or a date and a time that stand apart."""
    time = columns.get("time")
    if time is None:
        return ()
    plain = {_plain(name): name for name in reversed(names)}
    for day, clock in _DAYS_AND_CLOCKS:
        if _plain(time) in (day, clock) and {day, clock} <= set(plain):
            return plain[day], plain[clock]
    return (time,)


def owners_column(
    sample: Sequence[Mapping[str, str]], columns: Mapping[str, str]
) -> Mapping[str, bool]:
    """Return what the values of the column `mine` mean; nothing where it has not the two.

    One of them alone says something only where no other column does.
    """
    column = columns.get("mine", "")
    fewest = 2 if "author" in columns or _plain(column) in _VAGUE else 1
    values = {row.get(column, "").strip().casefold() for row in sample} - {""}
    for pair in _PAIRS:
        if len(values) >= fewest and values <= set(pair):
            return pair
    return {}


def is_journal(names: Iterable[str]) -> bool:
    """Tell whether a table's columns are those of a journal: Day One's, or one with moods."""
    plain = {_plain(name) for name in names}
    return {"uuid", "creationdate", "text"} <= plain or not _JOURNAL.isdisjoint(plain)


def unescaped(text: str) -> str:
    """Return a text of Day One's without its backslashes and pictures."""
    return _ESCAPED.sub(r"\1", text)


def is_metas_line(text: str) -> bool:
    """Tell whether a message of Messenger or Instagram is a line of the service's own."""
    return len(text) <= _LONGEST_LINE and any(words in text.casefold() for words in _METAS)


def dialect_of(head: str) -> str:
    """Return the delimiter of a table: that by which the first rows have equally many cells."""
    if match := _SEP.match(head):
        return match[1]
    # The last line may be cut.
    lines = head.split("\n")[:200]
    lines = lines[:-1] or lines
    return max(_DELIMITERS, key=lambda delimiter: _evenness(lines, delimiter))


def header_of(cells: Iterable[str]) -> list[str]:
    """Return the names of columns; one without a name gets its number, a repeated one too."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = " ".join(cell.split()).lstrip("\ufeff")[:100]
        names.append(f"{name} {number}".strip() if not name or name in names else name)
    return names


def _evenness(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Return which share of the rows is as wide as the first, and how wide that is."""
    try:
        rows = [row for row in csv.reader((f"{x}\n" for x in lines), delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    if not rows or len(rows[0]) < 2:
        return 0.0, 0
    width = len(rows[0])
    return sum(len(row) == width for row in rows) / len(rows), width


def _column_named(column: str, names: Sequence[str]) -> str:
    plain = _plain(column)
    for name in names:
        if name == column or (plain and column not in names and _plain(name) == plain):
            return name
    if column.isascii() and column.isdigit() and 1 <= int(column[:4]) <= len(names):
        return names[int(column[:4]) - 1]
    raise NoColumns(f"there is no column {column[:60]!r}")


def _plain(name: str) -> str:
    return re.sub(r"[^\w]|_", "", name.casefold())
