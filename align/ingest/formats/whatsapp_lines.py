"""The lines of a WhatsApp chat: which begin a message, when it was and whose it is."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from align.ingest.formats.whatsapp_words import (
    MARKS,
    is_apps_own,
    is_encryption_notice,
    is_one,
    unmarked,
    words,
)

_M = f"[{MARKS}]*"
# [12.05.24, 10:02:33] of iPhones, 12/05/24, 10:02 - of Android, 12/05/16 10:02:33: of old iPhones.
_HEADER = rf"""
    {_M}(?P<open>\[)?{_M}
    (?P<a>\d{{1,4}}){_M}(?P<dash>[./-]){_M}\s?(?P<b>\d{{1,2}}){_M}(?P=dash){_M}\s?(?P<c>\d{{1,4}})
    {_M}(?:\.|\s?\w\.)?[,،]?{_M}\s?{_M}
    (?:(?!\d)(?:(?P<before>HALF)\s?|[^\W\d]{{1,5}}\.?\s))?
    (?P<hour>\d{{1,2}})\s?[:.h]\s?(?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?
    {_M}(?:\s?{_M}(?![\]:\s-])(?P<after>HALF))?(?:\s?[^\W\d]{{1,3}}\.?)?{_M}
    (?(open)\]|(?:\s[-\u2013]|:))(?:\s|$)(?P<body>.*)
