"""Interviews in a text: who says what, where its shape says so (`ANN: ...`, `**Ann (00:12):**`)."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import zip_longest
from os.path import commonprefix
from pathlib import Path

from align.ingest.contents import Message

# A line that is longer was cut by an editor, a shorter one by its writer.
_MARGIN = 50
TIME = r"\d{1,2}:\d{1,2}(?::\d{1,2})?(?:[.,]\d{1,7})?(?:[ ]?[AaPp][Mm])?"
_SPAN = re.compile(rf"(?:\d+[ \t]+)?{TIME}[ \t]*-->[ \t]*{TIME}")
_STAMP_ALONE = re.compile(rf"[\[(]?{TIME}[\])]?")
_NAME = r"[^\W\d_][^:\n\[\](){}<>*_#|=/\\\"“”?!;,]{0,40}"
_STAMP = rf"[\[(]?{TIME}[\])]?"
# `(she/her)`, `(host)`, `(crying)`.
_PRONOUNS = r"(?:[ \t]*\([^\W\d_][^():\n]{0,24}\))?"
_AFTER_NAME = rf"{_PRONOUNS}(?:[ \t]*[\[(]{TIME}[\])])?"
_COLON = "[:\uff1a]"
# `[00:12] Ann (00:12): text`
_INLINE = re.compile(
    rf"(?P<stamp>{_STAMP}[ \t]*(?:-[ \t]*)?)?(?P<name>{_NAME}?){_AFTER_NAME}"
    rf"[ \t]*{_COLON}(?!//|(?<=\d.)\d)(?P<said>.*)"
)
# `Ann  0:12`, `Ann (00:12)`, `[00:12] Ann`, `[Ann] 10:02:33`, each on a line of its own.
_HEADERS = (
    re.compile(rf"(?P<name>{_NAME}?)[ \t]+[\[(]?{TIME}[\])]?[ \t]*:?"),
    re.compile(rf"[\[(]{TIME}[\])][ \t]*(?P<name>{_NAME})"),
    re.compile(rf"\[(?P<name>{_NAME})\][ \t]*{TIME}"),
)
_BOLD = re.compile(
    rf"(?P<stamp>{_STAMP}[ \t]*)?(?P<mark>\*\*|__)(?P<label>[^*_\n]{{1,80}})(?P=mark)"
    rf"(?P<rest>[ \t]*(?:{_COLON}|[\[(\d]|$)|(?<=:\*\*)|(?<=:__))"
)
_QUOTE = re.compile(r"(?:>[ \t]*)+")
# Words of a name that are not written with a capital.
_PARTICLES = frozenset(
    ("van", "von", "de", "da", "di", "du", "del", "der", "den", "la", "le", "el", "al", "bin", "of")
)
# The form of official records: `MR. LEE. Thank you.` What is not the end of a name there.
_POINT = re.compile(r"\.[ \t]+(?=\S)")
_TITLES = frozenset(("MR", "MRS", "MS", "DR", "SEN", "REP", "GOV", "GEN", "PROF", "ST", "SIR"))
_LONGEST_LABEL = 50
# How rare a label is beside the one that it is, but for a letter.
_RARE = 5
_LONG_WORD = 5
_NUMBERED = re.compile(r"[^\W\d_]+[ ]\d{1,3}", re.I)
# Labels that no person is called by.
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_NO_NAMES = frozenset(_WORDS["no_names"])
_SOUNDS = "|".join(_WORDS["sounds"])
_WHO = r"(?:(?:both|all|everyone|they|audience|alle|tous|todos|tutti)\s+)?(?:\w+ly\s+)?"
# An editor's brackets are text: `verbat[im]`, `$1½ [trillion]`. So is what begins small and is no
# sound.
_DIRECTIONS = re.compile(
    rf"(?<!\w)\[(?:{_WHO}(?:{_SOUNDS})\b[^\[\]\n]{{0,40}}|(?-i:[A-ZÀ-Þ])[^\[\]\n]{{3,60}}"
    r"|\d+:[\d:.]+)\](?![\w(])"
    rf"|[(*]{_WHO}(?:{_SOUNDS})\b[^()*\n]{{0,30}}[)*]",
    re.I,
)


# A name, what follows it on its line, and whether the label has a time or is bold.
Label = tuple[str, str | None, bool]


@dataclass
class Turn:
    """What one speaker said in a row, as it stands in the file."""

    name: str  # who
    lines: list[str]  # the lines, without the label
    is_marked: bool  # whether the label has a time or is bold: a form that only transcripts have

    @property
    def raw(self) -> str:
        """Return the whole turn; lines that were wrapped stay lines."""
        return "\n".join(self.lines).strip()


def spoken(
    text: str, origin: str, title: str | None, time: datetime | None, source: str | None
) -> Iterator[Message]:
    """Yield what is said in a transcript; stage directions are out, `raw` keeps them.

    `origin` names the chat and its one thread; title, time and source are those of all messages.
    """
    for turn in turns_of(text)[0]:
        # The lines of a paragraph that an editor cut at its margin are joined.
        cut = rf"(?<=[^\n]{{{_MARGIN}}})\n(?=[^\s*>-])"
        words = re.sub(cut, " ", without_directions(turn.raw))
        yield Message(
            chat=origin,
            author=turn.name,
            text=words,
            time=time,
            reason=None if words else "empty",
            raw=None if words == turn.raw else turn.raw,
            title=title,
            thread=origin,
            source=source,
        )


@lru_cache(maxsize=2)
def turns_of(text: str) -> tuple[list[Turn], float]:
    """Return the turns of a text, and which share of its paragraphs begins with a speaker."""
    lines = text.split("\n")
    labels = labels_of(lines)
    counts = Counter(label[0] for label in labels if label)
    turns: list[Turn] = []
    paragraphs = begun = 0
    for place, (line, label) in enumerate(zip(lines, labels, strict=True)):
        # `Anyway: ...` inside an answer is no speaker who says one thing.
        if label and counts[label[0]] == 1 and not label[2] and " " not in label[0]:
            label = None
        opens = bool(line.strip()) and (not place or not lines[place - 1].strip())
        if opens and not is_heading(line):
            paragraphs += 1
            begun += label is not None or _SPAN.fullmatch(line.strip()) is not None
        if label:
            name, rest, is_marked = label
            # Services cut a long speech every few seconds.
            if turns and turns[-1].name == name and is_marked:
                turns[-1].lines.append("")
            else:
                turns.append(Turn(name, [], is_marked))
            turns[-1].lines += [rest] if rest else []
        elif turns and not _is_aside(line):
            turns[-1].lines.append(line)
    return turns, begun / max(paragraphs, 1)


def labels_of(lines: list[str]) -> list[Label | None]:
    """Return the label that each line begins with; those that are mistyped are mended."""
    labels = [label_of(line) or _pointed(line) if _may_be_one(line) else None for line in lines]
    return _mended([_after_span(lines, i) or label for i, label in enumerate(labels)])


def _may_be_one(line: str) -> bool:
    """Tell at a glance whether a line may begin with a label; most don't."""
    return ":" in line or "\uff1a" in line or line.lstrip("*_> \t")[:2].isupper()


