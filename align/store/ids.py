"""Ids made from content: the same row has the same id on every machine."""

import hashlib
import json
from typing import Any, Literal

Split = Literal["train", "evaluation"]


def content_id(*parts: object) -> str:
    """Return 16 hex digits of the SHA-256 over the parts, which are JSON values."""
    # JSON keeps the parts apart: ("ab", "c") and ("a", "bc") differ.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def split_of(thread: str, held_out: float) -> Split:
    """Return the side that a thread's hash puts it on; `held_out` is the evaluation's share."""
    place = int(hashlib.sha256(storable(thread).encode()).hexdigest()[:8], 16) / 2**32
    return "evaluation" if place < held_out else "train"


def canonical_json(value: Any) -> str:
    """Return JSON in which equal values are equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def storable(text: str) -> str:
    """Return the text with lone surrogates, which no UTF-8 file can hold, replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
