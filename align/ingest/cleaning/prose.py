"""What of a text is its writer's prose: paragraphs, without what stands around them. Pure."""

import re
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

from align.ingest.cleaning.word_lists import DOES

_WORDS = {
    key: tuple(listed)
    for key, listed in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
_GAP = re.compile(r"\n[ \t]*\n+")
# Lines that stay lines: items, quotations, tables, headings, rules, code.
_STAYS = re.compile(r"\s*(?:[-*+•>|#]|\d{1,3}[.)]\s|[a-z][.)]\s|```|~~~|<)")
# Widths at which programs wrap; a line is full where the next one's first word had no more room.
_NARROWEST, _WIDEST = 40, 100
_MOSTLY = 0.75
_FEWEST_LINES = 4
_CODE = re.compile(r"[{}<>;=]|\(\)")
_SET_IN = re.compile(r"(?: {2,}|\t)\S")
_LEAST_QUOTED = 12
_NOTE = re.compile(r"(?:\[\^?\w{1,3}\]:?|\d{1,3}\.|[¹²³⁴-⁹]+|\*{1,3})(?=\s)")
# Behind a letter or a stop; what stands alone in brackets is text.
_MARK = re.compile(r"\[\^?\d{1,3}\]|[¹²³⁴-⁹]+(?!\w)")
_BEFORE_MARK = re.compile(r"[\w.,:;!?\"'\u201d\u2019)\]]")
_LEADER = re.compile(r"(?:\.[ ]?){4,}\s*\d+\s*$", re.MULTILINE)
_COUNT = re.compile(
    r"(?:\d[\d.,]*k?\s(?:likes?|shares?|comments?|claps?|restacks?|views?|responses)"
    r"|\d+ min(?:ute)?s? read|\d+ Min\. Lesezeit|·|share|like|comment|tweet)",
    re.IGNORECASE,
)
_SHORT_WORDS = 30
# `growth.We`: a break that an extraction lost. What follows must be a small word with a capital.
_DOMAINS = frozenset({"com", "net", "org", "me"})
_LOST = re.compile(r"[.!?](?<=[a-zß-ÿ]{3}[.!?])(?=([A-ZÀ-Þ][a-zß-ÿ]*)[ \u2019'])")


def prose_of(text: str) -> tuple[str, Counter[str]]:
    """Return a document's text as its writer's prose, and what was cut or mended, counted."""
    done: Counter[str] = Counter()
    kept: list[str] = []
    is_code = is_notes = False
    parts = _GAP.split(text)
    width, read = wrapped_at(text), 0
    for place, part in enumerate(parts):
        is_code ^= part.count("```") % 2 == 1
        is_late = 2 * read >= len(text)
        read += len(part)
        what = None if is_code or "```" in part else _around(part, is_late=is_late)
        if is_late and part.strip("#*_: ").casefold() in _WORDS["notes"]:
            is_notes = any(_NOTE.match(after) for after in parts[place + 1 : place + 2])
        if is_notes and what is None:
            what = "notes at the end"
        if what:
            done[what] += 1
        else:
            kept.append(part if is_code else unwrapped(part, width))
            done["lines joined"] += kept[-1] != part
    joined = "\n\n".join(kept)
    marks = [m.span() for m in _MARK.finditer(joined) if _is_behind(joined, m.start())]
    whole = "".join(
        joined[end:start] for (_, end), (start, _) in pairwise([(0, 0), *marks, (len(joined), 0)])
    )
    small = DOES.keys() - _DOMAINS
    mended = _LOST.sub(lambda m: m[0] + "\n\n" * (m[1].casefold() in small), whole)
    done.update({"marks of notes": len(marks), "lost breaks": (len(mended) - len(whole)) // 2})
    return (mended, +done) if kept else (text, Counter())


def _is_behind(text: str, place: int) -> bool:
    return place > 0 and _BEFORE_MARK.match(text, place - 1) is not None


def wrapped_at(text: str) -> int:
    """Return at which width a program wrapped a text's lines; 0 where its writer ended them."""
    # Verses and addresses are narrower.
    parts = [part.split("\n") for part in _GAP.split(text)]
    paragraphs = [part for part in parts if max(map(len, part)) >= _NARROWEST]
    lines = [
        (line.rstrip(), after)
        for paragraph in paragraphs
        for line, after in pairwise(paragraph)
        if not _STAYS.match(line) and not _STAYS.match(after)
    ]
    if len(lines) < _FEWEST_LINES:
        return 0
    width = sorted(len(line) for line, _ in lines)[int(len(lines) * 0.95)]
    full = sum(_is_full(line, after, width) for line, after in lines)
    return width if _NARROWEST <= width <= _WIDEST and full >= _MOSTLY * len(lines) else 0


def unwrapped(part: str, width: int) -> str:
    """Return a paragraph on one line, where it was wrapped at a width; poems and lists stay."""
    lines = [line.rstrip() for line in part.split("\n")]
    if not width or len(lines) < 2 or any(_STAYS.match(line) for line in lines[1:]):
        return part
    full = sum(_is_full(line, after, width) for line, after in pairwise(lines))
    if _SET_IN.match(lines[0]) or _STAYS.match(lines[0]) or full < _MOSTLY * (len(lines) - 1):
        return part
    return " ".join(line.strip() for line in lines)


def _is_full(line: str, after: str, width: int) -> bool:
    first = after.split(maxsplit=1)[:1]
    return len(line) + 1 + len(first[0] if first else "") >= width - 1


def _around(part: str, *, is_late: bool) -> str | None:
    """Return what a paragraph is that is none of the writer's prose; None where it is."""
    plain = " ".join(re.sub("[#*_>]", "", part).split()).casefold()
    is_marked = all(line.startswith(">") for line in part.split("\n"))
    if _is_set_in_quotation(part) or (is_marked and len(part.split()) >= _LEAST_QUOTED):
        return "quotations set in"
    if is_late and plain.startswith(_WORDS["thanks"]) and any(w in plain for w in _WORDS["drafts"]):
        return "thanks to readers"
    if len(_LEADER.findall(part)) > 2 or plain in _WORDS["contents"]:
        return "tables of contents"
    is_short = len(plain.split()) <= _SHORT_WORDS
    if is_short and (plain.startswith(_WORDS["furniture"]) or _COUNT.fullmatch(plain)):
        return "furniture of pages"
    return "notes at the end" if is_late and re.match(r"\[\^?\d{1,3}\]:?\s", part) else None


def _is_set_in_quotation(part: str) -> bool:
    """Tell whether all lines are set in, and are prose: no code, no list, no verses."""
    lines = part.split("\n")
    if not all(_SET_IN.match(line) for line in lines) or len(part.split()) < _LEAST_QUOTED:
        return False
    width = max(map(len, lines))
    pairs = list(pairwise(lines))
    full = sum(_is_full(line.rstrip(), after, width) for line, after in pairs)
    is_prose = full >= _MOSTLY * len(pairs) and width >= _NARROWEST
    return is_prose and not any(_STAYS.match(line) or _CODE.search(line) for line in lines)
