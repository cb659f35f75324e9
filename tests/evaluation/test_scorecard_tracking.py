"""What of a scorecard reaches wandb: its figures, and no answer, habit or name."""

from pathlib import Path

import pytest

from align.evaluation.scorecard import HabitRow, Judge, Match, Measure, Sample, Scorecard
from align.evaluation.scorecard_tracking import track
from tests.training.tracking.wandb_files import records

CARD = Scorecard(
    owner="ann",
    checkpoints={word: {"name": word, "hash": "0" * 64} for word in ("base", "sft")},
    prompts=3,
    seeds=(0,),
    settings={"temperature": 1.0},
    judge=Judge("the base's answers", True, 1.5, "held-out writing", None, True, 0.15, 9, 0),
    matches=(
        Match("sft", "base", "voice judge", 3, 0, 0, 0.875, 0.4, 1.0),
        Match("sft", "base", "prefer the longer", 0, 0, 0, None, None, None),
    ),
    measures=(Measure("repetition", "no higher", {"base": 0.25}, owner=0.125),),
    habits=(HabitRow("says 'walnut'", "per text", "planted", 0.5, {"base": 0.1}),),
    samples=(Sample("Where is the lantern?", {"base": "Under the marmalade."}),),
)


def test_scorecard_is_a_table_of_figures_in_wandb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    monkeypatch.setenv("SOUNDALIKE_ROOT", str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    wandb.teardown()
    track("ann", CARD)
    wandb.teardown()
    folder = tmp_path / "checkpoints/ann/logs/wandb"
    held = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (log,) = folder.glob("offline-run-*/*.wandb")
    summary = {
        "/".join(item.nested_key) or item.key: item.value_json
        for record in records(log)
        for item in record.summary.update
    }
    assert summary["scorecard/repetition/base"] == "0.25"
    assert summary["win_rate/voice judge/sft over base"] == "0.875"
    assert "scorecard/repetition/sft" not in summary
    assert not any("prefer the longer" in name for name in summary)
    tables = [data for path, data in held.items() if path.suffix == ".html"]
    assert len(tables) == 2 and any(b"<td>repetition</td>" in table for table in tables)
    home = bytes(Path.home())
    planted = (b"walnut", b"lantern", b"marmalade", b"/ann/", bytes(tmp_path), home + b"/")
    assert [(path, word) for path, data in held.items() for word in planted if word in data] == []
