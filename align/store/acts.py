"""Acts: the owner's decisions on pairs, and their marks beside them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from align.choices.selection import Candidate
from align.choices.tally import DecisionRow
from align.store.pairs import Purpose

# `of` names the first answer of a pair that came back; where that was undone since, the repeat
# shows no agreement and is left out. CROSS JOIN keeps the order: few events are read, and of the
# pairs only those that they name.
_ACTS = """
SELECT e.kind, coalesce(json_extract(e.payload, '$.at'), e.time),
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
  AND NOT (e.device = ? AND e.counter > ?)
ORDER BY e.time, e.device, e.counter
"""

_OF_PURPOSE = """
SELECT e.device, e.counter, e.kind, e.payload,
       a.pair_id, a.prompt_id, a.checkpoint_number, a.empty, a.likeness
FROM events e LEFT JOIN askable a ON a.purpose = ? AND a.pair_id = e.pair_id
WHERE e.actor = 'owner' ORDER BY e.time, e.device, e.counter
"""


def owner_decisions(
    conn: sqlite3.Connection, purpose: Purpose = "train", up_to: tuple[str, int] = ("", 0)
) -> list[DecisionRow]:
    """Return the owner's current decisions on pairs of a purpose, oldest first.

    Those of a device after the event `up_to` of it are left out.
    """
    decisions = []
    rows = conn.execute(_ACTS, (purpose, *up_to))
    for kind, time, outcome, left, ms, longer_by, first in rows:
        agrees = None
        if kind == "repeat":
            if first is None or outcome is None:
                continue
            agrees = outcome == first
        longer = None if longer_by == 0 else "a" if longer_by > 0 else "b"
        ms = ms if isinstance(ms, int) else None
        decisions.append(DecisionRow(outcome, left, ms, longer, agrees, time))
    return decisions


def owner_events(
    conn: sqlite3.Connection, purpose: Purpose
) -> Iterator[tuple[tuple[str, int], str, str, Candidate | None]]:
    """Yield id, kind, payload (JSON) and pair of all the owner's events, oldest first.

    The pair is None where it is of another purpose, or not here whole (yet).
    """
    cursor = conn.cursor()
    cursor.row_factory = None  # Plain tuples, which are unpacked faster.
    for device, counter, kind, payload, *pair in cursor.execute(_OF_PURPOSE, (purpose,)):
        yield (device, counter), kind, payload, Candidate(*pair) if pair[0] is not None else None


def all_marks(conn: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Return the owner's marks, imported ones too, by pair: `private`, `note` and `flags`.

    `flags` are like `{"flag": "facts", "side": "a"}`; a side of None means the pair as a whole. Of
    two that contradict each other the newer counts.
    """
    by_pair: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    rows = conn.execute(
        "SELECT pair_id, kind, payload FROM standing_events WHERE actor <> 'simulated' "
        "AND kind IN ('private', 'note', 'flag') AND pair_id IS NOT NULL "
        "ORDER BY time, device, counter"
    )
    for pair_id, kind, text in rows:
        marks, payload = by_pair[pair_id], json.loads(text)
        if kind == "private":
            marks["private"] = True
        elif kind == "note":
            marks["note"] = payload.get("text") or ""
        else:
            flag = {"flag": payload.get("flag"), "side": payload.get("side")}
            others = (f for f in marks.get("flags", ()) if f["side"] != flag["side"])
            marks["flags"] = [*others, flag]
    return {
        pair_id: {key: value for key, value in marks.items() if value}
        for pair_id, marks in by_pair.items()
    }
