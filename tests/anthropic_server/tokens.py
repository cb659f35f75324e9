"""Count tokens for the stand-in's bills, as a byte-pair tokenizer of today roughly would.

Text is cut into words with the space before them, numbers, marks and gaps, and each piece is
priced by what it is: a short word is one token, a long one gets a token for every four letters
more, capitals and letters beyond ASCII cost more, a number is cut into groups of three, and an
emoji is three. It knows nothing of the estimate that the client makes, so that comparing the two
says something; English prose comes to about 3.9 characters a token.
"""

import json
import re
from functools import lru_cache
from typing import Any

PIECES = re.compile(r"'[a-z]{1,2}\b| ?[^\W\d_]+|\d{1,3}| ?(?:[^\w\s]|_)+|\s+")
# What a conversation and each turn of it add, and what a reply's schema adds beside itself: the
# API writes it into the system prompt.
REQUEST_TOKENS = 3
TURN_TOKENS = 4
SCHEMA_TOKENS = 60
TOOL_TOKENS = 300


def _word_tokens(word: str) -> int:
    letters = len(word)
    if word.isascii():
        if letters > 3 and word.isupper():
            return -(-letters // 3)
        return 1 if letters <= 6 else 1 + (letters - 3) // 4
    highest = max(map(ord, word))
    if highest < 0x250:
        return -(-letters // 3)
    return -(-letters * 2 // 5) if highest < 0x2E80 else letters


def _mark_tokens(marks: str) -> int:
    if marks.isascii():
        return -(-len(marks) // 2)
    return sum(3 if ord(mark) > 0xFFFF else 1 for mark in marks)


def _piece_tokens(piece: str) -> int:
    bare = piece.strip(" ")
    if not bare or bare.isspace():
        return 1
    if bare[0].isdigit() or bare[0] == "'":
        return 1
    return _word_tokens(bare) if bare.isalpha() else _mark_tokens(bare)


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """Return the tokens of a text."""
    return sum(map(_piece_tokens, PIECES.findall(text)))


def first(text: str, limit: int) -> str:
    """Return the beginning of a text that holds so many tokens."""
    used = 0
    for piece in PIECES.finditer(text):
        used += _piece_tokens(piece.group())
        if used > limit:
            return text[: piece.start()]
    return text


def overhead(params: dict[str, Any]) -> int:
    """Return the tokens that a request adds before its first text."""
    tokens = REQUEST_TOKENS
    schema = ((params.get("output_config") or {}).get("format") or {}).get("schema")
    if schema is not None:
        tokens += SCHEMA_TOKENS + count(json.dumps(schema))
    return tokens
