"""Read choices that were made elsewhere: by another tool, in another project, or by a friend.

An imported choice never stands before the owner's own. Its prompt is on the training side, unless
the line or the store says that it is held out, and leaves this machine no more than messages do.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from align import __version__
from align.errors import UserError
from align.files import parse_jsonl
from align.levels import LEVELS, Level
from align.preferences.choice_filter import OUTCOMES
from align.store.acts import all_marks
from align.store.answers import Answer, add_answers
from align.store.choices import Outcome, imported_choices
from align.store.connection import transaction
from align.store.events import FLAGS, NewEvent, append_events
from align.store.ids import Split, content_id, storable
from align.store.pairs import Pair, Purpose, add_pairs, pair_of_texts
from align.store.prompts import Message, Prompt, add_prompts, make_as_private
from align.store.tables import Added

_CHECKPOINT = "imported"
_OTHER: dict[str, Any] = {"a": "b", "b": "a"}
_LINE = 'Write {"prompt", "a", "b", "outcome"} or {"prompt", "chosen", "rejected"}'
_MESSAGES = 'Write a text, or messages: [{"role": "user", "content": "..."}]'


@dataclass(frozen=True)
class ImportedChoice:
    """One line: two answers to a prompt, what was chosen, and the marks beside it."""

    prompt: Prompt
    texts: tuple[str, str]  # the answers `a` and `b`
    purpose: Purpose
    outcome: Outcome
    rewrite: str | None
    level: Level | None  # what the line says of its privacy, if anything
    marks: Mapping[str, Any]  # `private`, `note` and `flags`, as far as there are any
    time: str  # when it was chosen; empty where the line does not say
    clear: bool  # whether it was a clear case

    @property
    def pair(self) -> tuple[str, ...]:
        """What two lines share that choose between the same answers, either way round."""
        return (self.prompt.id, self.purpose, *sorted(self.texts))

    @property
    def chosen(self) -> str:
        """Return what was chosen, in words that don't hang on the order of the answers."""
        if self.outcome in ("a", "b"):
            return f"this one: {self.texts['ab'.index(self.outcome)]}"
        return f"{self.outcome}: {self.rewrite or ''}"


def read_choices(path: Path) -> list[ImportedChoice]:
    """Read a file of JSON lines, all of it or nothing.

    A line is `{"prompt", "a", "b", "outcome"}`, with `"rewrite"` where that is the outcome, or
    `{"prompt", "chosen", "rejected"}`. A prompt is a text or a list of messages.

    Raises:
        UserError: No such file, nothing in it, or lines that are no choices; names all of them.
    """
    if not path.is_file():
        raise UserError(path, "no such file", "Name a .jsonl file of choices")
    lines: list[ImportedChoice] = []
    wrong: list[UserError] = []
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        where = f"{path}:{number}"
        try:
            lines += [_line(where, row) for _, row in parse_jsonl([text], where)]
        except UserError as error:
            wrong.append(UserError(where, error.what, error.remedy))
    if len(wrong) > 1:
        every = "\n".join(map(str, wrong)).removesuffix(".")
        raise UserError(path, f"{len(wrong)} lines can't be read; nothing came in:\n{every}")
    if wrong:
        raise wrong[0]
    if not lines:
        raise UserError(path, "no choices in it", _LINE)
    return lines


def newest(lines: list[ImportedChoice]) -> dict[tuple[str, ...], ImportedChoice]:
    """Return the line of each pair that counts: the newest, of several without times the last."""
    return {line.pair: line for line in sorted(lines, key=lambda line: line.time)}


def add_choices(conn: sqlite3.Connection, lines: list[ImportedChoice]) -> Added:
    """Add the choices, all or none; one that was imported before, and stands, adds nothing.

    A choice between two answers that are here already is one of their pair, and of several lines
    the newest counts; a pair that any of them calls private is private.
    """
    events: list[NewEvent] = []
    with transaction(conn):
        standing, marks, counts = imported_choices(conn), all_marks(conn), newest(lines)
        new = 0
        for line in lines:
            pair_id, turned = _pair(conn, line)
            if line.level is not None:
                make_as_private(conn, line.prompt.id, line.level)
            known = marks.setdefault(pair_id, {})
            if line.marks.get("private") and not known.get("private"):
                events.append(NewEvent("private", "imported", pair_id))
                known["private"] = True
            if line is not counts[line.pair]:
                continue
            choice = _OTHER.get(line.outcome, line.outcome) if turned else line.outcome
            if standing.get(pair_id) != (choice, line.rewrite):
                events.append(_event(pair_id, choice, line.rewrite, line.clear))
                new += 1
            events += _marks(pair_id, line.marks, known, turned)
        append_events(conn, events)
    return Added(new, len(lines) - new)


def _marks(
    pair_id: str, marks: Mapping[str, Any], known: Mapping[str, Any], turned: bool
) -> Iterator[NewEvent]:
    """Yield a line's note and flags, as far as its pair lacks them."""
    if marks.get("note") and marks["note"] != known.get("note"):
        yield NewEvent("note", "imported", pair_id, {"text": marks["note"]})
    for flag in marks.get("flags", ()):
        flag = {**flag, "side": _OTHER.get(flag["side"]) if turned else flag["side"]}
        if flag not in known.get("flags", ()):
            yield NewEvent("flag", "imported", pair_id, flag)


