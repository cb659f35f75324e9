"""What the owner did before, and what of it still stands."""

import sqlite3
from dataclasses import dataclass

from align.store.events import iter_events

ANSWERS = ("choice", "rewrite", "skip")


@dataclass(frozen=True)
class Done:
    """One answer or skip of the owner's.

    Attributes:
        pair_id: The pair.
        outcome: `a`, `b`, `both`, `neither`, `rewrite` or `skip`.
        device: With `counter`, the id of the event.
        counter: With `device`, the id of the event.
        ms: Milliseconds from showing the pair to the key, None where nobody measured.
        seed: Of order and sides when it was shown, None where there was none.
    """

    pair_id: str
    outcome: str
    device: str
    counter: int
    ms: int | None = None
    seed: int | None = None


def standing(conn: sqlite3.Connection) -> list[Done]:
    """Return the owner's answers and skips that were not taken back, oldest first."""
    return [
        Done(
            event.pair_id,
            "skip" if event.kind == "skip" else event.payload.get("outcome", event.kind),
            event.device,
            event.counter,
            event.payload.get("ms"),
            event.payload.get("selection_seed"),
        )
        for event in iter_events(conn, standing=True)
        if event.actor == "owner" and event.kind in ANSWERS and event.pair_id is not None
    ]
