"""Claims: which running labeler shows which pair."""

import gc
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from align.store import schema
from align.store.claims import Holder
from align.store.connection import connect, in_memory
from align.store.merge import TABLES

CLAIM = """
import sys
from pathlib import Path
from align.store.claims import Holder
from align.store.connection import connect
conn, holder = connect(Path(sys.argv[1])), Holder()
print(holder.claim(conn, "p"), flush=True)
sys.stdin.read()
"""


def claiming(path: Path) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None and started.stdout.readline() == "True\n"
    return started


def claims(conn: sqlite3.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT pair_id FROM claims ORDER BY 1")]


def test_a_pair_is_claimed_once_until_it_is_released() -> None:
    conn, first, second = in_memory(), Holder(), Holder()
    assert first.claim(conn, "p") and first.claim(conn, "p")
    assert not second.claim(conn, "p") and second.claim(conn, "q")
    first.release(conn)
    assert claims(conn) == ["q"]
    assert second.claim(conn, "p")


def test_a_claim_holds_while_its_process_runs_and_is_void_once_it_was_killed(
    tmp_path: Path,
) -> None:
    with closing(connect(tmp_path / "twin.db", create=True)) as conn:
        other = claiming(tmp_path / "twin.db")
        assert not Holder().claim(conn, "p")
        other.kill()
        other.wait()
        assert Holder().claim(conn, "p")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells it by /proc")
def test_a_process_that_ended_but_still_has_its_number_claims_nothing(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "twin.db", create=True)) as conn:
        other = claiming(tmp_path / "twin.db")
        other.kill()
        assert other.stdout is not None and other.stdout.read() == ""
        # Nobody has waited for it yet.
        while Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert Holder().claim(conn, "p")
        other.wait()


def test_a_claim_of_another_process_that_had_the_same_number_is_void(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "twin.db", create=True)) as conn:
        other = claiming(tmp_path / "twin.db")
        # Its number, but begun at another time.
        conn.execute("UPDATE claims SET holder = '1-0123456789abcdef'")
        assert Holder().claim(conn, "p")
        other.communicate("")


def test_a_session_that_is_gone_claims_nothing_in_its_own_process() -> None:
    conn = in_memory()
    holder = Holder()
    assert holder.claim(conn, "p")
    del holder
    gc.collect()
    assert Holder().claim(conn, "p")


def test_claims_never_travel(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "twin.db", create=True)) as conn:
        holder = Holder()
        assert holder.claim(conn, "p")
        schema.copy_store(conn, tmp_path / "copy.db")
        with closing(connect(tmp_path / "copy.db")) as copy:
            assert claims(copy) == [] and claims(conn) == ["p"]
    assert "claims" not in TABLES
