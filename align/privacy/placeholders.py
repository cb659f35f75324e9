"""What stands in a text for what was private: of the same shape, reserved, and found no more.

Which placeholder a value gets follows from a hash of it, so that it is the same in every text.
At most ten bits of the hash show: nobody can try out values against it.
"""

import hashlib
import re
from collections.abc import Sequence

from align.privacy.name_words import GIVEN
from align.privacy.names import StandIns
from align.privacy.phones import national_part
from align.privacy.secret_shapes import PLACEHOLDER, PREFIX
from align.privacy.spans import Kind

# The last one is nobody's name, should all others be listed.
_LOCALS = (*(name.lower() for name in GIVEN), "somebody")
_EMAIL = re.compile(
    rf"(?<![^\W_])(?<![^\W_][._%+'-])(?P<local>{'|'.join(_LOCALS)})\d{{0,2}}(?:@|%40)example\.com(?![\w-]|\.\w)"
)
_CARD_OR_IBAN = re.compile(
    r"(?<![^\W_])(?:0{4}(?:[ \u00a0.-]?0){7,12}(?:[ \u00a0.-]?\d){3}"
    r"|[A-Za-z]{2}00(?:[ -]?0){8,27}(?:[ -]?\d){3})(?![^\W_])"
)
# How many placeholders there are of each kind, and how many of them a hash draws from.
_KINDS: dict[Kind, tuple[int, int]] = {
    "e-mail": (100 * len(_LOCALS), len(_LOCALS)),
    "phone": (1000, 100),
    "card": (1000, 1000),
    "iban": (1000, 1000),
    "ip": (254, 254),
    "secret": (1000, 1000),
}


class Placeholders:
    """The placeholders of one text, or of one conversation: one each for every value.

    `texts` are all that belongs together: a placeholder that is in there is somebody else's.
    """

    def __init__(self, stand_ins: StandIns, texts: Sequence[str]) -> None:
        self._stand_ins, self._texts = stand_ins, texts
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._given: set[tuple[Kind, int]] = set()

    def of(self, kind: Kind, value: str) -> str:
        """Return what stands for a value."""
        if kind == "name":
            return self._stand_ins.of(value)
        key = (kind, _identity(kind, value))
        if key not in self._numbers:
            number = self._free_number(kind, key[1], value)
            self._numbers[key] = number
            self._given.add((kind, number))
        return self._placeholder(kind, value, self._numbers[key])

    def _free_number(self, kind: Kind, identity: str, value: str) -> int:
        most, drawn = _KINDS[kind]
        digest = hashlib.sha256(f"{kind} {identity}".encode("utf-8", "surrogatepass")).digest()
        first = int.from_bytes(digest[:6], "big") % drawn
        for step in range(most):
            number = (first + step) % most
            if (kind, number) in self._given or self._is_taken(kind, number):
                continue
            placeholder = self._placeholder(kind, value, number)
            if not any(placeholder in text for text in self._texts):
                return number
        # More of them than there are placeholders: some share one.
        return first

    def _is_taken(self, kind: Kind, number: int) -> bool:
        return kind == "e-mail" and self._stand_ins.is_somebodys(_LOCALS[number % len(_LOCALS)])

    def _placeholder(self, kind: Kind, value: str, number: int) -> str:
        if kind == "e-mail":
            more, place = divmod(number, len(_LOCALS))
            at = "@" if "@" in value else "%40"
            return f"{_LOCALS[place]}{more or ''}{at}example.com"
        if kind == "ip":
            return f"2001:db8::{number + 1:x}" if ":" in value else f"192.0.2.{number + 1}"
        if kind == "secret":
            prefix = PREFIX.match(value)
            return f"{prefix[0] if prefix else ''}EXAMPLE{number:03d}"
        if kind == "phone":
            return _in_shape_of(value, _fictional(value, number))
        if kind == "card":
            return _in_shape_of(value, f"{number:03d}".rjust(len(value), "0"))
        return value[:2] + _in_shape_of(value[2:], f"{number:03d}".rjust(len(value), "0"))


def placeholders_in(text: str, stand_ins: StandIns) -> list[tuple[int, int]]:
    """Return where our placeholders stand, of the kinds that a detector could take for others."""
    spans = []
    if "EXAMPLE" in text:
        spans += [match.span() for match in PLACEHOLDER.finditer(text)]
    if "example.com" in text:
        emails = _EMAIL.finditer(text)
        spans += [match.span() for match in emails if not stand_ins.is_somebodys(match["local"])]
    if "00" in text:
        spans += [match.span() for match in _CARD_OR_IBAN.finditer(text)]
    return sorted(spans)


def _identity(kind: Kind, value: str) -> str:
    """Return what two writings of one value have in common."""
    if kind == "phone":
        return national_part(value)[1]
    if kind in ("card", "iban"):
        return "".join(c for c in value if c.isalnum()).upper()
    if kind in ("e-mail", "ip"):
        return value.replace("%40", "@").casefold()
    return value


def _fictional(value: str, number: int) -> str:
    """Return the digits of a number for fiction: country and trunk as they are, then 5..501xx."""
    kept, own = national_part(value)
    more, last = divmod(number, 100)
    digits = ["5"] * (len(own) - 4) + list(f"01{last:02d}")
    if more and len(own) >= 8:
        digits[-8] = "012346789"[more - 1]
    return kept + "".join(digits)


def _in_shape_of(value: str, digits: str) -> str:
    """Return the value with its letters and digits replaced, from the right."""
    left = list(digits)
    turned = [left.pop() if c.isalnum() and left else c for c in reversed(value)]
    return "".join(reversed(turned))
