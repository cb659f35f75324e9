"""Rows that travelled in a pack, beside those that this machine's store gives."""

import sqlite3
from collections.abc import Sequence

from align.preferences.preference import JUDGE, RECORD, Row, side_of
from align.preferences.verdict_rows import may_be_judged, pairs_by_id
from align.store.choices import current_choices
from align.store.gates import gates_named, open_gates


def still_judged(conn: sqlite3.Connection, packed: Sequence[Row], held_out: float) -> list[Row]:
    """Return rows that travelled, without the verdicts that count no more by this store.

    Since then the owner may have chosen here, or sealed the pair, and the judge may have tried
    again and found its gate shut. A verdict whose gate is not known counts nowhere.
    """
    judged = {row["pair_id"]: row for row in packed if row["source"] == JUDGE}
    if not judged:
        return list(packed)
    gates = gates_named(conn, {row.get("gate", "") for row in judged.values()})
    still_open = {gate.of for gate in open_gates(conn)}
    gone = {choice.pair_id for choice in current_choices(conn)}
    gone |= {pair.id for pair in pairs_by_id(conn, judged) if not may_be_judged(pair, held_out)}

    def counts(row: Row) -> bool:
        gate = gates.get(row.get("gate", ""))
        return (
            gate is not None
            and gate.of in still_open
            and row["pair_id"] not in gone
            and side_of(row["prompt_id"], held_out) == "train"
        )

    return [row for row in packed if row["source"] != JUDGE or counts(row)]


def with_packed(rows: Sequence[Row], packed: Sequence[Row], against_records: float) -> list[Row]:
    """Return this machine's rows, and of those that travelled what it can't make itself.

    Args:
        rows: Of the store, whose choices are newer than what travelled.
        packed: What travelled: rows of `Preference.to_row`. Of verdicts those that still count:
            they stay where they were made, and only their rows travel.
        against_records: Weight of the owner's real replies, which lie where their records are; 0
            leaves them out.
    """
    made = list(rows) or [row for row in packed if row["source"] not in (RECORD, JUDGE)]
    has_replies = any(row["source"] == RECORD for row in made)
    prompts = {row["prompt_id"] for row in made if row["source"] != JUDGE}
    pairs = {row.get("pair_id") for row in made}
    made += [row for row in packed if row["source"] == JUDGE and row["pair_id"] not in pairs]
    if against_records <= 0 or has_replies:
        return made
    replies = (row for row in packed if row["source"] == RECORD)
    return [
        *made,
        *({**row, "weight": against_records} for row in replies if row["prompt_id"] not in prompts),
    ]
