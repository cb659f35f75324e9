"""Gates: each calibration of a judge, and whether its verdicts count. Only ever appended to."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from align.choices.verdicts import CERTAINTIES, UNSTATED
from align.store.connection import transaction
from align.store.ids import canonical_json, content_id
from align.store.verdicts import Instrument


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One attempt of a judge to earn its say."""

    judge: str  # `claude`, `local` or `simulated`
    model: str  # which one
    prompt_hash: str  # of the judge's prompt and the description of the owner
    is_open: bool  # whether its verdicts count
    weight: float  # how much one counts on average, 0 to 1; the owner's choice counts 1
    certainties: tuple[str, ...]  # those at which a verdict counts
    choices: str  # digest of the owner's choices that it was measured against
    report: Mapping[str, Any]  # counts and rates of the calibration, as JSON values; no text
    time: str  # UTC, as `align.store.events.utc_time` writes it
    # names the owner's choices that the judge is shown; empty where that was not written down
    briefing: str = ""
    answered: str = ""  # the model that answered, in its own words; empty where it did not say
    # the checkpoint that drew the pairs it was measured on; empty where it is of all pairs
    drawn_by: str = ""
    id: str = ""  # made from its content

    def __post_init__(self) -> None:
        """Give it the id of its content, where it has none yet."""
        content = {name: value for name, value in vars(self).items() if name != "id"}
        if not self.id:
            object.__setattr__(self, "id", content_id(canonical_json(content)))

    @property
    def instrument(self) -> Instrument:
        """Return what gave the verdicts that were measured."""
        return Instrument(self.judge, self.model, self.prompt_hash, self.briefing, self.answered)

    @property
    def of(self) -> tuple[Instrument, str]:
        """Return whose attempt it is, on whose pairs: a newer one replaces it."""
        return self.instrument, self.drawn_by

    def weight_at(self, certainty: str | None) -> float:
        """Return how much a verdict of a certainty counts: 0 where it does not."""
        weights = self.report.get("gate", {}).get("weights")
        if weights is None:
            # Measured when all that count had one weight, and those that name no certainty where
            # all did.
            named = (certainty,) if certainty else CERTAINTIES
            return self.weight if set(named) <= set(self.certainties) else 0.0
        return float(weights.get(certainty or UNSTATED, 0.0))


def add_gate(conn: sqlite3.Connection, gate: GateRow) -> bool:
    """Append an attempt; tell whether it was new."""
    with transaction(conn):
        values = vars(gate) | {
            "certainties": canonical_json(list(gate.certainties)),
            "report": canonical_json(dict(gate.report)),
        }
        marks = ", ".join(f":{name}" for name in values)
        cursor = conn.execute(f"INSERT INTO gates ({', '.join(values)}) VALUES ({marks})", values)
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
    """Return the newest attempt of each instrument on each checkpoint's pairs, oldest first."""
    newest = {gate.of: gate for gate in iter_gates(conn)}
    return sorted(newest.values(), key=lambda gate: (gate.time, gate.id))


def open_gates(conn: sqlite3.Connection) -> list[GateRow]:
    """Return those of the newest attempts that are open: an older one counts no more."""
    return [gate for gate in newest_gates(conn) if gate.is_open]


def gates_named(conn: sqlite3.Connection, ids: Collection[str]) -> dict[str, GateRow]:
    """Return those of the attempts that are here, by id."""
    return {gate.id: gate for gate in iter_gates(conn) if gate.id in ids}


def judges_tried(conn: sqlite3.Connection, drawn_by: str) -> set[tuple[str, ...]]:
    """Return which judges ever tried on a checkpoint's pairs: by model, prompt and what answered.

    The same one with other examples of the owner's choices is no other judge.
    """
    return {
        (gate.judge, gate.model, gate.prompt_hash, gate.answered)
        for gate in iter_gates(conn)
        if gate.drawn_by in ("", drawn_by)
    }
