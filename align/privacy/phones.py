"""Find phone numbers: written for the world, as a country writes them, or called so."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

_RUN = re.compile(
    r"(?<![\w#$€£¥+])(?<!\d[ .,:/-])(?:\+\s?)?\(?\d(?:[ \t\u00a0.\-\u2010-\u2013/()]{0,3}\d){6,}"
    r"(?!\w|[.,:]\d|\s?[%€£¥$])"
)
_PIECE = re.compile(r"(?:\+\s?)?\(?\d+\)?")
_DATE = re.compile(
    r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2}|(?:19|20)\d\d[ /-]+"
    r"(?:19|20)\d\d)\b"
)
_AMOUNT = re.compile(r"[1-9]\d{0,2}(?:([. ])\d{3})(?:\1\d{3})+")
_NORTH_AMERICAN = re.compile(
    r"(?:1[ .-])?(?:\([2-9]\d\d\)[ .-]?[2-9]\d\d[ .-]|[2-9]\d\d([.-])[2-9]\d\d\1)\d{4}"
    r"|(?:1 )?[2-9]\d\d [2-9]\d\d \d{4}"
)
_CALLED = re.compile(
    r"(?:wa\.me/|[?&]phone=|tel:)\Z"
    r"|(?<![^\W_])(?:tel|telephone|phone|cell|cellphone|mobile|mob|fax|whatsapp|signal|sms|call|dial"
    r"|text|ring|handy|telefon|mobil|rufnummer|téléphone|portable|teléfono|telefono|móvil|cellulare"
    r"|telefone|celular|telefoon|номер|тел|телефон|電話)(?![^\W_])[^\d\n]{0,24}\Z",
    re.IGNORECASE,
)
# How a chat mentions somebody who is no contact: `@4917012345678`.
_MENTIONED = re.compile(r"(?<![\w.])@[\u2066-\u2069\u200e\u200f]*\Z")
_WORLDWIDE = re.compile(r"(?<![\w+])(?:\+[ \u00a0]?|00)[1-9][\d \u00a0().-]{6,20}\d")
# Whose national numbers begin with a 0, which others put before the same digits.
_WITH_TRUNK = ("DE", "GB", "FR", "AT", "CH", "NL", "BE", "SE", "IT", "IE", "AU", "NZ", "IN", "TR",
               "FI", "ZA", "JP", "KR", "BR", "UA", "RO", "IL", "ID", "EG")  # fmt: skip
_MOST_PIECES = 8
# What our placeholders are: fives, then the last four digits of the numbers kept for fiction.
_FICTIONAL = re.compile(r"(?:5*\d)?55501\d\d|5{0,2}01\d\d")
_SHORTEST = 5


def find_phones(text: str, regions: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """Yield where phone numbers stand, in order; also those that `regions` write for themselves."""
    for run in _RUN.finditer(text):
        start, stop = run.span()
        if _MENTIONED.search(text, max(0, start - 4), start) and 10 <= len(run[0]) <= 15:
            if run[0].isdigit() and not _is_fictional(run[0]) and _is_possible(f"+{run[0]}"):
                yield start, stop
            continue
        called = bool(_CALLED.search(text, max(0, start - 44), start))
        yield from _in_run(text, start, stop, called, regions)


def regions_in(texts: Iterable[str]) -> frozenset[str]:
    """Return the regions of the numbers in texts that are written for the world."""
    numbers = {match[0] for text in texts for match in _WORLDWIDE.finditer(text)}
    return frozenset(region for number in numbers if (region := _region(number)))


def national_part(number: str) -> tuple[str, str]:
    """Return the digits of a number that say country or trunk, and the others."""
    digits = "".join(c for c in number if c.isdigit())
    if "+" in number or digits.startswith("00"):
        zeros = 2 if digits.startswith("00") else 0
        code = _country_code(f"+{digits[zeros:]}")
        kept = zeros + code
        # (0) after the country: written, never dialled.
        kept += 1 if digits[kept : kept + 1] == "0" and "(0)" in number else 0
    elif digits.startswith("0") or (digits.startswith("1") and len(digits) == 11):
        kept = 1
    else:
        kept = 0
    return digits[:kept], digits[kept:]


def _in_run(
    text: str, start: int, stop: int, called: bool, regions: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Yield the numbers in a run of digits, which may have others beside them."""
    pieces = [match.span() for match in _PIECE.finditer(text, start, stop)]
    at = 0
    while at < len(pieces):
        last = min(len(pieces), at + _MOST_PIECES)
        ends = [(end, text[pieces[at][0] : pieces[end - 1][1]]) for end in range(last, at, -1)]
        fictional = [end for end, number in ends if _is_fictional(number)]
        if fictional:
            at = fictional[0]
            continue
        for end, number in ends:
            first, after = pieces[at][0], pieces[end - 1][1]
            if (
                _is_phone(number, called) or any(_is_local(number, region) for region in regions)
            ) and not _goes_on(text, first, after):
                yield first, after
                at = end
                break
        else:
            at += 1


