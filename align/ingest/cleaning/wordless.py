"""Messages without words of a person: placeholders for media, lines of the service, bare links.

Readers know most of them by the export's own marks. These are what older exports, copies of copies
and plain text leave: only lines that are nothing else. Their words stand in `wordless.toml`.
"""

import re
import tomllib
from pathlib import Path

_LONGEST = 160
# Direction marks, blanks of no width, and a variation selector after an emoji.
INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
    "\ufeff\ufe0f\xad \t\n"
)
_WORDS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_MEDIA_WORDS = frozenset(_WORDS["media"])
_GONE_WORDS = frozenset(_WORDS["gone"])
_PLACEHOLDER_WORDS = _MEDIA_WORDS.union(_GONE_WORDS, _WORDS["filling"])
_FILE = re.compile(
    r"[^\s/]+\.(?:jpe?g|png|gif|webp|heic|mp4|mov|avi|mkv|webm|3gp|opus|ogg|oga|m4a|mp3|wav|aac|"
    r"pdf|docx?|xlsx?|pptx?|vcf|zip|tgs)(?:\s*\([^()]{3,40}\))?",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]+")
_BRACKETS = {"<": ">", "[": "]", "(": ")"}
_SERVICE_LINES = frozenset(_WORDS["service_lines"])
_SERVICE_BEGINNINGS = tuple(_WORDS["service_beginnings"])
_FORWARDS = tuple(_WORDS["forwards"])
_SERVICE_STARTS = frozenset(line[:3] for line in (*_SERVICE_LINES, *_SERVICE_BEGINNINGS))
_FORWARD_STARTS = frozenset(line[:3] for line in _FORWARDS)
_STARTS = _SERVICE_STARTS | _FORWARD_STARTS
_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S|www\.\S|[\w.-]{1,80}\.[a-z]{2,24}/", re.I)
# What a bot in the channel is told: `!help`, `!help printing | bob`.
_COMMAND = re.compile(r"!\w[\w.+-]*(?:[^\S\n]+[^\s|]+)?(?:[^\S\n]*\|[^\S\n]*\S+)?\s*")
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def is_empty(text: str) -> bool:
    """Tell whether nothing can be seen of a text."""
    return not text or (text[0] in INVISIBLE and not text.strip(INVISIBLE))


def is_plainly_words(text: str) -> bool:
    """Tell at a glance that a text is no line of the service, no placeholder, forward or link.

    So are nearly all messages; of the others it tells nothing.
    """
    return (
        text[0].isalnum()
        and "/" not in text
        and "." not in text[:-3]
        and text[:3].casefold() not in _STARTS
        and not _ends_gone(text)
    )


def is_media_only(text: str) -> bool:
    """Tell whether a text is what an export writes for photos, voice messages and files."""
    # Nearly all messages are told by their first letter, their last word and their dots.
    may_be = not text[0].isalnum() or "." in text[:-3] or _ends_gone(text)
    if len(text) > _LONGEST or not may_be:
        return False
    return all(_stands_for_media(line.strip(INVISIBLE)) for line in text.split("\n") if line)


def is_system(text: str) -> bool:
    """Tell whether a text is a line of the service (a deleted message, a notice), or for a bot."""
    if text[0] == "!":
        return _COMMAND.fullmatch(text) is not None
    if text[:3].casefold() not in _SERVICE_STARTS and text[0].isalnum():
        return False
    line = text[: _LONGEST + 1].casefold().strip(INVISIBLE + "<>[]*_.!…")
    return line in _SERVICE_LINES or line.startswith(_SERVICE_BEGINNINGS)


def is_forwarded(text: str) -> bool:
    """Tell whether a text says itself that it is somebody else's message, passed on."""
    if text[:3].casefold() not in _FORWARD_STARTS and text[0].isalnum():
        return False
    return text[:100].casefold().lstrip(INVISIBLE + "-—_*[(<>=").startswith(_FORWARDS)


def _stands_for_media(line: str) -> bool:
    if not line:
        return False
    closing = _BRACKETS.get(line[0])
    if closing is None or line[-1] != closing:
        if "." in line and _FILE.fullmatch(line):
            return True
        if not _ends_gone(line):
            return False
    rest, files = _FILE.subn(" ", line)
    words = set(_WORD.findall(rest.casefold()))
    return (files > 0 or not words.isdisjoint(_MEDIA_WORDS)) and words <= _PLACEHOLDER_WORDS


def _ends_gone(text: str) -> bool:
    return text[text.rfind(" ") + 1 :].casefold().rstrip(".)") in _GONE_WORDS


def is_link_only(text: str) -> bool:
    """Tell whether a text is links and nothing said of them."""
    if "/" not in text and "www." not in text:
        return False
    links = 0
    for part in text.split():
        if _LINK.match(part.lstrip("<([\"'*•-")):
            links += 1
        elif _SAYS_SOMETHING.search(part):
            return False
    return links > 0
