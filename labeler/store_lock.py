"""One labeler at a time on a store; the lock dies with its process, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
