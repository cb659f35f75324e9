"""Gates: each calibration of a judge, and whether its verdicts count. Only ever appended to."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.choices.verdicts import Certainty
from align.store.connection import transaction
from align.store.ids import canonical_json, content_id


@dataclass(frozen=True)
class GateRow:
    """One attempt of a judge to earn its say."""

    id: str  # made from its content
    judge: str  # `claude`, `local` or `simulated`
    model: str  # which one
    prompt_hash: str  # of the judge's prompt and the description of the owner
    is_open: bool  # whether its verdicts count
    weight: float  # how much one counts, 0 to 1; the owner's choice counts 1
    certainties: tuple[Certainty, ...]  # those at which a verdict counts
    choices: str  # digest of the owner's choices that it was measured against
    report: Mapping[str, Any]  # counts and rates of the calibration, as JSON values; no text
    time: str  # UTC, as `align.store.events.utc_time` writes it

    @classmethod
    def new(
        cls,
        *,
        judge: str,
        model: str,
        prompt_hash: str,
        is_open: bool,
        weight: float,
        certainties: Sequence[Certainty],
        choices: str,
        report: Mapping[str, Any],
        time: str,
    ) -> "GateRow":
        """Make an attempt, with the id that its content gives it."""
        kept, weight = tuple(certainties), float(weight)
        id = content_id(
            judge, model, prompt_hash, is_open, weight, kept, choices, canonical_json(dict(report)),
            time,
        )  # fmt: skip
        return cls(id, judge, model, prompt_hash, is_open, weight, kept, choices, report, time)

    @property
    def of(self) -> tuple[str, str, str]:
        """Return whose attempt it is: judge, model and prompt."""
        return self.judge, self.model, self.prompt_hash


def add_gate(conn: sqlite3.Connection, gate: GateRow) -> bool:
    """Append an attempt; tell whether it was new."""
    with transaction(conn):
        cursor = conn.execute(
            "INSERT INTO gates VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                gate.id, gate.judge, gate.model, gate.prompt_hash, gate.is_open, gate.weight,
                canonical_json(list(gate.certainties)), gate.choices,
                canonical_json(dict(gate.report)), gate.time,
            ),
        )  # fmt: skip
    return cursor.rowcount > 0


def iter_gates(conn: sqlite3.Connection) -> Iterator[GateRow]:
    """Yield all attempts, oldest first."""
    for row in conn.execute("SELECT * FROM gates ORDER BY time, id").fetchall():
        values = dict(row)
        values["is_open"] = bool(values["is_open"])
        values["certainties"] = tuple(json.loads(values["certainties"]))
        values["report"] = json.loads(values["report"])
        yield GateRow(**values)


def newest_gates(conn: sqlite3.Connection) -> list[GateRow]:
    """Return the newest attempt of each judge, model and prompt, oldest first."""
    newest = {gate.of: gate for gate in iter_gates(conn)}
    return sorted(newest.values(), key=lambda gate: (gate.time, gate.id))


def open_gates(conn: sqlite3.Connection) -> list[GateRow]:
    """Return those of the newest attempts that are open: an older one counts no more."""
    return [gate for gate in newest_gates(conn) if gate.is_open]


def gate_of(conn: sqlite3.Connection, judge: str, model: str, prompt_hash: str) -> GateRow | None:
    """Return a judge's newest attempt, or None where it never tried."""
    of = (judge, model, prompt_hash)
    return next((gate for gate in newest_gates(conn) if gate.of == of), None)


def gates_named(conn: sqlite3.Connection, ids: Collection[str]) -> dict[str, GateRow]:
    """Return those of the attempts that are here, by id."""
    return {gate.id: gate for gate in iter_gates(conn) if gate.id in ids}


def attempts(conn: sqlite3.Connection) -> int:
    """Return how many judges, told apart by model and prompt, ever tried."""
    query = "SELECT count(*) FROM (SELECT DISTINCT judge, model, prompt_hash FROM gates)"
    return int(conn.execute(query).fetchone()[0])
