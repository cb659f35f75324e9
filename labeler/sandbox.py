"""The demo's pairs with real keys: answered in a store of their own.

The demo's choices are simulated; an owner's choice would go before them. So somebody who tries
the keys on the demo gets a copy of its pairs, in the store of `demo-sandbox`, and the demo stays
what it was.
"""

import sqlite3
from contextlib import closing

from align.paths import owner_dir, store_path
from align.store.connection import connect, open_store

COPIED = ("threads", "prompts", "answers", "pairs")  # never the events


def is_simulated(owner: str) -> bool:
    """Return whether a simulated stand-in chooses for this owner."""
    return (owner_dir(owner) / "simulated.json").exists()


def sandbox_of(owner: str) -> str:
    """Return the name of the owner whose store takes real keys."""
    return f"{owner}-sandbox"


def open_sandbox(owner: str) -> sqlite3.Connection:
    """Open the sandbox's store, with all pairs that the simulated owner has by now.

    Raises:
        UserError: The simulated owner has no store yet.
    """
    from align.store.merge import export_rows, merge  # not needed before a real owner's pairs

    conn = connect(store_path(sandbox_of(owner)), create=True)
    try:
        with closing(open_store(owner)) as source:
            merge(conn, {table: export_rows(source, table) for table in COPIED})
    except BaseException:
        conn.close()
        raise
    return conn
