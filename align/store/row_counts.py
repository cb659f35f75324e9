"""How many rows of which kind a store holds."""

import sqlite3
from collections import Counter
from typing import Literal

from align.levels import LEVELS, Level, from_stored, stored, trainable_sql
from align.store.ids import Split


def count_rows(conn: sqlite3.Connection, table: Literal["records", "pairs"]) -> int:
    """Return how many rows a table has."""
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def count_records(conn: sqlite3.Connection, split: str) -> int:
    """Return how many records are on a side, those left out of training among them."""
    row = conn.execute(
        "SELECT count(*) FROM records r JOIN threads t ON t.thread = r.thread WHERE t.split = ?",
        (split,),
    )
    return int(row.fetchone()[0])


# Few threads are held out: all rows are counted in an index's order, and only the held-out ones
# looked up by their threads. Joining all of them takes ten times as long.
def records_by_kind(conn: sqlite3.Connection) -> Counter[tuple[str, str, Level, str | None, Split]]:
    """Count the records by kind, source, level, why they are left out, and side."""
    columns = "kind, source, level, left_out"
    counted: Counter[tuple[str, str, Level, str | None, Split]] = Counter()
    for kind, source, level, left_out, n in conn.execute(
        f"SELECT {columns}, count(*) FROM records GROUP BY {columns}"
    ):
        counted[kind, source, from_stored(level), left_out, "train"] += n
    for kind, source, level, left_out, n in conn.execute(
        f"SELECT {columns}, count(*) FROM threads t CROSS JOIN records r ON r.thread = t.thread "
        f"WHERE t.split = 'evaluation' GROUP BY {columns}"
    ):
        counted[kind, source, from_stored(level), left_out, "train"] -= n
        counted[kind, source, from_stored(level), left_out, "evaluation"] += n
    return counted


def other_authors(conn: sqlite3.Connection) -> list[tuple[str, int]]:
    """Return who else wrote records, with how many each, the most first."""
    rows = conn.execute(
        "SELECT author, count(*) AS n FROM records WHERE is_owner = 0 AND trim(author) <> '' "
        "GROUP BY author ORDER BY n DESC, author"
    )
    return [(row[0], row[1]) for row in rows]


def has_named_others(conn: sqlite3.Connection) -> bool:
    """Tell whether somebody else wrote records under a name."""
    others = "SELECT 1 FROM records WHERE is_owner = 0 AND author NOT IN ('', 'other') LIMIT 1"
    return conn.execute(others).fetchone() is not None


def prompts_by_source(conn: sqlite3.Connection) -> Counter[tuple[str, Split]]:
    """Count the prompts by source and side."""
    counted: Counter[tuple[str, Split]] = Counter()
    for source, split, n in conn.execute(
        "SELECT source, split, count(*) FROM prompts GROUP BY source, split"
    ):
        counted[source, split] = n
    # Prompts whose thread was held out on another machine.
    for source, n in conn.execute(
        "SELECT p.source, count(*) FROM threads t CROSS JOIN prompts p ON p.thread = t.thread "
        "WHERE t.split = 'evaluation' AND p.split = 'train' GROUP BY p.source"
    ):
        counted[source, "train"] -= n
        counted[source, "evaluation"] += n
    return counted


def asked_prompts(conn: sqlite3.Connection) -> Counter[Split]:
    """Count by side the prompts that somebody asked the owner, and that may be trained on."""
    rows = conn.execute(
        "SELECT split, count(*) FROM known_prompts "
        f"WHERE source = 'asked' AND {trainable_sql('level')} GROUP BY 1"
    )
    return Counter(dict(rows))


def pairs_by_purpose(conn: sqlite3.Connection) -> Counter[str]:
    """Count the pairs by what they are for."""
    return Counter(dict(conn.execute("SELECT purpose, count(*) FROM pairs GROUP BY 1")))


def pairs_of_checkpoint(conn: sqlite3.Connection, name: str) -> int:
    """Return how many pairs for training a checkpoint has."""
    row = conn.execute(
        "SELECT count(*) FROM pairs p JOIN answers a ON a.id = p.answer_a "
        "WHERE p.purpose = 'train' AND a.checkpoint = ?",
        (name,),
    )
    return int(row.fetchone()[0])


def pairs_by_level(conn: sqlite3.Connection) -> dict[Level, int]:
    """Return how many pairs for training there are of each level."""
    rows = conn.execute(
        "SELECT level, count(*) FROM known_pairs WHERE purpose = 'train' AND split = 'train' "
        "GROUP BY level"
    )
    counted = {from_stored(level): n for level, n in rows}
    return {level: counted.get(level, 0) for level in LEVELS}


def sources_behind(conn: sqlite3.Connection, level: Level) -> dict[str, int]:
    """Return the sources whose level keeps pairs back, with how many each, the largest first."""
    rows = conn.execute(
        "SELECT r.source, count(DISTINCT p.id) FROM pairs p "
        "JOIN prompt_records pr ON pr.prompt_id = p.prompt_id "
        "JOIN records r ON r.id = pr.record_id "
        "WHERE p.purpose = 'train' AND r.level = ? GROUP BY r.source ORDER BY 2 DESC, 1",
        (stored(level),),
    )
    return dict(rows.fetchall())


def choices_by_actor(conn: sqlite3.Connection) -> tuple[Counter[tuple[str, str]], str]:
    """Count the choices by actor and outcome, without the arena's; return the newest's time too."""
    counted: Counter[tuple[str, str]] = Counter()
    newest = ""
    for actor, outcome, n, time in conn.execute(
        "SELECT actor, outcome, count(*), max(time) FROM current_choices c "
        "LEFT JOIN pairs p ON p.id = c.pair_id WHERE p.purpose IS NOT 'arena' GROUP BY 1, 2"
    ):
        counted[actor, outcome] = n
        newest = max(newest, time)
    return counted, newest
