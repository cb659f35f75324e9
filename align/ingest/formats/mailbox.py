"""Raw mails out of files: mbox, streamed; maildir, .eml and Apple's .emlx, one a file."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from align.ingest.formats.mail_words import PASSED_FOLDERS, SENT_FOLDERS
from align.ingest.tree import Tree, suffix_of

# A mail with its attachments is hardly larger; what lies beyond is an attachment's.
LARGEST = 48 * 1024**2
# "From ann@example.org Mon Jan  1 00:00:00 2024": an mbox's line before each mail.
_POSTMARK = re.compile(rb"From (?:\S+ |- |\s*)?.{0,80}\d\d:\d\d(?::\d\d)?.{0,40}\s*\Z")
_ESCAPED = re.compile(rb">+From ")
_HEADER = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){3}")
_MAIL_HEADER = re.compile(
    rb"^(?:Message-ID|From|Date|Received|Return-Path|Delivered-To|MIME-Version|Subject):",
    re.IGNORECASE | re.MULTILINE,
)
_MAILDIR = frozenset({"cur", "new"})


def holds_mails(tree: Tree, name: str) -> bool:
    """Tell whether a file holds mail, by its name and, where that says little, its beginning."""
    end = suffix_of(name)
    if end in (".eml", ".emlx"):
        return True
    if is_maildir(name):
        return bool(_MAIL_HEADER.search(tree.head(name, 8192)))
    if end in (".mbox", ".mbx"):
        head = tree.head(name, 8192)
        return not head.strip() or _begins_mbox(head) or bool(_MAIL_HEADER.search(head))
    # Thunderbird's and mutt's mailboxes have no ending, or one of a year.
    return (not end or end[1:].isdigit()) and _begins_mbox(tree.head(name, 8192))


def is_maildir(name: str) -> bool:
    """Tell whether a file lies where a maildir keeps its mails."""
    path = PurePosixPath(name)
    return path.parent.name in _MAILDIR and path.suffix.lower() not in (".mbox", ".html", ".json")


def is_sent(name: str) -> bool:
    """Tell whether a file is called as programs call the mail that its owner sent."""
    return not SENT_FOLDERS.isdisjoint(_words(name))


def is_passed(name: str) -> bool:
    """Tell whether a file is called spam, trash or drafts, or a maildir says so of it."""
    flags = name.rpartition(":2,")[2] if is_maildir(name) and ":2," in name else ""
    return not PASSED_FOLDERS.isdisjoint(_words(name)) or "T" in flags or "D" in flags


def label_says(labels: str) -> str | None:
    """Return `sent`, `passed` or `chat` where a Gmail label says so, in its owner's language."""
    words = {label.strip().strip('"').casefold() for label in labels.split(",")}
    if not words.isdisjoint(PASSED_FOLDERS):
        return "passed"
    if not words.isdisjoint(("chat", "chats")):
        return "chat"
    return "sent" if not words.isdisjoint(SENT_FOLDERS) else None


def mails_in(tree: Tree, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield each mail and its first line's number, one at a time; UserError from damage on."""
    end = suffix_of(name)
    if end == ".emlx":
        yield 1, _emlx(tree.bytes_of(name, 2 * LARGEST))
    elif end == ".eml" or (is_maildir(name) and not _begins_mbox(tree.head(name, 512))):
        yield 1, tree.bytes_of(name, 2 * LARGEST)
    else:
        with tree.reading(name) as file:
            yield from _mbox(iter(lambda: file.readline(LARGEST), b""))


def _mbox(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    parts: list[bytes] = []
    size, started, blank = 0, 0, True
    for number, line in enumerate(lines, 1):
        if blank and line.startswith(b"From ") and _POSTMARK.match(line[:200]):
            if size:
                yield started, b"".join(parts)
            parts, size, started = [], 0, number + 1
            blank = False
            continue
        blank = line in (b"\n", b"\r\n")
        if size < LARGEST:
            if line.startswith(b">") and _ESCAPED.match(line):
                line = line[1:]
            parts.append(line)
            size += len(line)
    if b"".join(parts).strip():
        yield started or 1, b"".join(parts)


def _begins_mbox(head: bytes) -> bool:
    first, _, rest = head.lstrip(b"\xef\xbb\xbf\r\n").partition(b"\n")
    return bool(
        first.startswith(b"From ") and _POSTMARK.match(first[:200]) and _HEADER.search(rest)
    )


def _emlx(data: bytes) -> bytes:
    # A line with the mail's size, the mail, and a property list of Apple's.
    first, _, rest = data.partition(b"\n")
    count = first.strip()
    return rest[: int(count)] if count.isdigit() and len(count) < 12 else data


def _words(name: str) -> set[str]:
    path = PurePosixPath(name.casefold())
    return {part.strip() for part in (*path.parts[:-1], path.stem)} | {
        PurePosixPath(part).stem for part in path.parts
    }
