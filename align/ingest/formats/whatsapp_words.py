"""What WhatsApp itself writes into a chat, in the languages of the phones that export it.

Its own lines are told by their form first: on iPhones they begin with a direction mark that nobody
types, on Android a file's name has its form. Where that tells nothing, `whatsapp_words.toml` does.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

# Direction marks and isolates. Joiners are letters' and emoji's own, and stay.
MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_MARK = re.compile(f"[{MARKS}]+")
_APP = "\u200e"
# A longer text with a mark before it is somebody's after all.
_LONGEST_NOTICE = 400
# <attached: 00000012-PHOTO-2024-05-12-10-02-33.jpg>, in any language.
_ATTACHED = re.compile(rf"(?:{_APP}<[^<>\n]{{2,40}}:|<[^<>:\n]{{2,30}}:\s?\d{{6,}}-)[^<>\n]+>")
_EXTENSION = r"\.[A-Za-z0-9]{1,8}"
_FILE = re.compile(
    rf"(?P<mark>{_APP}?)(?P<file>[^\n]{{1,200}}?{_EXTENSION})\s\((?P<word>[^()\n]{{3,40}})\)"
)
_PAGES = re.compile(rf"[^\n]+{_EXTENSION}\s•\s{_APP}[^\n]+")
_CAMERA = re.compile(r"(?:IMG|VID|AUD|PTT|STK|DOC|GIF)-\d{8}-WA\d+\.\w+|\d{8}-[A-Z]+-\d.*")
_ONLY_A_NAME = re.compile(rf"[^\n/]{{1,120}}{_EXTENSION}")
_PLACE = re.compile(
    r"[^:\n]{3,30}:\s(?:[^\n]{0,100}\()?https?://(?:(?:www\.)?maps\.google|(?:www\.)?google"
    r"|maps\.apple|(?:\w+\.)?foursquare)\.\w+/\S+",
    re.IGNORECASE,
)
_POLL_OPTION = re.compile(r"[^\W\d]{2,20}:\s.+\s\(\d+\s\D{2,20}\)")


@cache
def words(kind: str) -> re.Pattern[str]:
    """Return what matches any words of a kind, in every language; a {} in them is a group."""
    texts = [text for table in _tables()[1:] for text in table.get(kind, ())]
    # The longest first: it may begin with another one.
    texts.sort(key=lambda text: (-len(text), text))
    return re.compile("|".join(_pattern(text) for text in texts), re.IGNORECASE)


def is_one(text: str, kind: str) -> bool:
    """Tell whether a text is one of the words of a kind, and nothing else."""
    # Nearly every message is none: its first letters say so.
    return text[:2].lower() in _first_letters(kind) and words(kind).fullmatch(text) is not None


@cache
def _first_letters(kind: str) -> frozenset[str]:
    return frozenset(text[:2].lower() for table in _tables()[1:] for text in table.get(kind, ()))


@cache
def _tables() -> tuple[dict[str, list[str]], ...]:
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    return tuple(tomllib.loads(text).values())


def _pattern(text: str) -> str:
    # A space may be any, and is left out by some phones.
    return re.escape(text).replace(r"\{\}", "(.{1,120})").replace(r"\ ", r"\s?")


@cache
def _inside(kind: str) -> re.Pattern[str]:
    roots = _tables()[0][kind]
    return re.compile(
        rf"{_APP}?<[^<>\n]{{0,40}}(?:{'|'.join(roots)})[^<>\n]{{0,40}}>", re.IGNORECASE
    )


def unmarked(text: str) -> str:
    """Return a text without direction marks."""
    return text if text.isascii() else _MARK.sub("", text)


def is_apps_own(text: str) -> bool:
    """Tell whether a text begins with the mark that an iPhone sets before words of the app's."""
    return text.startswith(_APP)


def is_encryption_notice(text: str) -> bool:
    """Tell whether this is what stands at a chat's beginning: that it is encrypted."""
    return words("encrypted").search(text, 0, _LONGEST_NOTICE) is not None


def chat_in(name: str) -> str:
    """Return the chat in a file's name; nothing where WhatsApp did not give it that name."""
    match = words("chat").fullmatch(name)
    return next((group for group in match.groups() if group), "").strip() if match else ""


def attached_file(line: str) -> str | None:
    """Return the name of the file that a line stands for; None where it is text."""
    if "<" in line and (sent := _ATTACHED.search(line)) is not None:
        return sent[0].rpartition(":")[2].strip(" >")
    match = _FILE.fullmatch(line.strip()) if ")" in line else None
    if match is None:
        return None
    name = match["file"]
    is_sent = match["mark"] or _CAMERA.fullmatch(name) or is_one(match["word"], "attached")
    return unmarked(name) if is_sent else None


def judged(body: str) -> tuple[str, str | None, str | None]:
    """Return what a message's author typed, why it is no writing, and all of it where that is more.

    `body` stands behind the author's name, with its marks and all its lines.
    """
    own = _unedited(body) if body.endswith((">", "> ")) else body
    caption = _caption(own)
    if caption is not None:
        text, whole = unmarked(caption).strip(), unmarked(own).strip()
        is_bare = "\n" not in whole and attached_file(own) is None
        return text, None if text else "media-only", None if is_bare and not text else whole
    text = unmarked(own).strip()
    if len(text) <= _LONGEST_NOTICE:
        options = sum(_POLL_OPTION.fullmatch(line) is not None for line in text.split("\n")[2:])
        is_place = is_one(text, "live") or ("://" in text and _PLACE.fullmatch(text))
        if text == "null" or options > 1 or is_place:
            return "", "media-only", text
        if is_apps_own(body) or _is_notice(text):
            return text, "system", None
    return text, None, None


def _unedited(body: str) -> str:
    last = max(body.rfind("<"), 0)
    start = last - body.startswith(_APP, last - 1) if last else 0
    return body[:start].rstrip() if _inside("edited").fullmatch(body[start:].rstrip()) else body


def _is_notice(text: str) -> bool:
    if len(text) > 150 or "\n" in text:
        return False
    # `Missed voice call, Tap to call back`
    plain = text.rstrip(".")
    return is_one(plain, "deleted") or is_one(re.split("[.,]", text, maxsplit=1)[0], "missed")


def _caption(body: str) -> str | None:
    """Return what was written to a photo or a file; None where a message has none of them."""
    first, _, rest = body.partition("\n")
    if attached_file(first) is not None:
        own = _ATTACHED.sub("", body) if _ATTACHED.search(first) else rest
        # A document's name and pages: the mark before the pages is the app's.
        return "" if _PAGES.fullmatch(own.strip()) else own
    above, line_end, below = body.rpartition("\n")
    if line_end and _ATTACHED.fullmatch(below.strip()):
        return above
    line = unmarked(first).strip()
    if line.startswith("<") and (_is(line, "hidden") or _inside("hidden").fullmatch(line)):
        # Of a document that is left out, Android leaves the name.
        return "" if _ONLY_A_NAME.fullmatch(rest.strip()) else rest
    if _is(line, "omitted"):
        return rest
    before, mark, last = body.rpartition(_APP)
    if mark and _is(unmarked(last).strip(), "omitted"):
        # A document's name and pages stand before it, or a caption: that has no mark.
        return "" if is_apps_own(before) or " • " in before else before
    return None


def _is(line: str, kind: str) -> bool:
    return len(line) < 60 and is_one(line.rstrip("."), kind)
