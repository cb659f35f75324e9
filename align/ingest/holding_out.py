"""What is kept for evaluation: the newest threads of each source, decided once and for good."""

import sqlite3
from collections.abc import Mapping

from align.owner import Owner


def new_threads(
    conn: sqlite3.Connection, threads: Mapping[str, str | None], known: set[str]
) -> list[str]:
    """Return those of the threads that were not known before and have records now, sorted."""
    here = {row[0] for row in conn.execute("SELECT thread FROM threads")}
    return sorted(thread for thread in threads if thread in here and thread not in known)


def hold_out_newest(
    conn: sqlite3.Connection, threads: Mapping[str, str | None], new: list[str], owner: Owner
) -> None:
    """Hold out the newest of the new threads, source by source, where the owner's settings say so.

    Threads without a time stay on the side that their name's hash put them on. What was decided
    before never moves, so a newer export holds out the newest of what it brings.
    """
    if owner.held_out_by != "newest":
        return
    by_source: dict[str, list[tuple[str, str]]] = {}
    for thread in new:
        time = threads[thread]
        if time is not None:
            source = conn.execute(
                "SELECT source FROM records WHERE thread = ? LIMIT 1", (thread,)
            ).fetchone()
            if source is not None:
                by_source.setdefault(source[0], []).append((time, thread))
    for found in by_source.values():
        found.sort()
        held = int(len(found) * owner.held_out + 0.5)
        sides = [
            ("evaluation" if at >= len(found) - held else "train", thread)
            for at, (_, thread) in enumerate(found)
        ]
        conn.executemany("UPDATE threads SET split = ? WHERE thread = ?", sides)
