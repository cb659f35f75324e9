"""Pairs of which nobody chose yet."""

import sqlite3
from collections.abc import Collection

from align.levels import Level, stored


def unchosen_pairs(conn: sqlite3.Connection, levels: Collection[Level]) -> list[tuple[str, str]]:
    """Return ids and prompts of trained pairs that nobody chose of, newest checkpoint first."""
    numbers = ",".join(str(stored(level)) for level in levels)
    rows = conn.execute(
        "SELECT a.pair_id, a.prompt_id FROM askable a JOIN known_pairs p ON p.id = a.pair_id "
        "WHERE a.purpose = 'train' AND NOT a.empty AND p.split = 'train' "
        f"AND p.level IN ({numbers}) "
        "AND a.pair_id NOT IN (SELECT pair_id FROM current_choices) "
        "ORDER BY a.checkpoint_number DESC, a.pair_id"
    )
    return [(pair_id, prompt_id) for pair_id, prompt_id in rows]
