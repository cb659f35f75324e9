"""The egress log has one line for each attempt, whatever ends the process, and never a text."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from align.commands.egress import totals
from align.errors import UserError
from align.privacy.egress_log import Attempt, EgressLog, read

SHA = "ab" * 32


def attempt(**changes: object) -> Attempt:
    values: dict[str, object] = {
        "purpose": "judge", "method": "POST", "path": "/v1/messages", "host": "api.example.com",
        "sha256": SHA, "bytes": 120, "model": "claude-x", "ids": ("p1", "p2"),
    }  # fmt: skip
    return Attempt(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def egress_log(root: Path) -> Iterator[EgressLog]:
    with EgressLog("ann") as open_channel:
        yield open_channel


def test_an_attempt_is_one_line_with_all_that_is_known(egress_log: EgressLog) -> None:
    token = egress_log.begin(attempt())
    assert not egress_log.path.read_bytes()
    egress_log.end(
        token, status=200, request_id="req_1", input_tokens=30, output_tokens=7, cost=0.25
    )
    (line,) = [json.loads(each) for each in egress_log.path.read_text().splitlines()]
    assert line.pop("time").endswith("Z")
    assert line.pop("attempt") == token
    assert line == {
        "kind": "attempt", "purpose": "judge", "method": "POST", "path": "/v1/messages",
        "host": "api.example.com", "sha256": SHA, "bytes": 120, "model": "claude-x",
        "ids": ["p1", "p2"], "status": 200, "request_id": "req_1", "input_tokens": 30,
        "output_tokens": 7, "cache_read_tokens": None, "cache_write_tokens": None, "cost": 0.25,
        "error": None,
    }  # fmt: skip


def test_only_its_user_can_read_it_even_if_it_was_open_before(root: Path) -> None:
    path = root / "data" / "ann" / "egress.jsonl"
    path.parent.mkdir()
    path.write_text("")
    path.chmod(0o644)
    with EgressLog("ann") as egress_log:
        egress_log.begin(attempt())
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert len(list(path.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "I told nobody about it"},
        {"path": "/v1/messages?said=I told nobody"},
        {"model": "my dear diary"},
        {"host": "a b"},
        {"ids": ("p1", "I told nobody about it")},
        {"sha256": "I told nobody about it"},
        {"bytes": "I told nobody about it"},
    ],
)
def test_a_text_that_strays_into_a_line_is_refused(
    egress_log: EgressLog, changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="not what an egress log may hold") as raised:
        egress_log.begin(attempt(**changes))
    assert "nobody" not in str(raised.value)
    assert "diary" not in str(raised.value)
    assert not list(read("ann"))


def test_an_odd_name_from_the_provider_is_left_out_and_the_line_stands(
    egress_log: EgressLog,
) -> None:
    egress_log.end(egress_log.begin(attempt()), status=200, request_id="say this\nand that")
    (line,) = read("ann")
    assert (line["status"], line["request_id"]) == (200, None)


def test_several_processes_write_into_one_log_and_no_line_is_torn(root: Path) -> None:
    context = get_context("fork")
    writers = [context.Process(target=_write_many, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = list(read("ann"))
    assert {line["kind"] for line in lines} == {"attempt"}
    assert sorted(line["ids"][0] for line in lines) == sorted(
        f"w{n}-{i}" for n in range(4) for i in range(100)
    )
    assert [path.name for path in (root / "data" / "ann").iterdir()] == ["egress.jsonl"]


def _write_many(number: int) -> None:
    with EgressLog("ann") as egress_log:
        for i in range(100):
            egress_log.end(egress_log.begin(attempt(ids=(f"w{number}-{i}",) * 50)), status=200)


_KILLED = f"""
import os, signal
from align.privacy.egress_log import Attempt, EgressLog
ledger = EgressLog("ann")
def begun(id):
    return ledger.begin(Attempt("judge", "POST", "/v1/messages", "h", "{SHA}", 5, "m", (id,)))
