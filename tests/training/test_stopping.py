"""A run that is stopped goes on as if it never had been; what changed since is said."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.models import checkpoints
from align.training.run_state import RunState
from align.training.saves import WHOLE, last_whole, prune, whole_saves
from tests.tiny_runs import words

ADAPTER = "adapter_model.safetensors"
MAINS = {"sft": sft.main, "dpo": dpo.main}


def tell_at(step: int, number: int = signal.SIGTERM) -> pytest.MonkeyPatch:
    """Let a signal come while a step is under way; undo the patch before the next run."""
    from align.training.callbacks import RunMonitor

    def told(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == step - 1:
            os.kill(os.getpid(), number)

    patch = pytest.MonkeyPatch()
    patch.setattr(RunMonitor, "on_step_begin", told)
    return patch


def log_of(folder: Path) -> list[dict[str, Any]]:
    """Return the log without what the clock says."""
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    timed = ("runtime", "per_second", "flos", "train_loss")
    return [
        {key: value for key, value in entry.items() if not any(one in key for one in timed)}
        for entry in entries
        if "train_runtime" not in entry
    ]


def work(root: Path) -> list[Path]:
    return sorted((root / "checkpoints/ann/.work").glob("*-*"))


MORE = {
    "sft": [
        "--num_train_epochs", "2", "--train_sampling_strategy", "group_by_length",
        "--logging_steps", "3", "--eval_strategy", "steps", "--eval_steps", "4",
    ],
    "dpo": ["--num_train_epochs", "2", "--logging_steps", "3", "--eval_strategy", "epoch"],
    "dpo, live reference": ["--precompute_ref_log_probs", "false", "--save_steps", "100"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "steps"), [("sft", 8), ("sft", 6), ("dpo", 7), ("dpo", 5), ("dpo, live reference", 3)]
)
def test_run_stopped_in_mid_run_ends_as_one_never_stopped(
    trained: Path, capsys: pytest.CaptureFixture[str], kind: str, steps: int
) -> None:
    stage = kind.split(",")[0]
    line = words(trained, stage, "--seed", "5", *MORE[kind])
    assert MAINS[stage](line) == 0
    made = trained / f"checkpoints/ann/002-{stage}"
    kept = made.rename(trained / "whole")
    patch = tell_at(steps)
    assert MAINS[stage](line) == 143
    patch.undo()
    said = capsys.readouterr().err
    assert f"{stage}: stopped after step {steps} of " in said
    assert "; the same command goes on from there\n" in said
    assert not made.exists()
    assert MAINS[stage](line) == 0
    assert f"{stage}: going on from step {steps}\n" in capsys.readouterr().err
    assert log_of(made) == log_of(kept)
    assert (made / ADAPTER).read_bytes() == (kept / ADAPTER).read_bytes()


def test_ctrl_c_while_loading_and_while_evaluating_breaks_nothing(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(trained, "sft", "--seed", "5")

    def interrupted(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with monkeypatch.context() as patch:
        patch.setattr("align.training.trainer_loop.seed_everything", interrupted)
        assert sft.main(line) == 130
    assert "sft: stopped before the first save; the same command begins anew" in (
        capsys.readouterr().err
    )
    with monkeypatch.context() as patch:
        patch.setattr("trl.SFTTrainer.evaluate", interrupted)
        assert sft.main(line) == 130
    said = capsys.readouterr().err
    assert "sft: stopped after step 6 of 6; the same command goes on from there" in said
    assert sft.main(line) == 0
    assert "going on from step 6" in capsys.readouterr().err
    assert checkpoints.resolve("ann", "sft").name == "002-sft"


def test_kill_between_the_number_and_the_link_is_mended(trained: Path) -> None:
    line = words(trained, "sft", "--seed", "5")
    assert sft.main(line) == 0
    link = trained / "checkpoints/ann/sft"
    link.unlink()
    link.symlink_to("001-sft")
    assert sft.main(line) == 0
    assert os.readlink(link) == "002-sft"


def test_changed_recipe_is_refused_with_the_difference_and_restart_begins_anew(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(trained, "sft", "--seed", "5")
    patch = tell_at(3)
    assert sft.main(line) == 143
    patch.undo()
    capsys.readouterr()
    changed = [*line, "--learning_rate", "2e-4"]
    assert sft.main(changed) == 2
    assert capsys.readouterr().err == (
        "sft, stopped after step 3 of 6: the recipe changed since (learning_rate: 0.01 -> 2e-4). "
        "Go on with the old values, or say --restart (leaves that run and begins anew).\n"
    )
    # What changes nothing of the result may change.
    again = tell_at(4)
    assert sft.main([*line, "--save_steps", "9"]) == 143
    again.undo()
    assert "going on from step 3" in capsys.readouterr().err
    assert sft.main([*changed, "--restart"]) == 0
    said = capsys.readouterr().err
    assert "sft: beginning anew (what stopped after step 4 of 6 is left)" in said
    assert "going on" not in said
    twin = json.loads((trained / "checkpoints/ann/002-sft/twin.json").read_text())
    assert twin["recipe"]["values"]["learning_rate"] == 0.0002
    assert not work(trained)


@pytest.mark.slow
def test_restart_leaves_the_stopped_run_and_the_old_values_find_it_again(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(trained, "sft", "--seed", "5")
    changed = words(trained, "sft", "--seed", "6")
    patch = tell_at(3)
    assert sft.main(line) == 143
    assert sft.main([*changed, "--restart"]) == 143
    patch.undo()
    said = capsys.readouterr().err
    assert "sft: beginning anew (what stopped after step 3 of 6 is left)" in said
    assert len(work(trained)) == 2
    patch = tell_at(5)
    assert sft.main(changed) == 143
    assert "going on from step 3" in capsys.readouterr().err
    assert sft.main(line) == 143
    assert "going on from step 3" in capsys.readouterr().err
    patch.undo()


@pytest.mark.slow
def test_other_rows_begin_anew_and_say_why(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(trained, "sft", "--seed", "5")
    patch = tell_at(3)
    assert sft.main(line) == 143
    rows = trained / "sft.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:16]))
    assert sft.main(line) == 143
    patch.undo()
    said = capsys.readouterr().err
    assert "sft: the rows changed since (-" in said and "beginning anew" in said


def test_state_of_an_earlier_version_is_readable(tmp_path: Path) -> None:
    state = {
        "inputs": "i", "recipe": {"seed": 3}, "base": "b", "parent": None, "rows": "r",
        "train_rows": 20, "steps": 6, "spread": "1 process", "left": False,
        "changes": [{"step": 4, "changes": {"learning_rate": [0.01, 0.0002]}}],
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(state))
    kept = RunState.read(tmp_path)
    assert kept is not None and kept.steps == 6 and kept.recipe == {"seed": 3}


def test_best_save_is_never_pruned(tmp_path: Path) -> None:
    for step in (2, 4, 6, 8, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / WHOLE).touch()
    prune(tmp_path, 2, 4)
    assert [save.name for save in whole_saves(tmp_path)] == [
        "checkpoint-4", "checkpoint-8", "checkpoint-10",
    ]  # fmt: skip
    prune(tmp_path, None, None)
    assert last_whole(tmp_path) == tmp_path / "checkpoint-10"


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_best_step_is_published_where_the_recipe_asks_for_it(
    trained: Path, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    line = words(
        trained, stage, "--seed", "5", "--learning_rate", "0.5", "--eval_strategy", "steps",
        "--eval_steps", "1", "--save_steps", "100", "--publish_best",
    )  # fmt: skip
    assert MAINS[stage](line) == 0
    folder = trained / f"checkpoints/ann/002-{stage}"
    twin = json.loads((folder / "twin.json").read_text())
    best = twin["metrics"]["best"]
    name = "eval_loss" if stage == "sft" else "eval_rewards/accuracies"
    values = {entry["step"]: entry[name] for entry in log_of(folder) if name in entry}
    wanted = min(values.values()) if stage == "sft" else max(values.values())
    assert best["metric"] == name and best["value"] == wanted
    assert best["step"] == min(step for step, value in values.items() if value == wanted)
    assert twin["metrics"]["published_step"] == best["step"] < twin["metrics"]["steps"]
    if stage == "sft":
        assert twin["metrics"]["held_out_loss"] == pytest.approx(wanted, rel=1e-5)
    else:
        # Only what was evaluated last counts, and not each evaluation on the way.
        assert twin["metrics"]["held_out_pairs"] == twin["rows"]["held_out"]
    assert "was the best, and is the one published" in capsys.readouterr().err


def test_publish_best_without_evaluation_is_refused(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sft.main(words(trained, "sft", "--publish_best")) == 2
    assert "publish_best, but nothing is evaluated on the way" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sft", "dpo"])
def test_help_says_how_stopping_works(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from align.cli import app

    app([command, "--help"], standalone_mode=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "stops it after the step that is under way, with a save" in said
    assert "--restart" in said