def _goes_on(text: str, start: int, stop: int) -> bool:
    """Tell whether a number is part of something longer that no blank ends."""
    before, after = text[start - 1 : start], text[stop : stop + 1]
    return (before in ("-", ".", "/") and text[start - 2 : start - 1].isdigit()) or (
        after in ("-", ".", "/") and text[stop + 1 : stop + 2].isdigit()
    )


def _is_phone(number: str, called: bool) -> bool:
    digits = "".join(c for c in number if c.isdigit())
    if not 7 <= len(digits) <= 16 or digits.startswith("000") or _looks_otherwise(number, called):
        return False
    if len(national_part(number)[1]) < _SHORTEST:
        return False
    if number.startswith("+") or re.match(r"00[1-9]", digits):
        return _is_possible(f"+{digits.removeprefix('00')}")
    if re.match(r"\(?0[1-9]", number):
        return 9 <= len(digits) <= 12 and any(_is_valid(digits, region) for region in _WITH_TRUNK)
    if _NORTH_AMERICAN.fullmatch(number):
        return "-" in number or "(" in number or _is_valid(digits, "US")
    return called and (len(digits) < 12 or _is_possible(f"+{digits}"))


def _is_local(number: str, region: str) -> bool:
    """Tell whether a number is one as a region writes it for itself, with what goes before it."""
    import phonenumbers

    if "+" in number or _DATE.match(number) or re.match(r"[1-9]\d{0,2}(?:\.\d{3})+$", number):
        return False
    digits = "".join(c for c in number if c.isdigit())
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    return (trunk in (None, "1") or digits.startswith(trunk)) and _is_valid(digits, region)


def _is_fictional(number: str) -> bool:
    # Cheap first: nearly no number is.
    if "01" not in re.sub(r"\D", "", number[-12:]):
        return False
    kept, own = national_part(number)
    return len(kept) + len(own) >= 7 and bool(_FICTIONAL.fullmatch(own))


def _looks_otherwise(number: str, called: bool) -> bool:
    if _DATE.match(number) or re.match(r"0[.\-]|97[89][ -]?\d", number):
        return True
    # 1.000.000 and 1 000 000 are amounts.
    return not called and bool(_AMOUNT.fullmatch(number))


@lru_cache(maxsize=4096)
def _country_code(number: str) -> int:
    parsed = _parsed(number, None)
    return len(str(parsed.country_code)) if parsed is not None else 0


@lru_cache(maxsize=4096)
def _region(number: str) -> str | None:
    import phonenumbers

    parsed = _parsed(re.sub(r"^00", "+", number), None)
    # Where several share a code, the main one.
    return phonenumbers.region_code_for_country_code(parsed.country_code) if parsed else None


@lru_cache(maxsize=4096)
def _is_possible(number: str) -> bool:
    import phonenumbers

    parsed = _parsed(number, None)
    return parsed is not None and phonenumbers.is_possible_number(parsed)


@lru_cache(maxsize=4096)
def _is_valid(digits: str, region: str) -> bool:
    import phonenumbers

    parsed = _parsed(digits, region)
    return parsed is not None and phonenumbers.is_valid_number_for_region(parsed, region)


def _parsed(number: str, region: str | None):  # type: ignore[no-untyped-def]
    import phonenumbers

    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
