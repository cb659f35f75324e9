"""Bytes into clean text."""

import codecs
import re
import unicodedata

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
        text = _try(data, "cp1252")
    if text is not None and len(_CONTROLS.findall(text)) > len(text) // 20:
        return None
    return text


def clean(text: str) -> str:
    """Return text with plain newlines, composed letters, and no controls or outer blanks."""
    text = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


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
