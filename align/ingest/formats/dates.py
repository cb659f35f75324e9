"""Moments as people and programs write them."""

import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path

from align.ingest.tree import base_of

# Nobody's writing is older or younger; a clock that was never set is.
_YEARS = range(1000, 2200)
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14
_EPOCH = re.compile(r"\d{9,16}(?:\.\d{1,9})?")
# What dateutil would complete with the day on which it is read is no date.
_DATED = re.compile(r"(?<!\d)\d{4}(?!\d)|\d{1,2}\s*[./-]\s*\d{1,2}\s*[./-]\s*\d{2}")
_NUMERIC = re.compile(r"\s*(\d{1,2})[./-](\d{1,2})[./-](?:\d{4}|\d{2})(?!\d)")
_IN_NAME = re.compile(r"(?<!\d)((?:1\d|20)\d\d)([-_.])(\d\d)\2(\d\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
_LONGEST = 60
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["months"]
_MONTHS = {name: month for month, names in zip(_ENGLISH, _NAMES, strict=True) for name in names}
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
# Hours from Greenwich; dateutil knows the machine's own zone only.
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3,
    "MSK": 3,
}  # fmt: skip


def when(value: object, *, day_first: bool = False) -> datetime | None:
    """Return the moment that a value tells, or None.

    It is a date, a text in ISO's or another order, or seconds (milli-, microseconds) since 1970;
    with `day_first` 3/5/2024 is in May.
    """
    time: datetime | None = None
    if isinstance(value, datetime):
        time = value
    elif isinstance(value, date):
        time = datetime(value.year, value.month, value.day)
    elif isinstance(value, int) and value in _YEARS and not isinstance(value, bool):
        time = datetime(value, 1, 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        time = _since_1970(value)
    elif isinstance(value, str):
        time = _read(value.strip(), day_first)
    if time is None or time.year not in _YEARS:
        return None
    # A zone of hundreds of hours shows only when it is asked for.
    try:
        offset = time.utcoffset()
    except ValueError:
        return time
    return time if offset is None else time.replace(tzinfo=timezone(offset))


def is_day_first(values: Iterable[str], guess: bool) -> bool:
    """Tell whether the dates of a column begin with the day; `guess` where nothing says so."""
    numbers = [(int(m[1]), int(m[2])) for value in values if (m := _NUMERIC.match(value))]
    days_first = sum(first > 12 for first, _ in numbers)
    months_first = sum(second > 12 for _, second in numbers)
    if days_first != months_first:
        return days_first > months_first
    # Of neighbours, the day changes and the month stays.
    pairs = list(pairwise(numbers))
    moves = [sum(a[i] != b[i] for a, b in pairs) for i in (0, 1)]
    return moves[0] > moves[1] if moves[0] != moves[1] else guess


def moment(text: str | None) -> datetime | None:
    """Return the moment that a date of the web names: it has a year of four digits."""
    text = (text or "").strip()[:_LONGEST]
    time = when(text) if _YEAR.search(text) else None
    return time if time and 1970 <= time.year < 2100 else None


def elapsed(earlier: datetime, later: datetime) -> timedelta:
    """Return the time between two moments; one without a zone is read as if it had the other's."""
    if (earlier.tzinfo is None) != (later.tzinfo is None):
        earlier, later = earlier.replace(tzinfo=None), later.replace(tzinfo=None)
    return later - earlier


def iso(time: datetime | None) -> str | None:
    """Write a moment as the store keeps it: in UTC where its zone is known."""
    if time is None:
        return None
    try:
        if time.tzinfo is not None and time.tzinfo is not UTC:
            time = time.astimezone(UTC)
        # Saying what is so anyway would double the time it takes.
        return time.isoformat(timespec="seconds") if time.microsecond else time.isoformat()
    except (OverflowError, ValueError):
        return None


def seconds(time: datetime) -> int:
    """Return a moment as seconds since 1970, without a zone as if it were UTC."""
    since = time - (_1970 if time.tzinfo is not None else _1970.replace(tzinfo=None))
    return since.days * 86_400 + since.seconds


def date_in_name(name: str) -> datetime | None:
    """Return the date in a file's name: `2024-05-01-on-bread.md`, `2024_05_01.md`."""
    match = _IN_NAME.search(base_of(name))
    return when(f"{match[1]}-{match[3]}-{match[4]}") if match else None


def _since_1970(value: float) -> datetime | None:
    if value >= _MICROSECONDS:
        value /= 1e6
    elif value >= _MILLISECONDS:
        value /= 1e3
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _read(text: str, day_first: bool) -> datetime | None:
    if len(text) > _LONGEST:
        return None
    if _EPOCH.fullmatch(text) and not re.fullmatch(r"(?:19|20)\d{12}", text):
        return _since_1970(float(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _spoken(text, day_first) if _DATED.search(text) else None


def _spoken(text: str, day_first: bool) -> datetime | None:
    from dateutil import parser

    text = _in_english(text)
    # A year in front is followed by the month wherever it is written.
    day_first = day_first and not re.match(r"\d{4}", text)
    try:
        time = parser.parse(text, dayfirst=day_first, default=datetime(2000, 1, 1), tzinfos=_zone)
    except Exception:  # It raises whatever its tokens lead it to.
        return None
    return time if isinstance(time, datetime) else None


def _in_english(text: str) -> str:
    """Return a date with English months; of one in another language all other words are dropped."""
    words = [word.casefold() for word in _WORD.findall(text)]
    if _MONTHS.keys().isdisjoint(words):
        return text
    known = _MONTHS | {"am": "AM", "pm": "PM"}
    return _WORD.sub(lambda word: known.get(word[0].casefold(), " "), text)


def _zone(name: str | None, seconds: int | None) -> tzinfo | None:
    if seconds is None:
        hours = _ZONES.get(name or "")
        return None if hours is None else timezone(timedelta(hours=hours))
    return timezone(timedelta(seconds=seconds)) if abs(seconds) < 86_400 else None
