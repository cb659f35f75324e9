"""What mail programs write around an answer, in the languages they speak: `mail_words.toml`."""

import re
import tomllib
from functools import cache
from pathlib import Path

_WORDS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_ANY = {kind: "|".join(words) for kind, words in _WORDS.items()}
# How programs call the folders of sent mail, and those that are passed over; Gmail's labels too.
SENT_FOLDERS = frozenset(_WORDS["sent"])
PASSED_FOLDERS = frozenset(_WORDS["passed"])

# "wrote", as it ends or divides "On Monday, Bob wrote:".
WROTE = re.compile(rf"(?<![^\W\d_])(?:{_ANY['wrote']})(?![^\W\d_])")
# What such a line begins with, where it does not begin with a date or a name.
OPENER = re.compile(rf"(?:{_ANY['opener']})\b|\d{{1,4}}[.\s/年-]", re.IGNORECASE)
ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"']{1,64}@[^\s<>()\[\]:;,\"']{1,200}")
# A time of day or a year: a line that names neither tells no moment.
MOMENT = re.compile(r"\d{1,2}[:.h]\d\d|(?<!\d)(?:19|20)\d\d(?!\d)|\d+年")
COLONS = ":："  # noqa: RUF001
# What stands around a name in such a line.
NO_NAME = re.compile(
    r"\b(?:a|ha|at|um|uhr|kl|am|pm|às|klo|o|godz|ч|г|le|el|on|via|via\s.*|the following)\b\.?"  # noqa: RUF001
    r"|[*_\"'“”«»„()\[\]]",
    re.IGNORECASE,
)

ORIGINAL = re.compile(
    rf"[\s*]*[-_=]{{2,}}\s*(?:{_ANY['original']})\s*[-_=]{{2,}}[\s*]*", re.IGNORECASE
)
FORWARDED = re.compile(
    rf"[\s*]*[-_=]{{2,}}\s*(?:{_ANY['forwarded']})\b[^\n]{{0,200}}"
    rf"|\s*(?:{_ANY['begin_forwarded']})\s*[{COLONS}]?\s*",
    re.IGNORECASE,
)
FORWARD_SUBJECT = re.compile(rf"\s*(?:{_ANY['forward_subject']})\s*[{COLONS}]", re.IGNORECASE)
REPLY_SUBJECT = re.compile(
    rf"\s*(?:(?:{_ANY['reply_subject']})(?:\s*\[\d+\]|\s*\(\d+\))?\s*[{COLONS}]\s*)+", re.IGNORECASE
)
# The block that Outlook writes: its "From" first, then at least two of the others.
FROM = re.compile(
    rf"[\s*>]*(?:{_ANY['from']})\s?\*?\s?[{COLONS}]\*?\s*(?P<who>.{{1,300}})", re.IGNORECASE
)
FIELD = re.compile(
    rf"[\s*>]*(?:{_ANY['field']})\s?\*?\s?[{COLONS}]\*?(?:\s.{{0,500}}|)", re.IGNORECASE
)


def is_disclaimer(paragraph: str) -> bool:
    """Tell whether a paragraph is the notice that a mail is confidential."""
    plain = " ".join(paragraph.casefold().split())
    kinds = ("confidential", "recipient", "mistake", "remove")
    return sum(any(word in plain for word in _WORDS[kind]) for kind in kinds) > len(kinds) - 2


@cache
def sent_from() -> re.Pattern[str]:
    """Return what a phone's or a program's own line at the end of a mail begins with."""
    from mailparser_reply.constants import MAIL_LANGUAGES

    known = [words["sent_from"] for words in MAIL_LANGUAGES.values() if words.get("sent_from")]
    # Its shorter ones begin lines of people's own too.
    known = [words for words in known if len(words) > 8]
    words = "|".join([*known, _ANY["sent_from"]])
    return re.compile(rf"\W{{0,3}}(?:{words}).{{0,80}}", re.IGNORECASE)


@cache
def wrote_lines() -> re.Pattern[str]:
    """Return what the lines before a quote look like to `mail-parser-reply`.

    Ask it of short texts only: its patterns take the square of a line's length.
    """
    from mailparser_reply.constants import MAIL_LANGUAGES

    known = [words["wrote_header"] for words in MAIL_LANGUAGES.values() if "wrote_header" in words]
    return re.compile("|".join(known), re.IGNORECASE)
