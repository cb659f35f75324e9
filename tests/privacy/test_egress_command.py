"""`align egress` shows the egress log, and writes nothing."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from align.commands.egress import app
from align.privacy.egress_log import Attempt, EgressLog

SHA = "ab" * 32


def show(*words: str) -> str:
    result = CliRunner().invoke(app, ["--owner", "ann", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def filled(root: Path) -> Path:
    with EgressLog("ann") as egress_log:
        egress_log.consent(host="api.example.com", purpose="judge", terms="abc", how="asked")
        for n in range(3):
            sent = Attempt(
                "judge", "POST", "/v1/messages", "api.example.com", SHA, 1500, "m", (f"p{n}",)
            )
            token = egress_log.begin(sent)
            if n < 2:
                egress_log.end(token, status=200, input_tokens=1000, output_tokens=50, cost=0.25)
        egress_log.refused(
            "closed writing", host="api.example.com", purpose="judge", where="system[0].text"
        )
    return root / "data" / "ann"


def test_an_owner_of_whom_nothing_left_is_told_so(root: Path) -> None:
    assert show() == "Nothing has left this machine by the gate, and nothing was stopped there.\n"
    assert show("--json") == ""
    assert not (root / "data" / "ann").exists()


def test_the_table_shows_each_attempt_and_the_totals(filled: Path) -> None:
    before = {name: (filled / name).read_bytes() for name in os.listdir(filled)}
    lines = show().splitlines()
    table, sums = lines[1:6], "\n".join(lines[7:])
    assert lines[0].split()[:2] == ["time", "(UTC)"]
    assert "consent (asked)" in table[0]
    for cell in ("POST messages (1 id)", "1,500", "200", "1,000/50", "0.2500"):
        assert cell in table[1]
    assert "stopped: closed writing, system[0].text" in table[3]
    assert "unfinished" in table[4]
    assert "In all: 3 attempts, 4,500 bytes, 2,000 tokens in, 100 out, $0.50" in sums
    assert "1 of unknown cost" in sums
    assert "Stopped by the gate: 1, closed writing" in sums
    assert "Unfinished, their process is gone: 1" in sums
    assert {name: (filled / name).read_bytes() for name in os.listdir(filled)} == before


def test_the_newest_lines_alone_and_the_totals_of_all(filled: Path) -> None:
    lines = show("--last", "1").splitlines()
    assert "unfinished" in lines[1]
    assert lines[2] == ""
    assert "3 attempts" in lines[3]


def test_json_is_the_lines_as_they_stand(filled: Path) -> None:
    stand = (filled / "egress.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in show("--json").splitlines()] == list(
        map(json.loads, stand)
    )
    assert len(show("--json", "--last", "2").splitlines()) == 2


def test_damaged_lines_are_counted(filled: Path) -> None:
    with (filled / "egress.jsonl").open("a") as file:
        file.write('{"kind":"att\x1b[2J\n')
    shown = show()
    assert "Lines that can't be read: 1" in shown
    assert "\x1b" not in shown
