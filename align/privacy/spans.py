"""A span of a text that tells something private, and texts with spans covered."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Kind = Literal["e-mail", "phone", "card", "iban", "ip", "secret", "name"]

# What no export's text holds, once it is cleaned: no detector finds anything in it.
COVER = "\x00"


class Span(NamedTuple):
    """Where something private stands in a text, and what it is."""

    start: int
    stop: int
    kind: Kind


def apart(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield non-empty spans in order, of two that overlap the first and, of these, the longer."""
    at = 0
    for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
        if at <= start < stop:
            at = stop
            yield start, stop


def covered(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text, as long as it was, with nothing to be seen in the spans."""
    pieces, at = [], 0
    for start, stop in spans:
        pieces += [text[at:start], COVER * (stop - start)]
        at = stop
    return "".join([*pieces, text[at:]]) if pieces else text
