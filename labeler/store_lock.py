"""One labeler at a time on a store, and no store of one that could not start.

The lock dies with its process, however that ends.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from align.errors import UserError
from align.files import exclusively
from align.paths import relative_to_root


@contextmanager
def only_labeler(store: Path) -> Iterator[None]:
    """Be the one labeler that is open on a store (else UserError); others may read and write it."""
    store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock, remedy = store.with_name(f".{store.name}.labeler.lock"), "Go on there, or quit that one"
    what = "another labeler is open here"
    with exclusively(lock, relative_to_root(store), what, f"{remedy} and repeat"):
        yield


@contextmanager
def new_only_if_started(store: Path) -> Iterator[None]:
    """Remove a store that a block makes and then can't use: a mistake leaves nothing behind."""
    was_there = store.exists()
    try:
        yield
    except UserError:
        if not was_there and store.exists() and not _is_used(store):
            for end in ("", "-wal", "-shm"):
                store.with_name(store.name + end).unlink(missing_ok=True)
        raise


def _is_used(store: Path) -> bool:
    """Tell whether anybody did anything in a store; where it can't be read, they did."""
    try:
        with closing(sqlite3.connect(store)) as conn:
            used = "SELECT 1 FROM events UNION SELECT 1 FROM meta WHERE key LIKE 'draft %'"
            return conn.execute(used).fetchone() is not None
    except sqlite3.Error:
        return True
