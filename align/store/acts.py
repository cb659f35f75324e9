"""Acts: what the owner answered, rewrote, skipped, repeated and marked, as far as it stands."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from align.choices.tally import Act
from align.store.pairs import Purpose

# `of` names the first answer of a pair that came back. One that was taken back since says
# nothing of agreement, so its repeat is no act. CROSS JOIN keeps the order: few events are
# read, and of the pairs those that they name.
_ACTS = """
SELECT e.kind, e.time,
       CASE e.kind WHEN 'choice' THEN json_extract(e.payload, '$.outcome')
                   WHEN 'repeat' THEN json_extract(e.payload, '$.outcome')
                   ELSE e.kind END AS outcome,
       json_extract(e.payload, '$.left') AS left_is,
       json_extract(e.payload, '$.ms') AS ms,
       length(a.text) - length(b.text) AS longer_by,
       json_extract(f.payload, '$.outcome') AS first
FROM standing_events e
CROSS JOIN pairs p ON p.id = e.pair_id AND p.purpose = ?
CROSS JOIN answers a ON a.id = p.answer_a
CROSS JOIN answers b ON b.id = p.answer_b
LEFT JOIN standing_events f ON e.kind = 'repeat'
    AND f.device = json_extract(e.payload, '$.of[0]')
    AND f.counter = json_extract(e.payload, '$.of[1]')
WHERE e.actor = 'owner' AND e.kind IN ('choice', 'rewrite', 'skip', 'repeat')
ORDER BY e.time, e.device, e.counter
"""


def owner_acts(conn: sqlite3.Connection, purpose: Purpose = "train") -> list[Act]:
    """Return the owner's standing acts on pairs of a purpose, oldest first."""
    acts = []
    for kind, time, outcome, left, ms, longer_by, first in conn.execute(_ACTS, (purpose,)):
        agrees = None
        if kind == "repeat":
            if first is None or outcome is None:
                continue
            agrees = outcome == first
        longer = None if longer_by == 0 else "a" if longer_by > 0 else "b"
        acts.append(Act(outcome, left, ms if isinstance(ms, int) else None, longer, agrees, time))
    return acts


def pair_marks(conn: sqlite3.Connection, pair_id: str) -> dict[str, Any]:
    """Return the owner's marks on a pair: `private`, `note` and `flags`, as far as there are any.

    `flags` are like `{"flag": "facts", "side": "a"}`; a side of None means the pair as a whole.
    """
    return _marks(conn, "AND pair_id = ?", [pair_id]).get(pair_id, {})


def all_marks(conn: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Return pair id -> marks, as `pair_marks` has them, of all pairs with any."""
    return _marks(conn, "", [])


def _marks(
    conn: sqlite3.Connection, where: str, values: Iterable[str]
) -> dict[str, dict[str, Any]]:
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    rows = conn.execute(
        "SELECT pair_id, kind, payload FROM standing_events WHERE actor = 'owner' "
        f"AND kind IN ('private', 'note', 'flag') AND pair_id IS NOT NULL {where} "
        "ORDER BY time, device, counter",
        tuple(values),
    )
    for pair, kind, payload in rows:
        marks, said = found[pair], json.loads(payload)
        if kind == "private":
            marks["private"] = True
        elif kind == "note":
            marks["note"] = said.get("text") or ""
        else:
            flag = {"flag": said.get("flag"), "side": said.get("side")}
            marks["flags"] = [*(f for f in marks.get("flags", ()) if f != flag), flag]
    return {
        pair: {key: value for key, value in marks.items() if value} for pair, marks in found.items()
    }
