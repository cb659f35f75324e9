"""Questions with answers as others write them: JSON lists, chats with an assistant, `Q:` and `A:`.

Who answers is the owner, as in the files that models are trained on; where a name stands in a
role's place, the name decides.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.ingest.contents import Message
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.dates import when
from align.ingest.formats.json_data import json_in, list_of, object_of
from align.ingest.formats.json_rows import (
    LINES,
    ConversationNames,
    ExchangeTurn,
    Faults,
    Shape,
    first_rows,
    json_rows,
    line_rows,
    pair,
    shape_of,
    useless,
)
from align.ingest.reader import Inputs, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import Tree, suffix_of

_EXCHANGES = re.compile(r'"exchanges"\s*:\s*\[\s*\[\s*"')
_TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})
_LISTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns")
_WHO, _WHAT = ("role", "from", "speaker", "author", "name"), ("content", "value", "text", "message")
_OWNER = frozenset({"assistant", "gpt", "model", "bot", "chatgpt", "completion", "answer"})
_OTHER = frozenset({"user", "human", "prompter", "question", "prompt"})
_SILENT = frozenset({"system", "tool", "function", "developer", "observation"})
_PAIRS = (
    (("question", "q"), ("answer", "a", "response")),
    (("instruction",), ("output", "response", "answer")),
    (("prompt", "input"), ("completion", "response", "answer", "output", "reply", "chosen")),
)


def _is_ours(tree: Tree, name: str) -> bool:
    suffix = suffix_of(name)
    if suffix == ".json":
        if _EXCHANGES.search(tree.head_text(name)):
            return True
        shape = shape_of(tree, name)
        return shape is not None and _is_shape(shape)
    if suffix in LINES:
        return any(_turns_of(row) is not None for row in first_rows(tree, name))
    return suffix in _TEXTS and _is_dialogue(tree.head_text(name))


def _is_shape(shape: Shape) -> bool:
    keys = {column.casefold() for column in shape.columns}
    if any(
        _first(keys, question_keys) and _first(keys, answer_keys)
        for question_keys, answer_keys in _PAIRS
    ):
        return True
    inner = [{key.casefold() for key in shape.inner.get(name, set())} for name in _LISTS]
    if shape.prefix == "":
        # One object with messages is many a service's export; roles are an assistant's.
        return any("role" in keys and _first(keys, _WHAT) for keys in inner)
    return any(_first(keys, _WHO) and _first(keys, _WHAT) for keys in inner)


def _read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    source = inputs.source_of(name, "question-answers") or ""
    names = ConversationNames(inputs.origin(name))
    for turns, thread in _conversations(inputs, name, log):
        if reason := useless(turns):
            log.passed(reason)
        else:
            yield from names.messages(turns, source, thread)


def _conversations(
    inputs: Inputs, name: str, log: ReadLog
) -> Iterator[tuple[list[ExchangeTurn], str | None]]:
    if suffix_of(name) in _TEXTS:
        values, body = front_matter.split(clean(inputs.tree.text_of(name)))
        time = front_matter.time_of(values, name)
        yield from ((pair(q, a, time), None) for q, a in _pairs_of(body, is_known=True))
        return
    if suffix_of(name) == ".json" and _EXCHANGES.search(inputs.tree.head_text(name)):
        yield _exchanges(object_of(json_in(inputs, name, log))), None
        return
    faults = Faults(inputs, name, log)
    is_any_read = False
    for place, row in _rows(inputs, name, faults, log):
        turns = _turns_of(row)
        if turns is None:
            faults.add(UserError(place, "no question with an answer", "Mend or remove it"))
        else:
            is_any_read = True
            thread = row.get("thread") if isinstance(row, dict) else None
            yield turns, clean(thread) or None if isinstance(thread, str) else None
    faults.report(is_any_read)


def _exchanges(interview: dict[str, Any]) -> list[ExchangeTurn]:
    """Return the turns of an interview of pairs; who asks and who answers stands beside them."""
    who = object_of(interview.get("participants"))
    time = when(interview.get("date"))
    sides = (_text(who.get("q")) or "other", False), (_text(who.get("a")), True)
    turns: list[ExchangeTurn] = []
    for exchange in list_of(interview.get("exchanges")):
        for text, (name, answers) in zip(map(_text, list_of(exchange)), sides, strict=False):
            is_owner = None if answers and name else answers
            if text:
                turns.append(ExchangeTurn(text, is_owner, name or "owner", len(turns), time))
    return turns


def _rows(inputs: Inputs, name: str, faults: Faults, log: ReadLog) -> Iterator[tuple[str, Any]]:
    if suffix_of(name) in LINES:
        for number, row in line_rows(inputs, name, faults):
            yield inputs.place(name, number), row
        return
    shape = shape_of(inputs.tree, name)
    prefix = shape.prefix if shape else "item"
    for number, row in enumerate(json_rows(inputs, name, prefix, log), 1):
        yield f"{inputs.place(name)}, item {number}", row


def _turns_of(row: object) -> list[ExchangeTurn] | None:
    """Return a row's turns, or None where it is no exchange."""
    if not isinstance(row, dict):
        return None
    plain = {key.casefold(): value for key, value in row.items()}
    for name in _LISTS:
        if isinstance(plain.get(name), list):
            return _turns(plain[name])
    for question_keys, answer_keys in _PAIRS:
        question, answer = _first(plain, question_keys), _first(plain, answer_keys)
        if question and answer:
            texts = _text(plain[question]), _text(plain[answer])
            if question == "instruction" and (given := _text(plain.get("input"))):
                texts = f"{texts[0]}\n\n{given}", texts[1]
            return pair(*texts, when(plain.get("time") or plain.get("date")))
    return None