"""
_AUTHOR = re.compile(rf"{_M}(?P<author>[^\n]{{1,120}}?):(?:[ \u00a0\u202f]|(?=[{MARKS}])|$)")
_BEFORE_DATE = "[\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_ORDERS = ("dmy", "mdy", "ymd")
# WhatsApp began in 2009.
_FIRST_YEAR = 2009
_AUTHORS = 20_000


class Shape(NamedTuple):
    """What the beginnings of all messages of one export share."""

    is_iphone: bool
    dash: str
    has_seconds: bool
    has_half: bool = False  # whether the clock has twelve hours


class Header(NamedTuple):
    """The beginning of a message, before it is known which number is the day."""

    shape: Shape
    numbers: tuple[str, str, str]
    hour: int
    minute: int
    second: int
    body: str


def header_of(line: str) -> Header | None:
    """Return what a line says if it begins a message, else None."""
    # Most lines that begin none are told by their first letter.
    if not line or not (line[0] in _BEFORE_DATE or line[0].isdecimal()):
        return None
    match = _header().match(line)
    if match is None:
        return None
    is_open, a, dash, b, c, before, hour, minute, second, after, body = match.groups()
    half, clock = before or after, int(hour)
    if half and clock <= 12:
        is_late = is_one(half, "evening")
        # Eleven at noon, as Chinese has it.
        is_before_noon = half == "中午" and clock in (10, 11)
        clock = clock if is_before_noon else clock % 12 + 12 * is_late
    shape = Shape(is_open is not None, dash, second is not None, bool(half))
    return Header(shape, (a, b, c), clock, int(minute), int(second or 0), body)


@cache
def _header() -> re.Pattern[str]:
    half = f"(?:{words('morning').pattern}|{words('evening').pattern})"
    return re.compile(_HEADER.replace("HALF", half), re.IGNORECASE | re.VERBOSE)


def date_of(numbers: tuple[str, str, str], order: str) -> date | None:
    """Return the date that three numbers make in an order like `dmy`; None where they make none."""
    parts = dict(zip(order, map(int, numbers), strict=True))
    year = parts["y"]
    if year < 100:
        year += 2000
    elif 2500 <= year <= 2700:  # Thailand's calendar.
        year -= 543
    try:
        return date(year, parts["m"], parts["d"]) if year >= 1900 else None
    except ValueError:
        return None


@dataclass
class _Reading:
    """How well the dates of a chat are read in one order."""

    order: str
    odd: int = 0
    backwards: int = 0
    first: int = 0
    last: int = 0
    total: int = 0

    def add(self, day: date | None, latest: date) -> None:
        if day is None or day.year < _FIRST_YEAR or day > latest:
            self.odd += 1
            return
        number = day.toordinal()
        self.backwards += number < self.last
        self.first = self.first or number
        self.last = number
        self.total += number

    @property
    def flaws(self) -> tuple[int, int]:
        return self.odd, self.backwards


@dataclass
class Survey:
    """What a first look over a chat finds: the form of its dates, and who writes."""

    # How many begin, by the form of their beginning.
    messages: Counter[Shape] = field(default_factory=Counter)
    notice_to: str = ""  # whom the notice of encryption at an iPhone's beginning names: the chat
    authors: Counter[str] = field(default_factory=Counter)  # how often a name stands before a colon
    _numbers: tuple[str, str, str] | None = None
    _readings: list[_Reading] = field(default_factory=lambda: [_Reading(o) for o in _ORDERS])
    _latest: date = field(default_factory=lambda: date.today() + timedelta(days=2))

    def add(self, header: Header) -> None:
        """Take one message's beginning into account."""
        if not self.messages:
            author, text = split(header.body)
            if author and (is_apps_own(text) or is_encryption_notice(text)):
                self.notice_to = author
        self.messages[header.shape] += 1
        if header.shape != self.shape:
            return
        author, text = split(header.body)
        if author and not is_apps_own(text) and len(self.authors) < _AUTHORS:
            self.authors[author] += 1
        if header.numbers != self._numbers:
            self._numbers = header.numbers
            for reading in self._readings:
                reading.add(date_of(header.numbers, reading.order), self._latest)

    @property
    def shape(self) -> Shape:
        """The form of most messages' beginnings; what looks otherwise is pasted text."""
        return max(self.messages, key=self.messages.__getitem__)

    def order(self) -> tuple[str, str | None]:
        """Return the order of the dates, and another one that would do as well."""

        def rank(reading: _Reading) -> tuple[int, int, bool, int]:
            # A year of two digits stands first where nothing else is possible. Else a chat has
            # many days rather than many months.
            return (*reading.flaws, reading.order == "ymd", reading.last - reading.first)

        best, *others = sorted(self._readings, key=rank)
        for other in others:
            if other.order != "ymd" and other.flaws == best.flaws and other.total != best.total:
                return best.order, other.order
        return best.order, None

    def own_lines(self) -> frozenset[str]:
        """Return what looks like a name, and is the beginning of a line of the app's own.

        `Ann changed the subject to "Rome: at last"`: it begins with a name that writes, goes on for
        words, and stands there once.
        """
        beginnings = set()
        if self.authors[self.notice_to] * 10 < self.authors.total() and len(self.authors) > 2:
            # A group's name, before the app's words in an older iPhone's export.
            beginnings.add(self.notice_to)
        known = {author for author, count in self.authors.items() if count > 1}
        for author, count in self.authors.items():
            words = author.split(" ")
            starts = (" ".join(words[:end]) for end in range(1, len(words) - 2))
            if _is_open_quote(author) or (count == 1 and any(s in known for s in starts)):
                beginnings.add(author)
        return frozenset(beginnings)


def split(body: str) -> tuple[str, str]:
    """Return the author before a colon and what follows it; no author for a line of the app's own.

    What follows keeps its marks.
    """
    match = _AUTHOR.match(body)
    if match is None:
        return "", body
    author = unmarked(match["author"]).strip()
    if author.startswith("~"):
        # Somebody who is not in the phone's address book.
        author = author[1:].strip()
    return (author, body[match.end() :].lstrip(" ")) if author else ("", body)


def time_of(header: Header, order: str) -> datetime | None:
    """Return when a message was, by the phone's clock; None where that is no date."""
    day = date_of(header.numbers, order)
    try:
        clock = time(header.hour, header.minute, header.second)
        return None if day is None else datetime.combine(day, clock)
    except ValueError:
        return None


def _is_open_quote(author: str) -> bool:
    count = author.count
    return bool(
        count('"') % 2
        or count("„") > count("“") + count("”")
        or count("«") > count("»")
        or count("「") > count("」")
        or (count("“") > count("”") and "„" not in author)
    )
