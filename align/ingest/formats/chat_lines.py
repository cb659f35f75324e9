"""Chats as any program writes them down: what begins a message is found from the text itself. Pure.

A message begins with a time and a name, in one of a few orders; the order that most lines have is
the file's, and what looks otherwise is what somebody wrote.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from align.ingest.formats.dates import is_day_first, when

_HALF = r"[AaPp]\.?\s?[Mm]\.?|오전|오후|上午|下午|午前|午後"
_CLOCK = (
    rf"(?:(?:{_HALF})\s?)?\d{{1,2}}[:h]\d\d(?::\d\d(?:[.,]\d{{1,6}})?)?"
    rf"(?:\s?(?:{_HALF}))?(?:\s?(?:Uhr|UTC|GMT|Z)\b)?(?:\s?[+-]\d\d:?\d\d)?"
)
_MONTH = r"[^\W\d_]{3,12}\.?"
_DATE = (
    r"(?:[^\W\d_]{2,12}\.?,?\s)?"  # a weekday
    r"(?:\d{4}[./-]\s?\d{1,2}[./-]\s?\d{1,2}\.?|\d{1,2}[./-]\s?\d{1,2}[./-]\s?(?:\d{4}|\d\d)?\.?"
    r"|\d{1,2}/\d{1,2}|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s\d{{4}})?"
    rf"|\d{{1,2}}\.?\s(?:de\s)?{_MONTH}(?:,?\s(?:de\s)?\d{{4}})?)"
    r"(?:\s?\([^\W\d_]{1,9}\))?"
)
_STAMP = (
    rf"(?:{_DATE}(?:T|,?\s(?:[^\W\d_]{{1,3}}\s)?|,\s?|\s-\s){_CLOCK}|{_CLOCK}(?:,?\s{_DATE})?"
    rf"|[^\W\d_]{{3,10}}(?:\s[^\W\d_]{{1,3}})?\s{_CLOCK})"  # `Today at 10:14`
)
_WHEN = rf"(?P<open>[\[(<])?(?P<stamp>{_STAMP})(?(open)[\])>])"
_NAME = r"(?P<name>[^\s:<>\[\](){}|\"“”][^:\n\t<>\[\]{}|\"“”]{0,39}?)"
_ID = r"(?:\s?[(<][^()<>\n]{2,40}[)>])?"


class Grammar(NamedTuple):
    """What begins a message.

    It takes one line or two; what is said follows on the same line (a group `said`) or below.
    Brackets and tabs that nobody's prose has make it sure, even without dates and other people.
    """

    pattern: re.Pattern[str]
    width: int = 1
    is_sure: bool = False

    @property
    def is_inline(self) -> bool:
        """Whether what is said follows on the same line."""
        return "said" in self.pattern.groupindex


_FORMS = (
    (rf"{_WHEN}[\s,|\u2013-]*<[@+%&~ ]?(?P<name>[^<>\n]{{1,40}})>(?:\s|$)(?P<said>.*)", 1, True),
    (rf"{_WHEN}\t(?P<name>[^\t\n]{{1,40}})\t(?P<said>.*)", 1, True),
    (rf"\[(?P<name>[^\[\]\n]{{1,40}})\]\s?\[(?P<stamp>{_STAMP})\](?:\s|$)(?P<said>.*)", 1, True),
    (r"<[@+%&~ ]?(?P<name>[^<>\s/]{1,30})>\s(?P<said>(?P<stamp>).*)", 1, True),
    (rf"{_WHEN}[\s,|\u2013-]*{_NAME}{_ID}\s?[:\uff1a](?:\s|$)(?P<said>.*)", 1, False),
    (rf"{_NAME}{_ID},?\s?[\[(](?P<stamp>{_STAMP})[\])]\s?[:\uff1a-](?:\s|$)(?P<said>.*)", 1, False),
    (rf"{_WHEN}[\s,|\u2013-]*{_NAME}{_ID}:?", 1, False),
    (rf"{_NAME}{_ID}(?:\s?[,—\u2013|-])?\s(?:[—\u2013-]\s)?{_WHEN}:?", 1, False),
    (rf"{_WHEN}(?:\s\([^()\n]*\))?\n{_NAME}{_ID}", 2, False),
    (rf"{_NAME}{_ID}\n{_WHEN}", 2, False),
)  # fmt: skip
_GRAMMARS = tuple(Grammar(re.compile(form), width, is_sure) for form, width, is_sure in _FORMS)
_STAMPED = re.compile(rf"{_WHEN}\s")
_WEEKDAY = r"[^\W\d_]{4,12},?"
_DAY = re.compile(rf"(?=.*\d)(?:{_DATE}(?:,?\s(?:{_WEEKDAY}|{_CLOCK}))?|{_WEEKDAY}\s{_DATE})")
_CLOCK_OR_DAY = re.compile(
    rf"(?=.*\d{{4}}|.*\d[:h]\d\d).{{0,20}}?(?:{_STAMP}|{_DATE})(?:\s\([^()]*\))?"
)
_DAY_LINE = re.compile(
    rf"(?:[\W_]*|.{{0,20}}?(?:changed|opened|closed)\s)(?P<day>{_DATE}(?:\s\d\d:\d\d:\d\d)?"
    r"(?:\s\d{4})?)(?:\s[^\W\d_]{2,10})?[\W_]*"
)
_ZOOM = re.compile(r"From\s+(.+?)\s+to\s+.+", re.IGNORECASE)
_RULE = re.compile(r"[=_*-]{10,}\s*")
_FEWEST = 3
_HEAD_LINES = 600
# Of the lines, how many begin a message: where people write in paragraphs, few do.
_SHARE = 0.2
_BEFORE = 5
_BELOW = 0.8
_CLOCKED = re.compile(r"\d[:h]\d\d")
# Times up to here begin a recording: its transcript is no chat.
_RECORDING = re.compile(r"0\d?:\d\d|[012]:[0-5]\d(?!\d)(?!.*[AaPp]\.?[Mm])")


@dataclass
class Line:
    """One message of a chat: who wrote it and when; no name is the service's own line."""

    name: str
    stamp: str
    day: str
    lines: list[str] = field(default_factory=list)


