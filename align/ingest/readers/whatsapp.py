"""WhatsApp: an exported chat, `_chat.txt` of iPhones or `WhatsApp Chat with Bob.txt` of Android."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath, PurePosixPath

from align.errors import UserError
from align.ingest.contents import Content, Message
from align.ingest.formats.whatsapp_lines import Header, Shape, Survey, header_of, split, time_of
from align.ingest.formats.whatsapp_words import (
    attached_file,
    chat_in,
    is_encryption_notice,
    judged,
    unmarked,
)
from align.ingest.reader import Inputs, Options, Reader, ReadLog, file_by_file
from align.ingest.tree import Tree, base_of, folder_of, suffix_of

_CHAT = re.compile(r"_chat(?: ?\(\d+\)| \d+)?", re.IGNORECASE)
_DATABASE = re.compile(r".+\.crypt\d{1,2}|msgstore[\w.-]*\.db|chatstorage\.sqlite", re.IGNORECASE)
_SENT = re.compile(r"\d{8}-[A-Z]+-.*|(?:IMG|VID|AUD|PTT|STK|DOC|GIF)-\d{8}-WA\d+\..*|\d{8}-.+\.\w+")
_COPY = re.compile(r"(?: ?\(\d+\)|\.txt|\.zip)+$", re.IGNORECASE)
# `WhatsApp Chat - Bob`, as iPhones call it; the words before the dash are in the phone's language.
_DASHED = re.compile(r".{0,30}WhatsApp.{0,30}?\s-\s(?P<name>.+)", re.IGNORECASE)
# Folders whose name says nothing of a chat.
_ANYWHERE = frozenset(
    ("downloads", "download", "desktop", "documents", "files", "exports", "export", "tmp", "chats")
)
# Nobody's message is longer; what follows it is another file's bytes.
_LONGEST = 100_000
_BEGINNING = 5
_ORDERS = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    chats = [name for name in names if name.lower().endswith(".txt") and _is_chat(tree, name)]
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_folder[folder_of(name)].append(name)
    left = set(names) - set(chats)
    claims = []
    for chat in chats:
        beside = {name for name in by_folder[folder_of(chat)] if name in left}
        sent = {name for name in beside if _SENT.fullmatch(base_of(name))}
        sent |= _files_sent_in(tree, chat, beside - sent)
        left -= sent
        claims.append(Inputs(tree, (chat, *sorted(sent))))
    databases = [name for name in names if name in left and _DATABASE.fullmatch(base_of(name))]
    return claims + [Inputs(tree, (name,)) for name in databases]


def _is_chat(tree: Tree, name: str) -> bool:
    stem = PurePosixPath(name).stem
    lines = [line for line in tree.head_text(name, 16 * 1024).splitlines() if line.strip()][:200]
    headers = [header for line in lines if (header := header_of(line)) is not None]
    if _CHAT.fullmatch(stem) or _title_in(stem):
        return bool(headers) or not lines
    if not headers or header_of(lines[0]) is None:
        return False
    authors = [author for header in headers if (author := split(header.body)[0])]
    is_notified = any(is_encryption_notice(header.body) for header in headers[:_BEGINNING])
    # A diary may have its lines begin so too, but nobody answers in it.
    is_talk = 2 <= len(set(authors)) < len(authors)
    return is_notified or is_talk or "whatsapp" in stem.lower()


def _files_sent_in(tree: Tree, chat: str, names: set[str]) -> set[str]:
    """Return those of some files that a chat says were sent in it, under names of their own."""
    by_base = {base_of(name): name for name in names}
    sent = set()
    # What is damaged is logged when the chat is read.
    with suppress(UserError):
        for line in tree.lines_of(chat) if by_base else ():
            if "(" in line or "<" in line:
                header = header_of(line)
                sent.add(attached_file(split(header.body)[1] if header else line))
    return {by_base[base] for base in sent if base in by_base}


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    name, *sent = inputs.names
    if suffix_of(name) == ".txt":
        yield from file_by_file(_chat)(Inputs(inputs.tree, (name,)), log, options)
    else:
        is_locked = "crypt" in suffix_of(name)
        what = "an encrypted backup" if is_locked else "a database, not an export"
        log.problem(inputs.place(name), what, "In WhatsApp: More > Export chat")
    if sent:
        log.passed("files sent in chats", len(sent))


def _chat(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    survey = Survey()
    place = inputs.place(name)
    try:
        for line in inputs.tree.lines_of(name):
            if (header := header_of(line)) is not None:
                survey.add(header)
    except UserError:
        if not survey.messages:
            raise
    if not survey.messages:
        log.problem(place, "no messages in it", "In WhatsApp: More > Export chat")
        return
    order, other = survey.order()
    if other is not None:
        what = f"its dates may be read as {_ORDERS[order]} or {_ORDERS[other]}"
        what += f"; taken as {_ORDERS[order]}"
        log.problem(place, what, "Export it again when later days stand in it")
    title = _title(inputs, name, survey)
    own_lines = survey.own_lines()
    undated = 0
    for number, (header, text) in enumerate(_messages(inputs, name, survey.shape)):
        message = _message(title, header, text, order, own_lines, number < _BEGINNING)
        undated += message.time is None
        yield message
    if undated:
        log.problem(place, f"{undated:,} messages with a date that is none")


def _messages(inputs: Inputs, name: str, shape: Shape) -> Iterator[tuple[Header, str]]:
    """Yield each message's beginning with all of its lines; then raise what stopped the reading."""
    header: Header | None = None
    lines: list[str] = []
    size = 0
    try:
        for line in inputs.tree.lines_of(name):
            begun = header_of(line)
            if begun is not None and begun.shape == shape:
                if header is not None:
                    yield header, "\n".join(lines)
                header, lines, size = begun, [begun.body], len(begun.body)
            elif header is not None and size < _LONGEST:
                lines.append(line[:_LONGEST])
                size += len(line) + 1
    except UserError:
        if header is not None:
            yield header, "\n".join(lines)
        raise
    if header is not None:
        yield header, "\n".join(lines)


def _message(
    chat: str, header: Header, body: str, order: str, own_lines: frozenset[str], is_early: bool
) -> Message:
    author, text = split(body)
    is_line = not author or author in own_lines
    if is_line or (is_early and is_encryption_notice(text)):
        text = unmarked(body if is_line else text).strip()
        return Message(chat, "", text, time_of(header, order), reason="system", title=chat)
    text, reason, raw = judged(text)
    if reason == "system":
        author = ""
    time = time_of(header, order)
    return Message(chat, author, text, time, reason=reason, raw=raw, title=chat)


def _title(inputs: Inputs, name: str, survey: Survey) -> str:
    """Return the chat's name: as its file, zip, folder or first line has it, or all who write."""
    place = PurePath(os.path.abspath(inputs.place(name)))
    folder = _COPY.sub("", place.parent.name).strip()
    title = _title_in(place.stem) or _title_in(folder) or survey.notice_to
    if title:
        return title
    if not _CHAT.fullmatch(place.stem):
        return _COPY.sub("", place.stem).strip() or place.stem
    if folder and folder.lower() not in _ANYWHERE:
        return folder
    return ", ".join(sorted(survey.authors)[:10]) or "chat"


def _title_in(name: str) -> str:
    """Return the chat in a file's name; nothing where WhatsApp did not give it that name."""
    plain = _COPY.sub("", unmarked(name)).strip()
    plain = plain if " " in plain else plain.replace("_", " ")
    dashed = _DASHED.fullmatch(plain)
    return dashed["name"].strip() if dashed else chat_in(plain)


READER = Reader("WhatsApp", "whatsapp", _claim, _read)
