"""What reaches a tracker: the promised figures, from real runs; and no text, name or path."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import wandb

from align import dpo, sft
from align.recipe.recipe_file import RecipeError, read_recipe
from align.training.tracking.wandb_runs import group_of, without_names
from tests.tiny_runs import dpo_row, sft_row, words, write_rows
from tests.training.tracking.wandb_files import records

CHECKOUT = Path(__file__).resolve().parents[3]
OWNER = "Quillon Zimmerthal"
PLANTED = {
    "prompt": "Where did you hide the lantern of Oberwald?",
    "answer": "Under the walnut stair, where nobody ever looks.",
    "rejected": "The marmalade harbour is closed on Sundays.",
}
KEPT_OUT = [*PLANTED.values(), "Quillon", "Zimmerthal", "lantern", "walnut", "marmalade"]


@dataclass
class Told:
    """What one file of wandb's holds."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    alerts: list[Any] = field(default_factory=list)


def told(path: Path) -> Told:
    found = Told()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found.run = record.run
            found.config |= {i.key: json.loads(i.value_json) for i in record.run.config.update}
        elif kind == "history":
            found.history.append(_values(record.history.item))
        elif kind == "summary":
            found.summary |= _values(record.summary.update)
        elif kind == "alert":
            found.alerts.append(record.alert)
    return found


def _values(items: Any) -> dict[str, Any]:
    return {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}


def runs(root: Path) -> list[Told]:
    """Return the runs that were logged offline, by their time."""
    files = sorted(root.glob("checkpoints/ann/logs/wandb/offline-run-*/*.wandb"))
    return [told(file) for file in files]


def files(root: Path) -> dict[Path, bytes]:
    folder = root / "checkpoints/ann/logs"
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leaks(root: Path, *words: str) -> list[tuple[str, str]]:
    return [
        (path.name, word)
        for path, data in files(root).items()
        for word in words
        if word.lower().encode() in data.lower()
    ]


@pytest.fixture
def keyless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine where wandb finds neither a key nor settings of its own."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    wandb.teardown()
    yield
    wandb.teardown()


