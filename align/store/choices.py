"""Choices: what stands of all the events, as a view."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from align.choices.arena import ArenaChoice
from align.levels import trainable_sql
from align.store.events import Actor, iter_events
from align.store.pairs import PairView, pair_view

Outcome = Literal["a", "b", "both", "neither", "rewrite"]


@dataclass(frozen=True)
class Choice:
    """What counts of a pair: the newest that was not undone, an owner's before a simulated."""

    pair_id: str
    outcome: Outcome
    rewrite: str | None
    actor: Actor
    time: str
    device: str
    counter: int
    clear: bool = False  # whether the owner called it clear


_COLUMNS = """c.pair_id, c.outcome, c.rewrite, c.actor, c.device, c.counter,
coalesce(json_extract(e.payload, '$.at'), c.time) AS time,
json_extract(e.payload, '$.clear') IS NOT NULL AS clear
FROM current_choices c CROSS JOIN events e USING (device, counter)"""


def current_choices(
    conn: sqlite3.Connection, *, actors: Collection[Actor] | None = None
) -> list[Choice]:
    """Return the choice of each pair, ordered by time; `actors` keeps those of some."""
    rows = conn.execute(f"SELECT {_COLUMNS} ORDER BY c.time, c.device, c.counter")
    choices = [Choice(**dict(row)) for row in rows]
    return [choice for choice in choices if actors is None or choice.actor in actors]


def chosen_pairs(conn: sqlite3.Connection) -> dict[str, PairView]:
    """Return the pairs with a choice, by id: as far as they are here."""
    rows = conn.execute(
        "SELECT * FROM known_pairs WHERE id IN (SELECT pair_id FROM current_choices)"
    )
    return {row["id"]: pair_view(row) for row in rows}


def imported_choices(conn: sqlite3.Connection) -> dict[str, tuple[Outcome, str | None]]:
    """Return outcome and rewrite of the newest standing imported choice of each pair, by pair."""
    rows = conn.execute(
        "SELECT pair_id, CASE kind WHEN 'rewrite' THEN kind ELSE json_extract(payload, '$.outcome')"
        " END, json_extract(payload, '$.text') FROM standing_events "
        "WHERE actor = 'imported' AND kind IN ('choice', 'rewrite') ORDER BY time, device, counter"
    )
    return {pair: (outcome, text) for pair, outcome, text in rows}


def simulated_repeats(conn: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Return the first and the second outcome of each pair that a simulated owner chose twice."""
    notes = (
        (event.pair_id, event.payload["asked_again"])
        for event in iter_events(conn, standing=True)
        if event.kind == "note" and event.actor == "simulated" and "asked_again" in event.payload
    )
    return {pair: (note["first"], note["again"]) for pair, note in notes if pair and note}


def repeats(conn: sqlite3.Connection) -> list[tuple[str, bool]]:
    """Return each pair that the owner, real or simulated, was asked again: was it as before?"""
    rows = conn.execute(
        "SELECT e.pair_id, json_extract(e.payload, '$.outcome') = "
        "json_extract(f.payload, '$.outcome') AS agrees "
        "FROM standing_events e JOIN standing_events f "
        "ON f.device = json_extract(e.payload, '$.of[0]') "
        "AND f.counter = json_extract(e.payload, '$.of[1]') "
        "WHERE e.actor = 'owner' AND e.kind = 'repeat' AND agrees IS NOT NULL"
    )
    again = [(pair, bool(agrees)) for pair, agrees in rows]
    simulated = simulated_repeats(conn).items()
    return again + [(pair, first == second) for pair, (first, second) in simulated]


def decisive_pairs(
    conn: sqlite3.Connection, outcomes: Collection[Outcome] = ("a", "b", "rewrite")
) -> list[tuple[Choice, PairView]]:
    """Return the training pairs with such an outcome, ordered by pair.

    Sealed pairs are left out: nothing is trained on them.
    """
    rows = conn.execute(
        f"SELECT p.*, {_COLUMNS} JOIN known_pairs p ON p.id = c.pair_id "
        f"WHERE c.outcome IN ({','.join('?' * len(outcomes))}) AND p.purpose = 'train' "
        f"AND {trainable_sql('p.level')} "
        "ORDER BY p.id",
        tuple(outcomes),
    )
    names = Choice.__dataclass_fields__
    return [(Choice(**{name: row[name] for name in names}), pair_view(row)) for row in rows]


def arena_choices(conn: sqlite3.Connection) -> list[ArenaChoice]:
    """Return what the owner chose between checkpoints."""
    rows = conn.execute(
        "SELECT p.prompt_id, c.outcome, a.checkpoint, b.checkpoint, "
        "a.checkpoint_hash, b.checkpoint_hash FROM current_choices c "
        "CROSS JOIN pairs p ON p.id = c.pair_id AND p.purpose = 'arena' "
        "CROSS JOIN answers a ON a.id = p.answer_a "
        "CROSS JOIN answers b ON b.id = p.answer_b WHERE c.actor = 'owner'"
    )
    return [ArenaChoice(*row) for row in rows]