def _turns(turns: list[Any]) -> list[ExchangeTurn] | None:
    exchange = []
    for position, turn in enumerate(turns):
        if not isinstance(turn, dict):
            return None
        plain = {key.casefold(): value for key, value in turn.items()}
        who, what = _first(plain, _WHO), _first(plain, _WHAT)
        if who is None or what is None:
            return None
        author, text = _text(plain[who]), _text(plain[what])
        role = author.casefold()
        if not text or role in _SILENT:
            continue
        time = when(plain.get("time") or plain.get("timestamp") or plain.get("date"))
        if role in _OWNER:
            exchange.append(ExchangeTurn(text, True, "owner", position, time))
        elif role in _OTHER:
            exchange.append(ExchangeTurn(text, False, "other", position, time))
        else:
            exchange.append(ExchangeTurn(text, None, author, position, time))
    return exchange


def _text(value: object) -> str:
    """Return a text, or the texts of a message's parts."""
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in value]
        value = "\n\n".join(part for part in parts if isinstance(part, str))
    return clean(value) if isinstance(value, str) else ""


def _first(keys: Mapping[str, Any] | set[str], wanted: Sequence[str]) -> str | None:
    return next((key for key in wanted if key in keys), None)


_MARKS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["marks"]
_BEFORE = r"^[ \t]*(?:#{1,6}[ \t]+|[-*][ \t]+|>[ \t]*)?(?:\*\*|__)?"
# `Q:`, `Q2:` and `Q2.`; an `A.` may open a list.
_AFTER = r"(?:[ \t]*\d{1,4}(?:\*\*|__)?[:.]|(?:\*\*|__)?[ \t]*:)(?:\*\*|__)?(?=\s|$)[ \t]*"
_DIALECTS = tuple(
    re.compile(f"{_BEFORE}(?:(?P<q>{question})|(?P<a>{answer})){_AFTER}", re.M | re.I)
    for question, answer in _MARKS
)
_LEAST_PAIRS = 2


def _is_dialogue(head: str) -> bool:
    return len(_pairs_of(front_matter.split(clean(head))[1])) >= _LEAST_PAIRS


def _pairs_of(text: str, *, is_known: bool = False) -> list[tuple[str, str]]:
    """Return the questions and answers of a text that consists of them, as is known or looks so."""
    for dialect in _DIALECTS:
        marks = list(dialect.finditer(text))
        kinds = "".join(mark.lastgroup or "" for mark in marks)
        # What is asked again before it is answered, or answered twice, is rare in an interview.
        few = kinds.count("qa") < _LEAST_PAIRS or kinds.count("qa") * 3 < len(kinds)
        if kinds.count("qa") and (is_known or (not few and marks[0].start() <= len(text) / 3)):
            return _joined(text, marks)
    return []


def _joined(text: str, marks: list[re.Match[str]]) -> list[tuple[str, str]]:
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    pairs: list[tuple[list[str], list[str]]] = []
    for mark, end in zip(marks, ends, strict=True):
        turn = clean(text[mark.end() : end]).removesuffix("---").rstrip()
        turn = re.sub(r"\n#{1,6}[ \t][^\n]*\Z", "", turn).rstrip()
        # A question may be bold as a whole, with its `Q:` or without.
        for bold in ("**", "__"):
            inner = turn.removeprefix(bold)
            if inner.count(bold) == 1 and inner.endswith(bold):
                turn = inner.removesuffix(bold).rstrip()
                break
        if mark.lastgroup == "q" and (not pairs or pairs[-1][1]):
            pairs.append(([], []))
        if pairs:
            pairs[-1][mark.lastgroup == "a"].append(turn)
    return [("\n\n".join(questions), "\n\n".join(answers)) for questions, answers in pairs]


_READ = file_by_file(_read_file)
READER = Reader("exchanges", "question-answers", claim_each(_is_ours), _READ, is_curated=True)
