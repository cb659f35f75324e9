"""Find card numbers and IBANs: by their shape, and by the digits that check the others."""

import re
from collections.abc import Iterator

from align.privacy.spans import apart

_BEFORE, _AFTER = r"(?<![^\W_])(?<!\+)(?<!\d[.,:/-])", r"(?![^\W_]|[.,:-]\d)"
_CARDS = tuple(
    re.compile(rf"{_BEFORE}(?:{shape}){_AFTER}".replace("~", "[ \u00a0.-]"))
    for shape in (
        r"[2-6]\d{3}(?P<to>~)\d{4}(?P=to)\d{4}(?P=to)\d{4}(?P=to)\d{3}",
        r"[2-6]\d{3}(?P<to>~)\d{4}(?P=to)\d{4}(?P=to)\d{4}",
        r"3\d{3}(?P<to>~)\d{6}(?P=to)\d{4,5}",
        # Longer ones without blanks are mostly names of messages and accounts.
        r"[2-6]\d{13,15}",
    )
)
# First digits and lengths, as ISO/IEC 7812 gives them to issuers.
_ISSUED = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12,15}|35\d{14}"
    r"|62\d{14,17}|(?:5[06789]|6\d)\d{14,17}"
)
_IBAN = re.compile(
    r"(?<![^\W_])[a-z]{2}(?!00)\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,4})?", re.IGNORECASE
)


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where numbers of payment cards stand, in order."""
    matches = (match for shape in _CARDS for match in shape.finditer(text))
    yield from apart(match.span() for match in matches if _is_card(match[0]))


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where IBANs stand."""
    at = 0
    while match := _IBAN.search(text, at):
        stop = _end_of_iban(match[0])
        at = match.start() + (stop or 2)
        if stop:
            yield match.start(), at


def _end_of_iban(run: str) -> int:
    """Return how much of the run is an IBAN: what follows one may look as if it went on."""
    from stdnum import iban

    for stop in range(len(run), 14, -1):
        whole_word = stop == len(run) or not run[stop].isalnum() or run[stop - 1] == " "
        if whole_word and run[stop - 1].isalnum() and iban.is_valid(run[:stop]):
            return stop
    return 0


def _is_card(number: str) -> bool:
    from stdnum import luhn

    digits = "".join(c for c in number if c.isdigit())
    return bool(_ISSUED.fullmatch(digits) and luhn.is_valid(digits))
