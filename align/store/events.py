"""Events: what was chosen, and when. Only ever appended to."""

import json
import math
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from align.store.connection import transaction
from align.store.ids import canonical_json, storable

EventKind = Literal[
    "choice", "skip", "repeat", "undo", "redo", "rewrite", "private", "note", "flag"
]
Actor = Literal["owner", "simulated", "imported"]
OUTCOMES = ("a", "b", "both", "neither")
FLAGS = ("facts", "voice")


@dataclass(frozen=True)
class NewEvent:
    """An event that is about to be appended."""

    # What happened. An undo names its event, a redo its undo, as `payload["target"] = [device,
    # counter]`.
    kind: EventKind
    actor: Actor
    pair_id: str | None = None  # the pair that it is about
    # What else belongs to it, as JSON values.
    payload: Mapping[str, Any] = field(default_factory=dict)
    # UTC, as `2026-01-31T12:00:00.000000Z`; None for now, and after all known events.
    time: str | None = None


@dataclass(frozen=True)
class Event:
    """What happened, once; (device, counter) is its id on every machine."""

    device: str
    counter: int
    kind: EventKind
    actor: Actor
    pair_id: str | None
    payload: Mapping[str, Any]
    time: str

    @property
    def id(self) -> tuple[str, int]:
        """The event's id."""
        return self.device, self.counter


def append_events(conn: sqlite3.Connection, events: Iterable[NewEvent]) -> list[Event]:
    """Append events in one commit: once this returns, all of them survive a power cut."""
    appended = []
    with transaction(conn):
        device, counter = newest_event(conn)
        newest = conn.execute("SELECT max(time) FROM events").fetchone()[0]
        for event in events:
            _check(event)
            counter += 1
            now = utc_time(datetime.now(UTC))
            time = event.time or _after(newest, now)
            newest = max(time, newest or "")
            # A clock that was set back changes no order: `time` goes on from what it was.
            at = {} if event.time or time[:19] <= now[:19] else {"at": now}
            payload = canonical_json(_plain({**event.payload, **at}))
            conn.execute(
                "INSERT INTO events (device, counter, kind, actor, pair_id, payload, time) "
                "VALUES (?,?,?,?,?,?,?)",
                (device, counter, event.kind, event.actor, event.pair_id, payload, time),
            )
            plain = json.loads(payload)
            appended.append(
                Event(device, counter, event.kind, event.actor, event.pair_id, plain, time)
            )
    return appended


def iter_events(conn: sqlite3.Connection, *, standing: bool = False) -> Iterator[Event]:
    """Yield events in the order of their times; `standing` leaves out those undone."""
    rows = conn.execute(
        "SELECT device, counter, kind, actor, pair_id, payload, time "
        f"FROM {'standing_events' if standing else 'events'} ORDER BY time, device, counter"
    )
    for row in rows.fetchall():
        yield Event(**{**dict(row), "payload": json.loads(row["payload"])})


def device_of(conn: sqlite3.Connection) -> str:
    """Return this store's own name, under which it numbers its events."""
    row = conn.execute("SELECT value FROM meta WHERE key = 'device'").fetchone()
    if row is None:
        with transaction(conn):
            conn.execute("INSERT OR IGNORE INTO meta VALUES ('device', ?)", (secrets.token_hex(8),))
            row = conn.execute("SELECT value FROM meta WHERE key = 'device'").fetchone()
    return str(row[0])


def newest_event(conn: sqlite3.Connection) -> tuple[str, int]:
    """Return the id of the newest event of this store's own."""
    device = device_of(conn)
    row = conn.execute("SELECT max(counter) FROM events WHERE device = ?", (device,))
    return device, row.fetchone()[0] or 0


def utc_time(moment: datetime) -> str:
    """Write a moment so that texts sort as the moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _after(newest: str | None, now: str) -> str:
    """Return now, or just after the newest event known."""
    if newest is None or newest < now:
        return now
    try:
        return utc_time(datetime.fromisoformat(newest) + timedelta(microseconds=1))
    except OverflowError:
        return newest  # the counter goes on
    except ValueError:
        return now


def _check(event: NewEvent) -> None:
    if event.kind not in get_args(EventKind) or event.actor not in get_args(Actor):
        raise ValueError(f"no such event: {event.kind} by {event.actor}")
    payload = event.payload
    if event.kind in ("choice", "repeat") and payload.get("outcome") not in OUTCOMES:
        raise ValueError(f"a {event.kind}'s outcome is one of {', '.join(OUTCOMES)}")
    if event.kind == "repeat" and not _is_id(payload.get("of")):
        raise ValueError("a repeat names the first answer as payload['of'], [device, counter]")
    if event.kind == "flag" and payload.get("flag") not in FLAGS:
        raise ValueError(f"a flag is one of {', '.join(FLAGS)}")
    if event.kind == "flag" and payload.get("side") not in ("a", "b", None):
        raise ValueError("a flag's side is a, b or nothing")
    if event.kind == "rewrite" and not isinstance(payload.get("text"), str):
        raise ValueError("a rewrite has its text in payload['text']")
    if event.kind in _OF_A_PAIR and event.pair_id is None:
        raise ValueError(f"a {event.kind} names its pair")
    if event.kind in ("undo", "redo") and not _is_id(payload.get("target")):
        raise ValueError(f"an {event.kind} names its event as [device, counter]")


_OF_A_PAIR = ("choice", "repeat", "rewrite", "private", "flag")


def _is_id(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _plain(value: Any) -> Any:
    """Return a JSON value whose texts a file can hold."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int) or math.isfinite(value):
        return value
    raise ValueError(f"{value} is no JSON value")
