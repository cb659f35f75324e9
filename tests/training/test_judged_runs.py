"""Runs on verdicts: what twin.json says of the judge, here and where the rows travelled."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align import dpo
from align.models import checkpoints, lineage
from align.owner import Owner
from align.packs.bundle import open_bundle
from align.packs.packing import pack_for_labelling, pack_for_training
from align.packs.unpacking import unpack
from align.preferences.preference import side_of
from align.store.adding import add_records
from align.store.connection import in_memory, open_store
from align.store.gates import GateRow, add_gate, iter_gates
from align.store.pairs import get_pair
from align.store.verdicts import add_verdicts
from align.training.prepared_run import TrainingRun, prepare
from align.training.training_request import parse_request
from tests.store.rows import add_pair, append_event, both_ways_verdicts, gate, iter_verdicts, record
from tests.tiny import SENTENCES
from tests.tiny_runs import words

REPORT = {"accuracy": 0.78, "interval": [0.71, 0.84], "cases": 50}
PLAIN = ["--owner", "ann", "--recipe", "tiny"]
CHOSEN = 12


def fill(conn: sqlite3.Connection) -> GateRow:
    """Add a dozen choices, and verdicts on four more pairs of prompts that are trained on."""
    asked = 0
    for at in range(60):
        answers = (SENTENCES[at % 3], SENTENCES[3 + at % 2])
        pair = add_pair(conn, f"Tell me about number {at}.", answers)
        if at < CHOSEN:
            payload = {"outcome": "a"}
            append_event(conn, kind="choice", actor="owner", pair_id=pair, payload=payload)
            continue
        seen = get_pair(conn, pair)
        if asked < 4 and seen is not None and side_of(seen.prompt_id, 0.2) == "train":
            add_verdicts(conn, both_ways_verdicts(pair, "b"))
            asked += 1
    made = gate(weight=0.4, report=REPORT)
    add_gate(conn, made)
    return made


def ready(*more: str) -> TrainingRun:
    return prepare(parse_request("dpo", [*PLAIN, *more]))


@pytest.mark.slow
def test_twin_json_says_which_judge_was_heard_and_how_it_was_measured(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = fill(open_store("ann", create=True))
    assert dpo.main(PLAIN) == 0
    said = capsys.readouterr().err
    folder = trained / "checkpoints/ann/002-dpo"
    told = json.loads((folder / "twin.json").read_text())
    chosen = told["rows"]["train"] - 4
    assert told["judging"] == {
        made.id: {
            "rows": 4,
            "judge": "claude",
            "model": "m",
            "answered": made.answered,
            "prompt_hash": "h",
            "briefing": made.briefing,
            "drawn_by": made.drawn_by,
            "weight": 0.4,
            "certainties": ["medium", "high"],
            "choices": "digest",
            "time": made.time,
            "report": REPORT,
        }
    }
    assert told["mix"] == {"judge": 4, "owner": chosen}
    assert told["rows"]["weights"] == {"judge": 1.6, "owner": chosen}
    assert chosen + told["rows"]["held_out"] == CHOSEN
    assert f"(4 judge weighing 1.6, {chosen} owner)" in said
    again = checkpoints.load(folder).lineage
    assert again is not None and again.judging == told["judging"]


@pytest.mark.slow
def test_a_recipe_may_leave_verdicts_out(trained: Path) -> None:
    fill(open_store("ann", create=True))
    heard, alone = ready(), ready("--verdicts", "false")
    assert heard.rows.mix["judge"] == 4
    assert alone.judging == {} and set(alone.rows.mix) == {"owner"}
    assert alone.inputs != heard.inputs


@pytest.mark.slow
def test_a_twin_that_heard_no_judge_says_nothing_of_one(trained: Path) -> None:
    assert dpo.main(words(trained, "dpo")) == 0
    folder = trained / "checkpoints/ann/002-dpo"
    assert "judging" not in json.loads((folder / "twin.json").read_text())
    assert lineage.read(folder).judging == {}


@pytest.mark.slow
def test_no_row_that_only_measures_is_a_verdict(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "dpo.jsonl").read_text().splitlines()]
    for at, row in enumerate(rows):
        row |= {"split": "held_out" if at < 6 else "train"}
        row |= {"source": "judge", "gate": "unknown"} if at % 2 else {}
    (trained / "dpo.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = prepare(parse_request("dpo", words(trained, "dpo")))
    assert [row.get("gate") for row in run.rows.held_out] == [None] * 3
    assert run.judging == {"unknown": {"rows": 9}}


@pytest.fixture
def box(trained: Path, tmp_path: Path) -> Path:
    """Another machine, which has the twin and nothing else."""
    root = tmp_path / "box"
    shutil.copytree(trained, root, symlinks=True)
    return root


def take_in(pack: Path, conn: sqlite3.Connection) -> Any:
    with open_bundle(pack) as bundle:
        bundle.verify()
        return unpack(bundle, conn, "ann")


def test_the_box_trains_on_verdicts_that_never_left_the_laptop(
    trained: Path, box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = open_store("ann", create=True)
    made = fill(laptop)
    add_records(laptop, [record("A day like any other.", kind="document")])
    here, pack = ready(), tmp_path / "train.pack"
    pack_for_training(laptop, "ann", Owner(name="Ann"), pack, recipe="tiny", adapter=False)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(box))
    conn = open_store("ann", create=True)
    take_in(pack, conn)
    assert list(iter_gates(conn)) == [made]
    assert list(iter_verdicts(conn)) == []
    there = ready()
    assert there.judging == here.judging != {}
    assert there.rows.hash == here.rows.hash
    judged = next(row["pair_id"] for row in there.rows.train if row.get("gate"))
    append_event(conn, kind="choice", actor="owner", pair_id=judged, payload={"outcome": "neither"})
    assert ready().rows.mix["judge"] == 3
    # What the laptop learned of the judge since arrives with the next pack.
    add_gate(laptop, gate(is_open=False, time="2026-02-01T00:00:00.000000Z"))
    pack_for_training(laptop, "ann", Owner(name="Ann"), pack, recipe="tiny", adapter=False)
    take_in(pack, conn)
    assert "judge" not in ready().rows.mix


def test_verdicts_and_gates_come_home_with_the_pairs(root: Path, tmp_path: Path) -> None:
    made, other = in_memory(), in_memory()
    attempt = fill(made)
    pack = tmp_path / "label.pack"
    pack_for_labelling(made, "ann", Owner(name="Ann"), pack)
    take_in(pack, other)
    assert list(iter_gates(other)) == [attempt]
    assert list(iter_verdicts(other)) == list(iter_verdicts(made))


def test_a_pack_of_nobodys_judge_holds_nothing_of_gates(root: Path, tmp_path: Path) -> None:
    conn = in_memory()
    add_pair(conn)
    pack = tmp_path / "label.pack"
    pack_for_labelling(conn, "ann", Owner(name="Ann"), pack)
    with open_bundle(pack) as bundle:
        assert "rows/gates.jsonl" not in bundle.manifest.members
