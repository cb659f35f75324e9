"""JSON lines: question-answers, and chats in which the assistant is the owner."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from align.errors import UserError
from align.files import parse_jsonl
from align.ingest.pieces import Piece, Turn
from align.ingest.text import clean
from align.store.ids import content_id

_SHAPES = (
    'Each line is {"question": ..., "answer": ...} or '
    '{"messages": [{"role": "user", "content": ...}, {"role": "assistant", ...}]}'
)
_ROLES = {"assistant": True, "user": False}


def read_jsonl_text(
    text: str, where: str, origin: str, journal: bool, left_out: Counter[str]
) -> Iterator[Piece]:
    """Yield the pieces of a JSONL file; what is left out is counted by its reason.

    Args:
        text: The whole file.
        where: Its name in errors.
        origin: Its name in the store.
        journal: Whether it lies in a journal.
        left_out: Takes the counts.

    Raises:
        UserError: A line is no JSON, or is of neither shape; names the line.
    """
    seen: Counter[str] = Counter()
    # Not splitlines(): JSON may hold line separators inside its texts.
    for number, row in parse_jsonl(text.split("\n"), where):
        place = f"{where}:{number}"
        if "messages" in row:
            source, turns = "messages", _chat(row["messages"], place)
        elif "question" in row or "answer" in row:
            source, turns = "question-answers", _question_answer(row, place)
        else:
            raise UserError(place, "neither a question with an answer nor messages", _SHAPES)
        reason = _useless(turns)
        if reason:
            left_out[reason] += 1
            continue
        # By its first words, not by its line: lines added above it move nothing.
        key = content_id(turns[0].text)
        seen[key] += 1
        name = f"{origin}#{key}" + (f"-{seen[key]}" if seen[key] > 1 else "")
        thread = _optional_text(row, "thread", place) or name
        yield Piece("turn", "journal" if journal else source, name, thread, tuple(turns))


def _question_answer(row: Mapping[str, Any], place: str) -> list[Turn]:
    question, answer = _text(row, "question", place), _text(row, "answer", place)
    time = _optional_text(row, "time", place)
    if not question or not answer:
        return []
    return [
        Turn(question, is_owner=False, author="other", position=0, time=time),
        Turn(answer, is_owner=True, author="owner", position=1, time=time),
    ]


def _chat(messages: object, place: str) -> list[Turn]:
    if not isinstance(messages, list):
        raise UserError(place, "'messages' is not a list", _SHAPES)
    turns = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            raise UserError(place, f"message {position + 1} is not an object", _SHAPES)
        role = message.get("role")
        if role == "system":
            continue
        if role not in _ROLES:
            raise UserError(
                place,
                f"message {position + 1} has the role {role!r}",
                "The roles are user, and assistant for the owner",
            )
        text = _text(message, "content", place)
        if text:
            author = "owner" if _ROLES[role] else _optional_text(message, "name", place)
            time = _optional_text(message, "time", place)
            turns.append(Turn(text, _ROLES[role], author or "other", position, time))
    return turns


def _useless(turns: list[Turn]) -> str | None:
    if not turns:
        return "empty"
    return None if any(turn.is_owner for turn in turns) else "nothing of the owner's in it"


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
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(place, f"{key!r} is not a text", "Write it as a text")
    return clean(str(value)) or None