def _mended(labels: list[Label | None]) -> list[Label | None]:
    """Let a label that is another one but for a letter, and rarer, be that one; drop the unsure."""
    counts = Counter(label[0] for label in labels if label)
    meant = {
        name: next((o for o in counts if counts[o] >= _RARE * n and _is_slip(name, o)), name)
        for name, n in counts.items()
    }
    known = {label[0] for label in labels if label and not label[0].endswith(".")}
    mended: list[Label | None] = []
    for label in labels:
        name = meant[label[0]] if label else ""
        plain = name.removesuffix(".")
        if label is None or (plain != name and counts[name] < 2 and plain not in known):
            mended.append(None)
        else:
            mended.append((plain, *label[1:]))
    return mended


def _is_slip(name: str, other: str) -> bool:
    """Tell whether two labels differ by one letter of one long word."""
    words = list(zip_longest(name.split(), other.split(), fillvalue=""))
    wrong = [(a, b) for a, b in words if a != b]
    if len(wrong) != 1 or min(map(len, wrong[0])) < _LONG_WORD:
        return False
    short, long = sorted(wrong[0], key=len)
    start = len(commonprefix((short, long)))  # noqa: RUF071
    return short[start + (len(short) == len(long)) :] == long[start + 1 :]


def _after_span(lines: list[str], at: int) -> Label | None:
    """Return the speaker on the line after a cue's times, as Teams writes documents."""
    if at and _SPAN.fullmatch(lines[at - 1].strip()) and is_name(lines[at]):
        return " ".join(lines[at].split()), None, True
    return None


