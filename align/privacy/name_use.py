"""Tell a name from the everyday word that it is too (Grace, May, Will), by the words beside it."""

import re
import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_ANY = {key: "|".join(words) for key, words in _WORDS.items() if key != "months"}
_MONTHS = frozenset(_WORDS["months"].split())
_A_DATE_BEFORE = re.compile(
    rf"(?:(?<![^\W_])(?:{_ANY['a_date_before']})|\d(?:st|nd|rd|th|\.)?)[ -]\Z", re.IGNORECASE
)
_A_DATE_AFTER = re.compile(r"[ .,]{1,2}\d")
_A_THING_BEFORE = re.compile(rf"(?<![^\W_])(?:{_ANY['a_thing_before']})[^\S\n]+\Z", re.IGNORECASE)
_A_THING_AFTER = re.compile(rf"[ -](?:{_ANY['a_thing_after']})(?![^\W_])")
_WITHIN = re.compile(r"(?:[^\W_A-Z]|[,;])[^\S\n]\Z")
# Somebody's, addressed, alone, or one who does what people do.
_SOMEBODY_AFTER = re.compile(
    r"['\u2019]s(?![^\W_])|[^\S\n]*[,!?](?!\d)|[^\S\n]*[.\u2026]*[^\S\n]*(?:\Z|\n)"
    rf"|[^\S\n]+(?:{_ANY['somebody_after']})(?![^\W_])"
)


def calls_somebody(text: str, start: int, stop: int) -> bool:
    """Tell whether what stands between two places of a text, with a capital, is a name there."""
    before = text[max(0, start - 16) : start]
    is_month = text[start:stop].casefold() in _MONTHS
    if is_month and (_A_DATE_BEFORE.search(before) or _A_DATE_AFTER.match(text, stop)):
        return False
    if _A_THING_BEFORE.search(before) or _A_THING_AFTER.match(text, stop):
        return False
    return bool(_WITHIN.search(before) or _SOMEBODY_AFTER.match(text, stop))
