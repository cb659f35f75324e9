"""Numbered migrations: each in one transaction, after a backup of the store as it was."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from align.errors import UserError
from align.paths import relative_to_root

Migration = tuple[int, str]


def shipped_migrations() -> list[Migration]:
    """Return number and SQL of each shipped migration, in order."""
    # From the file's own folder: importlib.resources costs more than all the rest of opening.
    folder = Path(__file__).parent / "migrations"
    migrations = [
        (int(file.name.split("_")[0]), file.read_text("utf-8")) for file in folder.glob("*.sql")
    ]
    return sorted(migrations)


def migrate(
    conn: sqlite3.Connection, path: Path, migrations: Iterable[Migration] | None = None
) -> None:
    """Apply what the store lacks; does nothing where the schema is the newest.

    Backups go to `backups/` beside its file. Without `migrations`, the shipped ones are applied.
    UserError: a newer version of the toolkit made this store.
    """
    known = shipped_migrations() if migrations is None else sorted(migrations)
    newest = known[-1][0] if known else 0
    version = schema_version(conn)
    if version > newest:
        raise UserError(
            relative_to_root(path),
            f"made by a newer version of this toolkit (schema {version}, known {newest})",
            "Update the toolkit: git pull && make setup",
        )
    for number, sql in known:
        if number > version:
            _apply(conn, path, number, sql, backup=version > 0)


def schema_version(conn: sqlite3.Connection) -> int:
    """Return the number of the newest migration that the store has seen."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def copy_store(conn: sqlite3.Connection, target: Path) -> None:
    """Copy the store to a new file, whole or not at all, while others read and write it.

    The copy has no device: once in use beside the original, it numbers its events under a device
    of its own, so the two can merge again.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        copy = sqlite3.connect(beside, isolation_level=None)
        try:
            conn.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                copy.execute("DELETE FROM meta WHERE key = 'device'")
        finally:
            copy.close()
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _apply(conn: sqlite3.Connection, path: Path, number: int, sql: str, *, backup: bool) -> None:
    # A store that is just being made holds nothing to keep.
    if backup and schema_version(conn) < number:
        copy_store(conn, path.parent / "backups" / f"before-{number:03d}.db")
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have applied it while this one waited.
        if schema_version(conn) < number:
            for statement in statements(sql):
                conn.execute(statement)
            conn.execute(f"PRAGMA user_version = {number}")
        conn.execute("COMMIT")
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script, each on lines of its own.

    `executescript` would commit between them.
    """
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
