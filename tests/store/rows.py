"""Rows that the store's tests share."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from align.choices.verdicts import Winner
from align.store.answers import Answer, add_answers
from align.store.connection import transaction
from align.store.events import Actor, Event, EventKind, NewEvent, append_events
from align.store.gates import GateRow
from align.store.pairs import Pair, Purpose, add_pairs
from align.store.prompts import Prompt, add_prompts
from align.store.records import Record
from align.store.verdicts import Order, Verdict


def record(text: str = "Hello there.", **changes: Any) -> Record:
    values: dict[str, Any] = {
        "kind": "turn",
        "source": "question-answers",
        "origin": "chats.jsonl#1",
        "thread": "chats.jsonl#1",
        "position": 0,
        "author": "owner",
        "is_owner": True,
        "level": "open",
        "split": "train",
    }
    return Record.new(text=text, **{**values, **changes})


def prompt(text: str = "How are you?", **changes: Any) -> Prompt:
    values: dict[str, Any] = {"source": "added", "thread": f"thread of {text}", "split": "train"}
    return Prompt.new([{"role": "user", "content": text}], **{**values, **changes})


def add_pair(
    conn: sqlite3.Connection,
    text: str = "How are you?",
    answers: tuple[str, str] = ("Fine.", "I am doing very well."),
    checkpoint: str | tuple[str, str] = "001-sft",
    purpose: Purpose = "train",
    **changes: Any,
) -> str:
    """Add a prompt with two answers, of one checkpoint or of two, and return the pair's id."""
    asked = prompt(text, **changes)
    names = (checkpoint, checkpoint) if isinstance(checkpoint, str) else checkpoint
    drawn = [
        Answer(
            prompt_id=asked.id,
            text=answer,
            checkpoint=name,
            checkpoint_hash=f"hash of {name}",
            settings={"temperature": 1.0},
            seed=0,
            n=n,
        )
        for n, (name, answer) in enumerate(zip(names, answers, strict=True))
    ]
    pair = Pair(prompt_id=asked.id, answer_a=drawn[0].id, answer_b=drawn[1].id, purpose=purpose)
    with transaction(conn):
        add_prompts(conn, [asked])
        add_answers(conn, drawn)
        add_pairs(conn, [pair])
    return pair.id


def verdict(
    pair_id: str, order: Order = "ab", winner: Winner | None = "a", **changes: Any
) -> Verdict:
    values: dict[str, Any] = {
        "judge": "claude",
        "model": "m",
        "prompt_hash": "h",
        "certainty": "high",
        "time": "2026-01-01T00:00:00.000000Z",
    }
    return Verdict(pair_id=pair_id, order=order, winner=winner, **{**values, **changes})


def both_ways_verdicts(pair_id: str, winner: Winner = "a", **changes: Any) -> list[Verdict]:
    """Return what a judge says that names the same winner whichever stands first."""
    return [verdict(pair_id, order, winner, **changes) for order in ("ab", "ba")]


def gate(*, is_open: bool = True, weight: float = 0.4, **changes: Any) -> GateRow:
    values: dict[str, Any] = {
        "judge": "claude",
        "model": "m",
        "prompt_hash": "h",
        "certainties": ("medium", "high") if is_open else (),
        "choices": "digest",
        "report": {"accuracy": 0.78, "interval": [0.71, 0.84]},
        "time": "2026-01-01T00:00:00.000000Z",
    }
    return GateRow(is_open=is_open, weight=weight if is_open else 0.0, **{**values, **changes})


def append_event(
    conn: sqlite3.Connection,
    *,
    kind: EventKind,
    actor: Actor,
    pair_id: str | None = None,
    payload: Mapping[str, Any] | None = None,
    time: str | None = None,
) -> Event:
    return append_events(conn, [NewEvent(kind, actor, pair_id, payload or {}, time)])[0]


def iter_verdicts(conn: sqlite3.Connection, *, judge: str | None = None) -> Iterator[Verdict]:
    names = ", ".join(f'"{field.name}"' for field in fields(Verdict))
    rows = conn.execute(
        f"SELECT {names} FROM verdicts WHERE coalesce(?1, judge) = judge "
        'ORDER BY pair_id, judge, model, "order", repeat, id',
        (judge,),
    )
    return (Verdict(**dict(row)) for row in rows.fetchall())
