"""One labeler at a time on a store; the lock dies with its process, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from align.errors import UserError
from align.files import exclusively
from align.paths import relative_to_root


@contextmanager
def only_labeler(store: Path) -> Iterator[None]:
    """Be the one labeler that is open on a store; others may read and write it meanwhile.

    Raises:
        UserError: Another labeler is open on it.
    """

    def busy(holder: str) -> UserError:
        what = "another labeler is open here" + (f" (process {holder})" if holder else "")
        return UserError(relative_to_root(store), what, "Go on there, or quit that one and repeat")

    store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusively(store.with_name(f".{store.name}.labeler.lock"), busy):
        yield
