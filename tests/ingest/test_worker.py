import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from align.errors import UserError
from align.ingest import worker as room
from align.ingest.intake import prepare, take_in
from align.ingest.worker import in_worker
from align.owner import Owner
from align.store.connection import connect, in_memory
from align.store.records import iter_records
from benchmarks.ingest import write_chat

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs fork")


def processes(items: Iterator[int], size: int = room.WORTH_IT) -> list[int]:
    with in_worker(items, size) as arriving:
        return list(arriving)


def test_items_come_in_order_from_another_process() -> None:
    def items() -> Iterator[int]:
        yield os.getpid()
        yield from range(5)

    worker, *rest = processes(items())
    assert rest == [0, 1, 2, 3, 4]
    assert worker != os.getpid()
    assert processes(items(), size=1)[0] == os.getpid(), "too little to start a process for"


def test_what_fails_there_fails_here_and_says_where() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no such luck")

    with pytest.raises(RuntimeError, match="no such luck"):
        processes(items())


def test_a_process_that_is_killed_is_noticed() -> None:
    def items() -> Iterator[int]:
        yield 1
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match="ended from outside"):
        processes(items())


def test_who_stops_listening_leaves_no_process_behind() -> None:
    def items() -> Iterator[int]:
        yield os.getpid()
        while True:
            yield 0

    with in_worker(items(), room.WORTH_IT) as arriving:
        worker = next(arriving)
    assert not psutil.pid_exists(worker)


def test_an_export_is_read_the_same_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_chat(tmp_path / "result.json", 3_000)
    (tmp_path / "broken.txt").write_bytes(bytes(range(256)) * 9)
    owner = Owner(name="Ann")
    found = []
    for worth_it in (0, 1 << 40):
        monkeypatch.setattr(room, "WORTH_IT", worth_it)
        conn = in_memory()
        intake = take_in(conn, prepare([tmp_path], owner), owner)
        [tally] = intake.tallies
        passed = intake.log.passed_over
        assert intake.new == tally.records == 3_000
        found.append((list(iter_records(conn, include_left_out=True)), tally, passed))
    assert found[0] == found[1]
    assert found[0][2].total() == 1


def test_an_error_of_the_users_can_travel() -> None:
    def items() -> Iterator[UserError]:
        yield UserError("a.txt:3", "broken", "Mend it")

    with in_worker(items(), room.WORTH_IT) as arriving:
        [error] = arriving
    assert (error.where, error.what, error.remedy) == ("a.txt:3", "broken", "Mend it")


@pytest.mark.slow
def test_ctrl_c_ends_both_processes_and_stores_nothing(tmp_path: Path) -> None:
    root, inputs = tmp_path / "root", tmp_path / "result.json"
    root.mkdir()
    write_chat(inputs, 120_000)
    command = [sys.executable, "-m", "align.cli", "--root", str(root)]
    child = subprocess.Popen(
        [*command, "ingest", str(inputs), "--owner", "ann", "--me", "Ann"],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    store = root / "data" / "ann" / "twin.db"
    deadline = time.monotonic() + 60
    while not psutil.Process(child.pid).children() and time.monotonic() < deadline:
        time.sleep(0.05)
    [reader] = psutil.Process(child.pid).children()
    time.sleep(0.5)
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"Traceback" not in said
    assert not reader.is_running()
    assert list(iter_records(connect(store), include_left_out=True)) == []