@pytest.fixture
def root(trained_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with rows of an owner's, sentences planted in them, and no twin yet."""
    root = tmp_path / "house"
    shutil.copytree(trained_root, root, symlinks=True)
    shutil.rmtree(root / "checkpoints/ann")
    owner = root / "data/ann"
    owner.mkdir(parents=True, exist_ok=True)
    (owner / "owner.yaml").write_text(f"name: {OWNER}\naliases: [Zimmerthal]\n")
    told_row = [
        {"role": "user", "content": PLANTED["prompt"]},
        {"role": "assistant", "content": PLANTED["answer"]},
    ]
    write_rows(root / "sft.jsonl", 3 * [{"messages": told_row}] + [sft_row(at) for at in range(12)])
    choice = {
        "prompt": PLANTED["prompt"],
        "chosen": PLANTED["answer"],
        "rejected": PLANTED["rejected"],
        "source": "a chat with Zimmerthal",
    }
    write_rows(root / "dpo.jsonl", 3 * [choice] + [dpo_row(at) for at in range(12)])
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    return root


TO_WANDB = ("--report_to", "wandb")


@pytest.mark.slow
def test_offline_run_holds_the_promised_figures_and_nothing_private(
    root: Path, keyless: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sft.main(words(root, "sft", *TO_WANDB)) == 0
    assert dpo.main(words(root, "dpo", *TO_WANDB)) == 0
    said = capsys.readouterr().err
    assert said.count("wandb: there is no key here; the run is logged on this machine only") == 2
    first, second = runs(root)

    assert [run.run.display_name for run in (first, second)] == ["sft 001 tiny", "dpo 002 tiny"]
    assert [run.run.job_type for run in (first, second)] == ["sft", "dpo"]
    assert {run.run.project for run in (first, second)} == {"soundalike"}
    assert list(second.run.tags) == ["dpo", "tiny", "tiny"]
    assert first.run.run_group == second.run.run_group
    assert first.run.run_group.startswith(group_of("ann") + "-")
    assert "wandb sync " in said and f"offline-run-*-{second.run.run_id}\n" in said

    assert second.config["learning_rate"] == 5e-3 and second.config["beta"] == 0.3
    manifest = second.config["manifest"]
    assert manifest["parent"]["name"] == "001-sft" and len(manifest["base"]["hash"]) == 64
    assert sum(manifest["rows"]["sources"].values()) == manifest["rows"]["train"]
    assert set(manifest["rows"]["sources"]) <= {"imported", "other"}
    assert manifest["versions"]["trl"] and second.config["device"]["processes"] == 1

    for run in (first, second):
        trained = [step for step in run.history if "train/loss" in step]
        assert [step["train/global_step"] for step in trained] == list(range(1, len(trained) + 1))
        for key in ("tokens_per_second", "flops_per_second", "share_of_peak", "peak_memory_gib"):
            assert all(step[f"train/{key}"] > 0 for step in trained)
        assert run.summary["final/tokens_per_second"] > 0
    wanted = {
        "train/rewards/chosen", "train/rewards/margins", "train/rewards/accuracies",
        "train/logps/chosen", "train/loss/weighted", "eval/rewards/accuracies",
    }  # fmt: skip
    assert wanted <= {key for step in second.history for key in step}
    assert second.summary["step_0/reference_agrees"] is True
    assert second.summary["step_0/rewards/margins"] == pytest.approx(0, abs=1e-4)
    accuracy = second.summary["final/reward_accuracy"]
    low, high = (second.summary[f"final/reward_accuracy_{end}"] for end in ("low", "high"))
    assert low <= accuracy <= high
    assert "rows/train_chosen_longer_by_words" in second.summary
    lineage = json.loads((root / "checkpoints/ann/002-dpo/twin.json").read_text())
    assert lineage["metrics"]["tokens_per_second"] > 0

    assert any(b"train/loss" in data for data in files(root).values())
    host = socket.gethostname()
    named = [host] if len(host) > 5 else []
    assert leaks(root, *KEPT_OUT, *named, str(root), "/ann/", "--owner", str(Path.home())) == []


@pytest.mark.slow
def test_stopped_run_goes_on_as_the_same_run_and_equals_one_nobody_watched(
    root: Path, keyless: None
) -> None:
    from align.training.callbacks import RunMonitor

    assert sft.main(words(root, "sft")) == 0
    adapter = "adapter_model.safetensors"
    alone = (root / "checkpoints/ann/001-sft" / adapter).read_bytes()
    shutil.rmtree(root / "checkpoints/ann")

    def told_to_stop(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunMonitor, "on_step_begin", told_to_stop)
        assert sft.main(words(root, "sft", *TO_WANDB)) != 0
    assert sft.main(words(root, "sft", *TO_WANDB)) == 0
    before, after = runs(root)
    assert before.run.run_id == after.run.run_id
    assert before.run.display_name == after.run.display_name == "sft 001 tiny"
    steps = [step["train/global_step"] for run in (before, after) for step in run.history
             if "train/loss" in step]  # fmt: skip
    assert steps == list(range(1, len(steps) + 1))
    assert "final/steps" in after.summary and "final/steps" not in before.summary
    # What is measured on the way draws no random number of the training's.
    assert (root / "checkpoints/ann/001-sft" / adapter).read_bytes() == alone


@pytest.mark.slow
def test_unreachable_wandb_is_said_once_and_an_alarm_with_the_text_are_still_kept(
    root: Path, keyless: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.training.alarms import Alarm
    from align.training.tracking import wandb_runs
    from align.training.tracking.reporter import Reporter

    monkeypatch.setattr(wandb_runs, "_OPENING", 1.0)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    wandb.teardown()
    sound = Reporter.on_train_end

    def alarmed(self: Any, *args: Any, **more: Any) -> None:
        self.on_alarm(Alarm("planted", f"{OWNER} in {root}/checkpoints/ann/x fell"))
        sound(self, *args, **more)

    monkeypatch.setattr(Reporter, "on_train_end", alarmed)
    assert sft.main(words(root, "sft", *TO_WANDB, "--wandb_text", "true")) == 0
    said = capsys.readouterr().err
    assert said.count("it can't be reached") == 1
    assert said.count("TEXT of the owner's") == 1
    (run,) = runs(root)
    (alert,) = run.alerts
    assert (alert.title, alert.text) == ("planted", "owner in x fell")
    assert run.summary["alarms/planted"] == "owner in x fell"
    assert leaks(root, PLANTED["answer"]), "wandb_text was asked for"
    assert leaks(root, str(root), "/ann/", f"{Path.home()}/") == []
    assert not list(root.glob("checkpoints/ann/logs/wandb/run-*"))


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed"
)
def test_tensorboard_gets_the_same_figures(root: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert sft.main(words(root, "sft", "--report_to", "tensorboard")) == 0
    read = EventAccumulator(str(root / "checkpoints/ann/logs/tensorboard/001-sft"))
    read.Reload()
    assert {"train/loss", "train/tokens_per_second", "summary/final/steps"} <= set(
        read.Tags()["scalars"]
    )
    assert leaks(root, *KEPT_OUT, str(root)) == []


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("trackio") is None, reason="trackio is not installed")
def test_trackio_keeps_its_runs_beside_the_twins_whatever_the_environment_says(root: Path) -> None:
    line = [sys.executable, "-m", "align.sft", *words(root, "sft", "--report_to", "trackio")]
    surroundings = {**os.environ, "TRACKIO_SPACE_ID": "ann/space", "SOUNDALIKE_ROOT": str(root)}
    surroundings.pop("TRACKIO_DIR", None)
    done = subprocess.run(line, env=surroundings, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    database = (root / "checkpoints/ann/logs/trackio/soundalike.db").read_bytes()
    assert b"train/loss" in database
    assert leaks(root, *KEPT_OUT, str(root)) == []


def test_other_trackers_are_refused_before_anything_starts(tmp_path: Path) -> None:
    recipe = tmp_path / "sft.yaml"
    recipe.write_text("model_name_or_path: x\nreport_to: [wandb, mlflow]\ntrackio_space_id: me/s\n")
    with pytest.raises(RecipeError) as refused:
        read_recipe(recipe, "sft")
    assert len(refused.value.problems) == 2
    assert "can't be 'mlflow'" in str(refused.value)
    assert "trackio keeps its runs on this machine" in str(refused.value)


def test_what_is_reported_does_not_change_what_a_recipe_is(tmp_path: Path) -> None:
    recipe = tmp_path / "sft.yaml"
    recipe.write_text("model_name_or_path: x\n")
    plain = read_recipe(recipe, "sft")
    loud = read_recipe(recipe, "sft", (*TO_WANDB, "--wandb_text", "--wandb_owner"))
    assert plain.hash == loud.hash


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Ann's run", "owner's run"),
        ("planning, annual", "planning, annual"),
        ("ANN_2", "owner_2"),
        ("at /home/ann/models/tiny-7b: gone", "at tiny-7b: gone"),
        ("~/x/y and ../x/y/z", "y and z"),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("https://example.org/a", "https://example.org/a"),
        ({"ann": ["by ann", 3, None]}, {"owner": ["by owner", 3, None]}),
    ],
)
def test_names_and_paths_are_taken_out(before: Any, after: Any) -> None:
    assert without_names(before, ["ann"]) == after