def chat_grammar(text: str) -> Grammar | None:
    """Return what begins the messages of a text that is a chat; None where it is none."""
    lines = text.split("\n")[:_HEAD_LINES]
    if sum(map(_may_begin, lines)) < _FEWEST - 1:
        return None
    filled = sum(bool(line.strip()) for line in lines)
    found = {grammar: list(_heads(lines, grammar)) for grammar in _GRAMMARS}
    chats = [grammar for grammar, heads in found.items() if _is_chat(grammar, heads, filled)]
    return max(chats, key=lambda grammar: len(found[grammar]), default=None)


def is_day(text: str) -> bool:
    """Tell whether a text is a date, and nothing else but a weekday."""
    return _DAY.fullmatch(text) is not None


def is_stamp(text: str) -> bool:
    """Tell whether a text is a moment, with a clock or a whole date, and nothing else."""
    return _CLOCK_OR_DAY.fullmatch(text) is not None


def chat_lines(text: str, grammar: Grammar) -> list[Line]:
    """Return the messages of a chat in the order in which they stand."""
    lines, day = text.split("\n"), ""
    heads = dict(_heads(lines, grammar))
    read: list[Line] = []
    inside, is_open = -1, True
    for place, line in enumerate(lines):
        if place <= inside:
            continue
        if head := heads.get(place):
            inside, is_open = place + grammar.width - 1, True
            said = [head["said"]] if grammar.is_inline else []
            name = _ZOOM.sub(r"\1", head["name"].strip())
            # `-->` and `***` are nobody.
            named = name if any(map(str.isalnum, name)) else ""
            read.append(Line(named, head["stamp"], day, said))
        elif line.strip() and (date := _DAY_LINE.fullmatch(line.strip())):
            day = date["day"]
        elif grammar.is_sure and _STAMPED.match(line):
            read.append(Line("", "", day, [line]))
        elif _RULE.fullmatch(line):
            # What stands below is the program's.
            is_open = False
        elif read and is_open:
            read[-1].lines.append(line)
    return read


def times_of(lines: Sequence[Line], usual: datetime | None) -> Iterator[datetime | None]:
    """Yield when each message was; of a clock alone, on the day of the line above, or as usual."""
    stamps = [line.stamp for line in lines if line.stamp]
    day_first = is_day_first(stamps, guess=any("." in stamp[:6] for stamp in stamps[:1]))

    @lru_cache(maxsize=4096)
    def moment(stamp: str, day: str) -> datetime | None:
        stamp = _western(stamp)
        if time := when(stamp, day_first=day_first):
            return time
        date = when(_western(day), day_first=day_first) if day else usual
        clock = re.search(_CLOCK, stamp)
        return when(f"{date:%Y-%m-%d} {clock[0]}") if date and clock else None

    yield from (moment(line.stamp, line.day) if line.stamp else None for line in lines)


def _western(stamp: str) -> str:
    stamp = re.sub(r"\s?[年월月년]\s?", "-", re.sub(r"[日일]", "", stamp))
    stamp = re.sub(r"(?:오전|上午|午前)\s?(\S+)", r"\1 AM", stamp)
    stamp = re.sub(r"(?:오후|下午|午後)\s?(\S+)", r"\1 PM", stamp)
    return re.sub(r"\([^\W\d_]+\)|\b(?:at|um|à|alle|Uhr|de)\b", " ", stamp).replace("\u202f", " ")


def _heads(lines: Sequence[str], grammar: Grammar) -> Iterator[tuple[int, re.Match[str]]]:
    for place in range(len(lines) - grammar.width + 1):
        head = "\n".join(line.strip() for line in lines[place : place + grammar.width])
        # Most lines have no time: that is told faster.
        if _may_begin(head) and (match := grammar.pattern.fullmatch(head)):
            yield place, match


def _may_begin(head: str) -> bool:
    return head[:1] == "<" or _CLOCKED.search(head) is not None


def _is_chat(grammar: Grammar, heads: list[tuple[int, re.Match[str]]], filled: int) -> bool:
    if len(heads) < _FEWEST - grammar.is_sure or len(heads) < _SHARE * filled:
        return False
    # Something is said below each, or it is a timetable.
    if not grammar.is_inline and len(heads) * (grammar.width + _BELOW) > filled:
        return False
    counts = Counter(match["name"].strip() for _, match in heads)
    often = sum(count for count in counts.values() if count > 1)
    are_people = len(counts) > 1 and 2 * often > len(heads)
    first = heads[0][1]["stamp"]
    tells_days = re.search(_DATE, first) is not None or not _RECORDING.match(first)
    return heads[0][0] <= _BEFORE + 0.2 * filled and (
        grammar.is_sure or (are_people and tells_days)
    )
