"""Open the store: WAL, every commit synced, readable by its user only, schema up to date."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from align.errors import UserError
from align.paths import relative_to_root, store_path
from align.store.schema import migrate

BUSY_SECONDS = 10.0


def open_store(owner_id: str, *, create: bool = False) -> sqlite3.Connection:
    """Open the owner's store; UserError where it can't be, or is none and `create` is not set."""
    path = store_path(owner_id)
    if not create and not path.exists():
        raise UserError(
            f"owner {owner_id!r}",
            "no store yet",
            f"Run: make ingest OWNER={owner_id}"
            + ("" if owner_id == "demo" else " FROM=~/my-writing"),
        )
    return connect(path, create=create)


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """Open a store's file and bring its schema up to date.

    Outside `transaction` every statement commits by itself. UserError: no such file and `create` is
    not set; no store; a newer schema; a full disk.
    """
    where = relative_to_root(path)
    if not path.exists():
        if not create:
            raise UserError(where, "no such store", "Run: make ingest OWNER=... FROM=...")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made here, so that it is private from its first moment; -wal and -shm take its mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if not path.is_file():
        raise UserError(where, "not a file", "Move it away and repeat")
    try:
        conn = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise as_user_error(error, where) from error
    try:
        conn.row_factory = sqlite3.Row
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        # Erased text must not linger in free pages.
        conn.execute("PRAGMA secure_delete=ON")
        migrate(conn, path)
    except sqlite3.Error as error:
        conn.close()
        raise as_user_error(error, where) from error
    except BaseException:
        conn.close()
        raise
    return conn


def wait_at_most(conn: sqlite3.Connection, seconds: float) -> None:
    """Let what a connection asks fail after so long a wait for another program that writes."""
    conn.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def was_used(path: Path) -> bool:
    """Tell whether anybody did anything in a store's file; where it can't be read, they did."""
    try:
        with closing(sqlite3.connect(path)) as conn:
            used = "SELECT 1 FROM events UNION SELECT 1 FROM meta WHERE key LIKE 'draft %'"
            return conn.execute(used).fetchone() is not None
    except sqlite3.Error:
        return True


def in_memory() -> sqlite3.Connection:
    """Return an empty store that no file holds."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.row_factory = sqlite3.Row
    migrate(conn, Path("store"))
    return conn


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Do all of the block or nothing; inside another transaction, be part of it.

    Raises:
        UserError: The disk is full, the file cannot be written, or is being written too long.
    """
    if conn.in_transaction:
        yield conn
        return
    try:
        conn.execute("BEGIN IMMEDIATE")
        try:
            yield conn
            conn.execute("COMMIT")
        finally:
            # Of what was not committed, if anything: SQLite may have rolled back already.
            if conn.in_transaction:
                conn.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise
        raise as_user_error(error, file_of(conn)) from error


def file_of(conn: sqlite3.Connection) -> str:
    """Return the path of the connection's file, as messages show it."""
    try:
        name = next(row[2] for row in conn.execute("PRAGMA database_list") if row[1] == "main")
    except (sqlite3.Error, StopIteration):
        return "store"
    return relative_to_root(Path(name)) if name else "store"


def as_user_error(error: sqlite3.Error, where: str) -> UserError:
    """Return an error of SQLite's as one that names a remedy."""
    text = str(error)
    for part, what, remedy in _EXPLAINED:
        if part in text:
            return UserError(where, what, remedy)
    return UserError(where, f"the store failed ({text})", "Mend that and repeat")


_EXPLAINED = (
    ("is full", "the disk is full", "Make room and repeat; nothing that was saved is lost"),
    (
        "disk I/O",
        "the disk is full, or fails",
        "Make room and repeat; nothing that was saved is lost",
    ),
    ("readonly", "cannot be written", "Make the file and its folder writable"),
    ("locked", "another program keeps writing to it", "Wait for that program and repeat"),
    ("unable to open", "cannot be opened", "Make the file and its folder readable and writable"),
    ("not a database", "not a store", "Put a backup in its place"),
    ("malformed", "the file is damaged", "Put a backup in its place"),
)


def empty_log(conn: sqlite3.Connection) -> None:
    """Write what stands in the log beside the store into it, and empty the log."""
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def large_cache(conn: sqlite3.Connection) -> Iterator[None]:
    """Give SQLite room for ids that come in no order."""
    usual = conn.execute("PRAGMA cache_size").fetchone()[0]
    conn.execute("PRAGMA cache_size = -131072")
    try:
        yield
    finally:
        conn.execute(f"PRAGMA cache_size = {usual}")
