import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from align.errors import UserError
from align.store import schema
from align.store.adding import add_records
from align.store.connection import connect, in_memory, open_store, transaction
from align.store.records import iter_records
from tests.store.rows import record


def test_a_store_is_readable_by_its_user_only(root: Path) -> None:
    conn = open_store("ann", create=True)
    add_records(conn, [record()])
    files = list((root / "data" / "ann").glob("twin.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_every_commit_is_synced(tmp_path: Path) -> None:
    conn = connect(tmp_path / "twin.db", create=True)
    assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_a_missing_store_says_which_command_makes_it(root: Path) -> None:
    with pytest.raises(UserError, match="Run: make ingest OWNER=ann FROM="):
        open_store("ann")
    assert not (root / "data" / "ann").exists()


def test_an_owner_name_never_leaves_the_data_folder(root: Path) -> None:
    with pytest.raises(UserError, match="not a valid name"):
        open_store("../ann", create=True)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    connect(path, create=True).execute("PRAGMA user_version = 999")
    with pytest.raises(UserError, match="newer version of this toolkit"):
        connect(path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 10)
    with pytest.raises(UserError, match="not a store"):
        connect(path)
    assert path.read_bytes().startswith(b"no database")


def test_a_full_disk_is_one_line_and_takes_nothing_back(tmp_path: Path) -> None:
    conn = connect(tmp_path / "twin.db", create=True)
    add_records(conn, [record("before")])
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UserError, match="the disk is full"):
        add_records(conn, [record("x" * 500_000, position=1)])
    assert [each.text for each in iter_records(conn)] == ["before"]


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    conn = connect(tmp_path / "twin.db", create=True)
    conn.execute("PRAGMA query_only = 1")
    with pytest.raises(UserError, match="cannot be written"):
        add_records(conn, [record()])


def test_a_failed_transaction_leaves_nothing_behind() -> None:
    conn = in_memory()
    with pytest.raises(RuntimeError), transaction(conn):
        add_records(conn, [record()])
        raise RuntimeError
    assert list(iter_records(conn)) == []


def test_a_second_process_reads_while_one_writes(tmp_path: Path) -> None:
    conn = connect(tmp_path / "twin.db", create=True)
    add_records(conn, [record("committed")])
    with transaction(conn):
        add_records(conn, [record("on its way", position=1)])
        script = (
            "import sys; from pathlib import Path; from align.store.connection import connect; "
            "from align.store.records import iter_records; "
            "print([r.text for r in iter_records(connect(Path(sys.argv[1])))])"
        )
        read = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "twin.db")],
            capture_output=True,
            text=True,
            check=True,
        )
    assert read.stdout.strip() == "['committed']"


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    script = """
import sys
from pathlib import Path
from align.store.connection import connect
from tests.store.rows import append_event
conn = connect(Path(sys.argv[1]), create=True)
while True:
    event = append_event(conn, kind="choice", actor="owner", pair_id="p", payload={"outcome": "a"})
    print(event.counter, flush=True)
"""
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.15)
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        stored = [row[0] for row in connect(path).execute("SELECT counter FROM events ORDER BY 1")]
        assert stored == list(range(1, len(stored) + 1))
        assert len(stored) >= acknowledged[-1]


@pytest.mark.parametrize("oldest", range(1, len(schema.shipped_migrations()) + 1))
def test_every_older_schema_becomes_the_newest(tmp_path: Path, oldest: int) -> None:
    path = tmp_path / "old.db"
    conn = sqlite3.connect(path, isolation_level=None)
    schema.migrate(conn, path, schema.shipped_migrations()[:oldest])
    conn.close()
    new = connect(tmp_path / "new.db", create=True)
    assert _schema(connect(path)) == _schema(new)


def test_a_new_store_has_no_backup_of_its_beginnings(tmp_path: Path) -> None:
    connect(tmp_path / "twin.db", create=True).close()
    assert os.listdir(tmp_path) == ["twin.db"]


def test_a_migration_is_preceded_by_a_backup_of_the_store_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    conn = connect(path, create=True)
    add_records(conn, [record("kept")])
    number = schema.schema_version(conn) + 1
    later = [*schema.shipped_migrations(), (number, "ALTER TABLE records ADD COLUMN mood TEXT;")]
    schema.migrate(conn, path, later)
    assert schema.schema_version(conn) == number
    backup = tmp_path / "backups" / f"before-{number:03d}.db"
    assert [each.text for each in iter_records(connect(backup))] == ["kept"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    conn = connect(path, create=True)
    before, number = _schema(conn), schema.schema_version(conn)
    broken = "CREATE TABLE moods (mood TEXT);\nCREATE TABLE records (id TEXT);"
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(conn, path, [*schema.shipped_migrations(), (number + 1, broken)])
    assert _schema(conn) == before
    assert schema.schema_version(conn) == number


def test_a_copy_counts_its_events_under_a_device_of_its_own(tmp_path: Path) -> None:
    from align.store.events import device_of

    conn = connect(tmp_path / "twin.db", create=True)
    device = device_of(conn)
    schema.copy_store(conn, tmp_path / "copy.db")
    assert device_of(connect(tmp_path / "copy.db")) != device
    assert device_of(conn) == device
    assert sorted(os.listdir(tmp_path))[0] == "copy.db"  # Nothing half-written beside it.


def _schema(conn: sqlite3.Connection) -> list[tuple[str, ...]]:
    return [
        tuple(row) for row in conn.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 2")
    ]