def _is_aside(line: str) -> bool:
    line = line.strip()
    return bool(_SPAN.fullmatch(line) or _STAMP_ALONE.fullmatch(line) or is_heading(line))


def is_heading(line: str) -> bool:
    """Tell whether a line is a heading or a rule of Markdown."""
    return re.match(r"#{1,6}[ \t]|(?:-{3,}|\*{3,}|_{3,})$", line.strip()) is not None


def label_of(line: str) -> Label | None:
    """Return the name that a line begins with, what follows it, and whether the label is marked.

    What follows is None where the label has the line to itself.
    """
    line, is_marked = _unmarked(line)
    for header in _HEADERS:
        match = header.fullmatch(line)
        if match and is_name(match["name"]):
            return _plain(match["name"]), None, True
    match = _INLINE.fullmatch(line)
    if match and is_name(match["name"]):
        is_marked |= re.search(TIME, line[: match.start("said")]) is not None
        return _plain(match["name"]), match["said"].strip(), is_marked
    return None


def _pointed(line: str) -> Label | None:
    """Return a label that ends in a point, as one that is a label only where it comes again."""
    line, is_marked = _unmarked(line)
    if line.isupper() and len(line) <= _LONGEST_LABEL and is_name(line) and len(line) > 2:
        return f"{_plain(line)}.", None, is_marked
    for end in _POINT.finditer(line, 0, _LONGEST_LABEL):
        name = line[: end.start()]
        if not name.isupper() or ":" in name:
            return None
        is_long = name in ("Q", "A") or sum(map(str.isalpha, name)) > 2
        if is_long and name.split()[-1] not in _TITLES and is_name(name):
            return f"{_plain(name)}.", line[end.end() :].strip(), is_marked
    return None


def is_name(text: str) -> bool:
    """Tell whether a label may be a speaker's: capitals, few words, no `Note`."""
    words = _plain(text).split()
    if not 1 <= len(words) <= 5 or words[0].casefold().rstrip(".") in _NO_NAMES:
        return False
    if _NUMBERED.fullmatch(" ".join(words)):
        return True
    if any(character.isdigit() for character in text):
        return False
    return all(
        not word[0].islower() or (place > 0 and word in _PARTICLES)
        for place, word in enumerate(words)
    )


def without_directions(text: str) -> str:
    """Return what was said, without `[laughs]` and the like."""
    if "[" not in text and "(" not in text and "*" not in text:
        return text
    text = _DIRECTIONS.sub("\0", text)
    text = re.sub(r"^(?:\0[ \t]*)+|(?<![ \t])[ \t]*\0+(?:[ \t]+\0)*", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<![ \t])[ \t]+([.,;:!?…])", r"\1", text).strip()


def _unmarked(line: str) -> tuple[str, bool]:
    line = line.strip()
    if quote := _QUOTE.match(line):
        line = line[quote.end() :]
    match = _BOLD.match(line)
    if not match:
        return line, False
    return (match["stamp"] or "") + match["label"] + match["rest"] + line[match.end() :], True


def _plain(name: str) -> str:
    return " ".join(name.split())
