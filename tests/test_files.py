import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.errors import UserError
from align.files import (
    exclusively,
    in_turn,
    jsonl,
    parse_jsonl,
    read_jsonl,
    sha256_of,
    write_atomically,
    write_jsonl_atomically,
)

CHECKOUT = Path(__file__).resolve().parent.parent
HOLD = """
import sys
from pathlib import Path
from align.errors import UserError
from align.files import exclusively
try:
    with exclusively(Path(sys.argv[1]), "here", "it is held", "Wait"):
        print("free")
except UserError as error:
    print(error)
"""


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_atomically(path, "one")
    write_atomically(path, b"two", mode=0o600)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["a.txt"]
    assert sha256_of(path).startswith("3fc4ccfe745870e2")


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n\n{"a": \n')
    with pytest.raises(UserError, match=r"a\.jsonl:3: not JSON"):
        list(read_jsonl(path))
    path.write_bytes(b'{"a": 1}\n{"a": "\xff"}\n')
    with pytest.raises(UserError, match=r"a\.jsonl:2: not UTF-8"):
        list(read_jsonl(path))


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=5))
def test_rows_come_back_as_they_were(rows: list[dict[str, object]]) -> None:
    assert [row for _, row in parse_jsonl(jsonl(rows).split(b"\n"), "x")] == rows


def test_a_row_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "one\u2028two\nthree \ud800"}]
    write_jsonl_atomically(path, rows)
    assert list(read_jsonl(path)) == [(1, rows[0])]


def test_what_one_process_holds_no_other_may(tmp_path: Path) -> None:
    lock = tmp_path / "made" / ".lock"
    with exclusively(lock, "here", "it is held"):
        held = subprocess.run(
            [sys.executable, "-c", HOLD, str(lock)], capture_output=True, text=True, cwd=CHECKOUT
        )
        assert held.stdout.strip() == f"here: it is held (process {os.getpid()}). Wait."
    with exclusively(lock, "here", "it is held"):
        pass


def test_who_comes_second_says_so_and_waits(tmp_path: Path) -> None:
    from threading import Event, Thread

    waiting, through = Event(), Event()

    def second() -> None:
        with in_turn(tmp_path / ".lock", waiting.set):
            through.set()

    with in_turn(tmp_path / ".lock", lambda: pytest.fail("nobody holds it")):
        thread = Thread(target=second)
        thread.start()
        assert waiting.wait(10) and not through.wait(0.1)
    thread.join(10)
    assert through.is_set()
