"""Batches that a provider works on, written down before and after each step of sending one.

They are of this machine: where one is killed, the same machine picks them up again.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from align.store.connection import transaction
from align.store.events import utc_time
from align.store.ids import content_id

_LISTS = ("requests", "notes")


@dataclass(frozen=True)
class Batch:
    """A batch that was planned."""

    id: str  # of the plan
    batch: str | None  # the provider's id; None where it is not known, or the plan was never sent
    host: str  # whose
    model: str  # which model it asks
    purpose: str  # what for: `judge`, `questions`
    requests: tuple[str, ...]  # ids of its requests
    notes: tuple[str, ...]  # what the sender noted of each
    planned: str  # when, in UTC: the provider made the batch later than that
    # when all its replies were kept, or it was given up; None while it is under way
    ended: str | None


def plan_batch(
    conn: sqlite3.Connection,
    *,
    host: str,
    model: str,
    purpose: str,
    requests: Sequence[str],
    notes: Sequence[str] | None = None,
    planned: str | None = None,
) -> Batch:
    """Write down that a batch is about to be sent; without notes or a time, with none and now."""
    planned, ids = planned or _now(), list(requests)
    plan_id = content_id(host, model, purpose, ids, planned)
    notes = list(notes) if notes is not None else [""] * len(ids)
    with transaction(conn):
        conn.execute(
            "INSERT INTO batches VALUES (?,NULL,?,?,?,?,?,?,NULL) ON CONFLICT (id) DO NOTHING",
            (plan_id, host, model, purpose, json.dumps(ids), json.dumps(notes), planned),
        )
    return Batch(plan_id, None, host, model, purpose, tuple(ids), tuple(notes), planned, None)


def batch_sent(conn: sqlite3.Connection, id: str, batch: str) -> None:
    """Write down the provider's id of a planned batch."""
    with transaction(conn):
        conn.execute("UPDATE batches SET batch = ? WHERE id = ?", (batch, id))


def batch_ended(conn: sqlite3.Connection, id: str) -> None:
    """Write down that nothing is to come of a planned batch any more."""
    with transaction(conn):
        conn.execute("UPDATE batches SET ended = ? WHERE id = ? AND ended IS NULL", (_now(), id))


def open_batches(conn: sqlite3.Connection, purpose: str | None = None) -> list[Batch]:
    """Return the batches under way, those of one purpose or all, oldest first."""
    rows = conn.execute(
        "SELECT * FROM batches WHERE ended IS NULL AND (? IS NULL OR purpose = ?) "
        "ORDER BY planned, rowid",
        (purpose, purpose),
    )
    return [
        Batch(**{**dict(row), **{name: tuple(json.loads(row[name])) for name in _LISTS}})
        for row in rows.fetchall()
    ]


def known_batches(conn: sqlite3.Connection, host: str) -> set[str]:
    """Return the provider's ids of all batches of a host that are written down, ended or not."""
    rows = conn.execute("SELECT batch FROM batches WHERE host = ? AND batch IS NOT NULL", (host,))
    return {row[0] for row in rows}


def _now() -> str:
    return utc_time(datetime.now(UTC))
