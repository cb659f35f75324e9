"""JSON lines of our own: question-answers, and chats in which the assistant is the owner."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from align.errors import UserError
from align.ingest.contents import Message
from align.ingest.decoding import clean
from align.ingest.formats.dates import when
from align.ingest.formats.json_rows import (
    LINES,
    ConversationNames,
    ExchangeTurn,
    Faults,
    first_rows,
    line_rows,
    pair,
    shape_of,
    useless,
)
from align.ingest.reader import Inputs, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import Tree, suffix_of

_SHAPES = (
    'Each line is {"question": ..., "answer": ...} or '
    '{"messages": [{"role": "user", "content": ...}, {"role": "assistant", ...}]}'
)
_ROLES = {"assistant": True, "user": False}


def _is_ours(tree: Tree, name: str) -> bool:
    if suffix_of(name) not in LINES:
        return False
    if rows := first_rows(tree, name):
        return any("question" in row or "answer" in row or _has_roles(row) for row in rows)
    # The first line may be longer than what is looked at.
    shape = shape_of(tree, name)
    return shape is not None and {"role", "content"} <= shape.inner.get("messages", set())


def _has_roles(row: Mapping[str, Any]) -> bool:
    messages = row.get("messages")
    return isinstance(messages, list) and any(isinstance(m, dict) and "role" in m for m in messages)


def _read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    faults = Faults(inputs, name, log)
    names = ConversationNames(inputs.origin(name))
    is_any_read = False
    for number, row in line_rows(inputs, name, faults):
        try:
            source, turns, thread = _conversation(row, inputs.place(name, number))
        except UserError as error:
            faults.add(error)
            continue
        is_any_read = True
        if reason := useless(turns):
            log.passed(reason)
        else:
            yield from names.messages(turns, inputs.source_of(name, source) or source, thread)
    faults.report(is_any_read)


def _conversation(row: Mapping[str, Any], place: str) -> tuple[str, list[ExchangeTurn], str | None]:
    """Return a row's source, its turns and the thread that it names."""
    thread = _optional_text(row, "thread", place)
    if "messages" in row:
        return "messages", _chat(row["messages"], place), thread
    if "question" in row or "answer" in row:
        question, answer = _text(row, "question", place), _text(row, "answer", place)
        time = when(_optional_text(row, "time", place))
        return "question-answers", pair(question, answer, time), thread
    raise UserError(place, "neither a question with an answer nor messages", _SHAPES)


def _chat(messages: object, place: str) -> list[ExchangeTurn]:
    if not isinstance(messages, list):
        raise UserError(place, "'messages' is not a list", _SHAPES)
    turns = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            raise UserError(place, f"message {position + 1} is not an object", _SHAPES)
        role = message.get("role")
        if role == "system":
            continue
        if not isinstance(role, str) or role not in _ROLES:
            what = f"message {position + 1} has the role {str(role)[:60]!r}"
            raise UserError(place, what, "The roles are user, and assistant for the owner")
        if text := _text(message, "content", place):
            author = "owner" if _ROLES[role] else _optional_text(message, "name", place)
            time = when(_optional_text(message, "time", place))
            turns.append(ExchangeTurn(text, _ROLES[role], author or "other", position, time))
    return turns


def _text(row: Mapping[str, Any], key: str, place: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        what = "is missing" if key not in row else "is not a text"
        raise UserError(place, f"{key!r} {what}", _SHAPES)
    return clean(value)


def _optional_text(row: Mapping[str, Any], key: str, place: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    # Python writes no number of thousands of digits.
    with suppress(ValueError):
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return clean(str(value)) or None
    raise UserError(place, f"{key!r} is not a text", "Write it as a text")


_READ = file_by_file(_read_file)
READER = Reader("JSON lines", "question-answers", claim_each(_is_ours), _READ, is_curated=True)
