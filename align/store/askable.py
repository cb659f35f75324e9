"""Pairs of which nobody chose yet."""

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from align.levels import Level, stored
from align.store.pairs import drawn_by


class Unchosen(NamedTuple):
    """A pair that nobody chose of."""

    pair_id: str
    prompt_id: str
    drawn_by: str  # as `PairView.drawn_by`


def unchosen_pairs(conn: sqlite3.Connection, levels: Collection[Level]) -> list[Unchosen]:
    """Return the trained pairs that nobody chose of, newest checkpoint first."""
    numbers = ",".join(str(stored(level)) for level in levels)
    rows = conn.execute(
        "SELECT a.pair_id, a.prompt_id, p.hash_a, p.hash_b "
        "FROM askable a JOIN known_pairs p ON p.id = a.pair_id "
        "WHERE a.purpose = 'train' AND NOT a.empty AND p.split = 'train' "
        f"AND p.level IN ({numbers}) "
        "AND a.pair_id NOT IN (SELECT pair_id FROM current_choices) "
        "ORDER BY a.checkpoint_number DESC, a.pair_id"
    )
    return [Unchosen(pair, prompt, drawn_by(*hashes)) for pair, prompt, *hashes in rows]