begun("lost")
ledger.end(begun("kept"), status=200)
print("ready", flush=True)
{{wait}}
os.kill(os.getpid(), signal.SIGKILL)
"""


def _run(wait: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _KILLED.format(wait=wait)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_what_a_killed_process_had_begun_is_unfinished_and_written_once(root: Path) -> None:
    with _run() as killed:
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    seen = {line["ids"][0]: line for line in read("ann")}
    assert seen["kept"]["status"] == 200
    assert (seen["lost"]["status"], seen["lost"]["unfinished"]) == (None, True)
    for _ in range(2):
        EgressLog("ann").close()
    text = (root / "data" / "ann" / "egress.jsonl").read_text()
    assert text.count('"lost"') == text.count('"kept"') == text.count('"unfinished":true') == 1
    assert list(read("ann")) == [json.loads(line) for line in text.splitlines()]


def test_what_another_running_process_sends_is_under_way_and_not_unfinished(root: Path) -> None:
    with _run("input()") as running:
        assert running.stdout is not None
        running.stdout.readline()
        with EgressLog("ann"):
            marks = {line["ids"][0]: line.get("underway") for line in read("ann")}
            assert marks == {"kept": None, "lost": True}
        assert '"lost"' not in (root / "data" / "ann" / "egress.jsonl").read_text()
        running.communicate("\n")
    EgressLog("ann").close()
    assert '"lost"' in (root / "data" / "ann" / "egress.jsonl").read_text()


def test_a_process_killed_right_after_an_end_leaves_no_second_line(root: Path) -> None:
    with _run() as killed:
        killed.communicate()
    folder = root / "data" / "ann"
    (left_over,) = folder.glob("egress.open.*.jsonl")
    begun = left_over.read_bytes()
    EgressLog("ann").close()
    # As if it had died after the egress log's line was written and before its own file was cleared.
    (folder / "egress.open.again.jsonl").write_bytes(begun)
    EgressLog("ann").close()
    assert (folder / "egress.jsonl").read_text().count('"lost"') == 1


def test_closing_writes_what_is_under_way(egress_log: EgressLog) -> None:
    egress_log.begin(attempt())
    egress_log.close()
    egress_log.close()
    (line,) = read("ann")
    assert line["unfinished"]
    assert [path.name for path in egress_log.path.parent.iterdir()] == ["egress.jsonl"]


def test_nothing_begins_once_the_file_is_gone_or_another_one(egress_log: EgressLog) -> None:
    egress_log.path.rename(egress_log.path.with_name("moved"))
    with pytest.raises(OSError, match="egress"):
        egress_log.begin(attempt())
    egress_log.path.write_text("")
    with pytest.raises(OSError, match="another file"):
        egress_log.begin(attempt())


def test_a_full_disk_raises_and_the_next_line_is_whole(
    egress_log: EgressLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [egress_log.begin(attempt()) for _ in range(2)]
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda number, data: write(number, data[:20]))
        with pytest.raises(OSError, match="full"):
            egress_log.end(tokens[0], status=200)
        with pytest.raises(OSError, match="full"):
            egress_log.begin(attempt())
    for token in tokens:
        egress_log.end(token, status=200)
    kinds = [line["kind"] for line in read("ann")]
    assert kinds == ["damaged", "attempt", "attempt"]


def test_an_egress_log_that_cannot_be_written_is_a_mistake_that_is_explained(root: Path) -> None:
    (root / "data" / "ann" / "egress.jsonl").mkdir(parents=True)
    with pytest.raises(UserError, match=r"egress\.jsonl.*can't be written"):
        EgressLog("ann")


def test_a_long_run_does_not_keep_what_has_ended(
    egress_log: EgressLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("align.privacy.egress_log._OPEN_BYTES", 2000)
    first = egress_log.begin(attempt(ids=("first",)))
    for _ in range(50):
        egress_log.end(egress_log.begin(attempt()), status=200)
    (beside,) = egress_log.path.parent.glob("egress.open.*")
    assert beside.stat().st_size < 4000
    assert [line["ids"] for line in read("ann") if line.get("underway")] == [["first"]]
    egress_log.end(first, status=200)
    assert len(list(read("ann"))) == 51


def test_totals_add_up_by_purpose_model_host_and_day(egress_log: EgressLog) -> None:
    known = {"status": 200, "input_tokens": 10, "output_tokens": 2}
    egress_log.end(egress_log.begin(attempt()), cost=0.5, cache_read_tokens=100, **known)  # type: ignore[arg-type]
    egress_log.end(egress_log.begin(attempt(model="claude-y")), error="ConnectError")
    egress_log.end(egress_log.begin(attempt(path="/v1/messages/batches", model=None)), status=200)
    egress_log.settled(
        purpose="judge", host="api.example.com", batch="b1", model="claude-y", requests=3,
        input_tokens=1000, output_tokens=20, cost=0.25,
    )  # fmt: skip
    egress_log.refused("closed writing", host="api.example.com", purpose="judge")
    egress_log.begin(attempt())
    egress_log.close()
    found = totals(read("ann"))
    assert (found.all.attempts, found.all.bytes, found.all.cost) == (4, 480, 0.75)
    assert (found.all.input_tokens, found.all.output_tokens) == (1110, 22)
    # The one that broke off and the unfinished one may have been billed.
    assert (found.all.unknown, found.unfinished) == (2, 1)
    assert {model: each.attempts for model, each in found.by["model"].items()} == {
        "claude-x": 2, "claude-y": 1, "-": 1,
    }  # fmt: skip
    assert found.by["model"]["claude-y"].cost == 0.25
    assert [each.attempts for each in found.by["day"].values()] == [4]
    assert found.refused == {"closed writing": 1}


def test_what_several_processes_have_under_way_is_read_by_time(root: Path) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(5):
            stack.enter_context(EgressLog("ann")).begin(attempt(ids=(f"pair{number}",)))
        assert [line["ids"] for line in read("ann")] == [[f"pair{n}"] for n in range(5)]
