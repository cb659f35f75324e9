"""One labeler at a time on a store, and no store of one that could not start.

The lock dies with its process, however that ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from align.errors import UserError
from align.files import exclusively
from align.paths import relative_to_root
from align.store.connection import was_used


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
        if not was_there and store.exists() and not was_used(store):
            for end in ("", "-wal", "-shm"):
                store.with_name(store.name + end).unlink(missing_ok=True)
        raise