def _pair(conn: sqlite3.Connection, line: ImportedChoice) -> tuple[str, bool]:
    """Return the pair of a line's answers, made where there is none, and whether it is turned."""
    if known := pair_of_texts(conn, line.prompt.id, line.texts, line.purpose):
        return known
    answers = [
        Answer(
            prompt_id=line.prompt.id,
            text=text,
            checkpoint=_CHECKPOINT,
            checkpoint_hash=_CHECKPOINT,
            settings={},
            seed=0,
        )
        for text in line.texts
    ]
    # Ordered by their ids: which of them was chosen must not show in a pair.
    first, second = sorted(answers, key=lambda answer: answer.id)
    pair = Pair(
        prompt_id=line.prompt.id, answer_a=first.id, answer_b=second.id, purpose=line.purpose
    )
    add_prompts(conn, [line.prompt])
    add_answers(conn, answers)
    add_pairs(conn, [pair])
    return pair.id, first is not answers[0]


def _event(pair_id: str, outcome: str, rewrite: str | None, clear: bool) -> NewEvent:
    payload: dict[str, Any] = {"version": __version__} | ({"clear": True} if clear else {})
    if outcome == "rewrite":
        return NewEvent("rewrite", "imported", pair_id, {**payload, "text": rewrite, "of": None})
    return NewEvent("choice", "imported", pair_id, {**payload, "outcome": outcome})


def _line(where: str, row: Mapping[str, Any]) -> ImportedChoice:
    level = None if row.get("level") is None else _word(where, row, "level", LEVELS, None)
    if "outcome" in row or "chosen" not in row:
        texts = (_answer(where, row, "a"), _answer(where, row, "b"))
        outcome = _word(where, row, "outcome", OUTCOMES, None)
    else:
        texts, outcome = (_answer(where, row, "chosen"), _answer(where, row, "rejected")), "a"
    if texts[0].strip() == texts[1].strip():
        raise UserError(where, "both answers are the same", "Remove that line")
    return ImportedChoice(
        _prompt(where, row, cast(Level, level or "train-only")),
        texts,
        cast(Purpose, _word(where, row, "purpose", ("train", "arena"), "train")),
        cast(Outcome, outcome),
        _answer(where, row, "rewrite") if outcome == "rewrite" else None,
        cast(Level | None, level),
        _marks_of(where, row),
        row["time"] if isinstance(row.get("time"), str) else "",
        outcome in ("a", "b") and row.get("clear") is True,
    )


def _marks_of(where: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the marks that a line has, of contradictory flags of one answer the last."""
    note, flags = row.get("note") or "", row.get("flags") or []
    by_side: dict[str | None, Any] = {}
    try:
        by_side = {
            f["side"]: {"flag": FLAGS[FLAGS.index(f["flag"])], "side": f["side"]} for f in flags
        }
    except (TypeError, KeyError, ValueError):
        by_side["wrong"] = None
    if not isinstance(note, str) or not by_side.keys() <= {"a", "b", None}:
        remedy = 'Flags are like {"flag": "facts", "side": "a"}, a note is a text'
        raise UserError(where, "its note or flags can't be read", remedy)
    return {"private": row.get("private") is True, "note": note, "flags": [*by_side.values()]}


def _prompt(where: str, row: Mapping[str, Any], level: Level) -> Prompt:
    prompt = row.get("prompt", row.get("messages"))
    if prompt is None and isinstance(row.get("chosen"), list):
        # TRL's implicit prompt: both answers come with the turns before them.
        prompt = row["chosen"][:-1]
        if not isinstance(row.get("rejected"), list) or row["rejected"][:-1] != prompt:
            raise UserError(where, "'chosen' and 'rejected' reply to different turns", _MESSAGES)
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    if not isinstance(prompt, list) or not all(map(_is_message, prompt)):
        raise UserError(where, "no prompt in this line", _MESSAGES)
    messages: list[Message] = prompt
    if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"].strip():
        raise UserError(where, "the prompt does not end with the user's turn", _MESSAGES)
    # A prompt of one turn has the thread that `align prompts add` gives it.
    single = len(messages) == 1
    key = messages[0]["content"] if single else [[m["role"], m["content"]] for m in messages]
    split = cast(Split, _word(where, row, "split", ("train", "evaluation"), "train"))
    return Prompt.new(
        messages, source="added", thread=f"prompt-{content_id(key)}", split=split, level=level
    )


def _is_message(message: object) -> bool:
    return (
        isinstance(message, dict)
        and message.get("role") in ("system", "user", "assistant")
        and isinstance(message.get("content"), str)
    )


def _answer(where: str, row: Mapping[str, Any], key: str) -> str:
    """Return an answer as the store keeps it: a text, or the last message, an assistant's."""
    value = row.get(key)
    if isinstance(value, list) and value and _is_message(value[-1]):
        value = value[-1]["content"] if value[-1]["role"] == "assistant" else None
    if not isinstance(value, str):
        raise UserError(where, f"no text under {key!r}", _LINE)
    if key in ("chosen", "rewrite") and not value.strip():
        raise UserError(where, f"{key!r} is empty", "Remove that line")
    return storable(value)


def _word(
    where: str, row: Mapping[str, Any], key: str, words: tuple[str, ...], default: str | None
) -> str:
    value = row.get(key, default)
    if value not in words:
        what = f"no {key!r}" if value is None else f"{key!r} is {value!r}"
        raise UserError(where, what, f"Say one of: {', '.join(words)}")
    return str(value)
