"""Bytes into clean text."""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import IO

from align.store.ids import storable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose mark is the beginning of UTF-32's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# C0 but tab and newline, DEL and C1: no part of anyone's writing.
_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|^\s|\s(?=\n)|\s\Z")
_TWICE = re.compile("[\xc2-\xf4][\x80-\xbf]")
# What texts of the last century are written in, the likeliest first.
_EIGHT_BITS = [
    "cp1252", "cp1251", "koi8_r", "cp932", "gb18030", "big5", "euc_kr", "euc_jp", "cp1250",
   "cp1253", "cp1254", "cp1255", "cp1256", "cp866", "mac_roman",
]  # fmt: skip
_JUDGED = 256 * 1024
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def decoded(data: bytes) -> str | None:
    """Return the text in UTF-8, UTF-16, UTF-32 or Windows-1252 bytes, or None for binary."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _try(data, encoding)
    if b"\x00" in data:
        return _unmarked_utf16(data)
    text = _try(data, "utf-8")
    if text is None:
        text = _try(data, _eight_bits(data))
    if text is not None and len(_CONTROLS.findall(text)) > len(text) // 20:
        return None
    return text


def clean(text: str) -> str:
    """Return text with plain newlines, composed letters, and no controls or outer blanks."""
    if not _UNCLEAN.search(text) and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text
    text = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _eight_bits(data: bytes) -> str:
    """Return the encoding of bytes that are no UTF-8, judged by the letters that come of them."""
    from charset_normalizer import from_bytes

    matches = from_bytes(data[:_JUDGED], cp_isolation=_EIGHT_BITS, threshold=0.35)
    best = max(matches, key=lambda m: (m.coherence - m.chaos, m.encoding == "cp1252"), default=None)
    if best is None or "cp1252" in best.could_be_from_charset:
        return "cp1252"
    return best.encoding if _try(data, best.encoding) is not None else "cp1252"


def mended(text: str) -> str:
    """Return text whose UTF-8 was taken for Latin-1, as Meta's exports have it, as it was meant."""
    if text.isascii() or not _TWICE.search(text):
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _unmarked_utf16(data: bytes) -> str | None:
    # In UTF-16 nearly every other byte of a Latin text is zero, always on the same side.
    zeros = (data[0::2].count(0), data[1::2].count(0))
    if max(zeros) * 4 < len(data) or min(zeros) * 20 > len(data):
        return None
    text = _try(data, "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le")
    return None if text is None or _CONTROLS.search(text) else text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def decoded_lines(file: IO[bytes], head: bytes, longest: int) -> Iterator[str]:
    """Yield the lines of a text as they are read, without their ends; of long ones the beginning.

    The encoding is told by `head`, the file's first bytes.
    """
    text = io.TextIOWrapper(file, encoding=encoding_of(head), errors="replace", newline=None)
    while line := text.readline(longest):
        yield line.rstrip("\n")
        while len(line) == longest and not line.endswith("\n"):
            line = text.readline(longest)


def encoding_of(head: bytes) -> str:
    """Return the encoding that a text's first bytes speak for: that of a mark, UTF-8 or 1252."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\x00" in head and _unmarked_utf16(head[: len(head) // 2 * 2]) is not None:
        zeros = (head[0::2].count(0), head[1::2].count(0))
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    # The head may end inside a character.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    whole = sum(not character.isascii() for character in text) - broken
    # A damaged byte among well-made characters is damage; without those it is another encoding.
    return "utf-8" if not broken or whole > 4 * broken else "cp1252"
