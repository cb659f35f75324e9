"""The words and the letters of a text, in any script, whatever its case, spacing and disguise."""

import re
import unicodedata
from collections.abc import Iterator
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
_ALNUM = bytes(code for code in range(128) if chr(code).isalnum())
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum())
_LOWER = bytes(range(256)).lower()
_IS_LETTER = bytes(code in _ALNUM for code in range(256))


def tokens(text: str) -> list[str]:
    """Return the words of a text, as `align.text.similarity.words` has them.

    Where a script puts no blanks between words, each two letters that follow one another are one:
    a sentence would be a single word, and nothing of it ever found. What cannot be seen in a text
    tells no two words apart.
    """
    if text.isascii():
        return words(text)
    plain = words(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    if not _UNSPACED.search(text):
        return plain
    return [part for word in plain for part in _parts(word)]


def letters(text: str) -> bytes:
    """Return the letters and digits of a text, a byte each.

    Compatible forms and both cases are one letter; accents, blanks, punctuation and what cannot
    be seen are dropped. Letters beyond ASCII share 128 bytes: two texts of twelve different ones
    are the same bytes about once in 10^25.
    """
    if not text.isascii():
        text = _NOT_ASCII.sub(lambda match: match[0].translate(_FOLDED), text)
    return text.encode("latin-1").translate(_LOWER, _DROPPED)


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


_FOLDED = _Folded()


def _folded(char: str) -> str:
    for _ in range(2):
        # Folding may make what can be taken apart, and taking apart what can be folded.
        char = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    # A dotless i has no small letter of its own once it was a capital.
    return "".join(filter(_is_letter, char.replace("\u0131", "i")))


def _is_letter(char: str) -> bool:
    """Tell whether it is a letter, a digit or a vowel sign; accents may be left out."""
    is_kind = unicodedata.category(char)[0] in "LNM" and not unicodedata.combining(char)
    return is_kind and not _INVISIBLE.match(char)


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
