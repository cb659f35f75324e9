"""The words and the letters of a text, in any script, whatever its case, spacing and disguise."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from align.text.similarity import words

# Scripts without blanks between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
# Unicode's Default_Ignorable_Code_Point: soft hyphens, joiners, directions, variants, fillers.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile(r"\s+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_NAMED = re.compile(
    r"(?:LATIN|REGIONAL INDICATOR).* LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?$"
)
# Of our own letters and digits, those that look alike, or that are written for one another.
_OURS = str.maketrans("ivy0134578", "lnuoleastb")
_ALNUM = bytes(code for code in range(128) if chr(code).isalnum())
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum())
_SKELETON = bytes(ord(chr(code).lower().translate(_OURS)) for code in range(128)) + bytes(
    range(128, 256)
)
_IS_LETTER = bytes(code in _ALNUM for code in range(256))


def tokens(text: str) -> list[str]:
    """Return the words of a text, as `align.text.similarity.words` has them.

    Where a script puts no blanks between words, each two letters that follow one another are one:
    a sentence would be a single word, and nothing of it ever found. What cannot be seen in a text
    tells no two words apart, nor do accents and letters that look alike.
    """
    plain = words(text.translate(_PLAIN))
    if text.isascii() or not _UNSPACED.search(text):
        return plain
    return [part for word in plain for part in _parts(word)]


def letters(text: str) -> bytes:
    """Return the letters and digits of a text, a byte each.

    Compatible forms, both cases and letters that look alike are one letter; accents, blanks,
    punctuation and what cannot be seen are dropped. Letters beyond ASCII share 128 bytes: two texts
    of twelve different ones are the same bytes about once in 10^25.
    """
    if not text.isascii():
        text = _NOT_ASCII.sub(lambda match: match[0].translate(_FOLDED), text)
    return text.encode("latin-1").translate(_SKELETON, _DROPPED)


def with_gaps(text: str) -> str:
    """Return a text with a blank for what cannot be seen: it may stand between words."""
    return _INVISIBLE.sub(" ", text)


def letter_counts(text: str) -> tuple[bytes, bytes]:
    """Return a text's letters, and how many of them each of its characters holds.

    Blanks in a row are one character, what cannot be seen is none.
    """
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", text))
    if text.isascii():
        return letters(text), text.encode().translate(_IS_LETTER)
    return letters(text), bytes(
        char in _ALNUM if char < 128 else len(_FOLDED[char]) for char in map(ord, text)
    )


def texts_in(value: Any) -> list[str]:
    """Return all texts in a JSON value but its keys."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in texts_in(each)]


class _Folded(dict[int, str]):
    """The letters of each character beyond ASCII, as characters below 256; made when needed."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = "".join(map(_byte, _folded(chr(code))))
        return folded


class _Plain(dict[int, str]):
    """What stands for each character in words: its letters, or where it has none, itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain = (char.lower() if code < 128 else _folded(char)).translate(_OURS)
        if not (plain or _INVISIBLE.match(char) or unicodedata.combining(char)):
            plain = unicodedata.normalize("NFKC", char)
        self[code] = plain
        return plain


_FOLDED, _PLAIN = _Folded(), _Plain()


@cache
def _look_alikes() -> dict[int, str]:
    lines = Path(__file__).with_name("look_alikes.txt").read_text("utf-8").splitlines()[1:]
    return {ord(char): line[0] for line in lines for char in line[2:]}


def _folded(char: str) -> str:
    if _INVISIBLE.match(char):
        return ""
    for _ in range(2):
        # Folding may make what can be taken apart, and taking apart what can be folded.
        char = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(map(_letter, char)).translate(_look_alikes())


def _letter(char: str) -> str:
    """Return a letter, digit or vowel sign by itself; nothing for what may be left out."""
    if named := _NAMED.search(unicodedata.name(char, "")):
        return named[1].lower()
    is_kind = unicodedata.category(char)[0] in "LNM" and not unicodedata.combining(char)
    # A dotless i has no small letter of its own once it was a capital.
    return char.replace("\u0131", "i") if is_kind else ""


def _byte(char: str) -> str:
    code = ord(char)
    return char if code < 128 else chr(128 | (code * 0x9E3779B1 >> 20 & 127))


def _parts(word: str) -> Iterator[str]:
    at = 0
    for match in _UNSPACED.finditer(word):
        if match.start() > at:
            yield word[at : match.start()]
        run = match[0]
        yield from (run[i : i + 2] for i in range(max(1, len(run) - 1)))
        at = match.end()
    if at < len(word):
        yield word[at:]
