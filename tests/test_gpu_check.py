"""The walk over a GPU's promises: tried on a CPU, and each check seen to fail where it should."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_check, report
from benchmarks.gpu import ground as grounds
from benchmarks.gpu.ground import CHECKOUT, FailedRunError, Ground, Skipped, watched
from benchmarks.gpu.walk import Check, Outcome, walk
from benchmarks.harness import Row, at_most, reported

# What an interpreter with torch and its trainers need not hold.
_ABSENT = """\
import importlib.machinery
genuine = importlib.machinery.PathFinder.find_spec
absent = {"pytest", "_pytest", "deepspeed", "bitsandbytes", "textual", "anthropic", "wandb",
          "sklearn", "scipy", "hypothesis", "tensorboard", "trackio"}
def find(name, path=None, target=None):
    return None if name.partition(".")[0] in absent else genuine(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(find)
"""


class Bare:
    """A ground for checks that train nothing."""

    def tidy(self) -> None:
        """Have nothing to tidy."""


def outcome_of(measure: Callable[[Any], Iterable[Row]]) -> Outcome:
    return walk([Check("it", measure)], Bare(), lambda one: None)[0]  # type: ignore[arg-type]


def test_a_check_is_ok_failed_or_skipped_and_says_why() -> None:
    def skipped(_: Any) -> Iterator[Row]:
        yield reported("processes", 1)
        raise Skipped("deepspeed is not installed")

    def broken(_: Any) -> Iterator[Row]:
        yield reported("processes", 1)
        raise RuntimeError("CUDA error: out of memory\nmore of it")

    fine = outcome_of(lambda _: [at_most("difference", 0.1, 0.2)])
    assert fine.state == "ok" and [row.name for row in fine.recorded()] == ["it: difference"]
    missed = outcome_of(lambda _: [at_most("difference", 0.3, 0.2)])
    assert missed.state == "failed" and missed.reason == "difference: 0.3, should be <= 0.2"
    left = outcome_of(skipped)
    assert left.state == "skipped" and left.recorded()[-1].value is None
    assert left.recorded()[-1].name == "it (skipped: deepspeed is not installed)"
    fell = outcome_of(broken)
    assert fell.reason == "RuntimeError: CUDA error: out of memory"
    assert fell.recorded()[-1].holds is False and "failed" in fell.line()


def test_losses_of_unequal_length_are_never_the_same() -> None:
    assert grounds.largest_difference([1.0, 2.0], [1.0, 2.0]) == 0
    assert grounds.largest_difference([1.0, 2.0], [1.0, 2.1]) == pytest.approx(0.1 / 2.1)
    assert grounds.largest_difference([1.0, 2.0], [1.0]) == float("inf")
    assert grounds.largest_difference([], []) == float("inf")


def test_what_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "NEEDED", ("json", "no_such_library", "yaml"))
    said = gpu_check.unfit("cpu")
    assert said is not None and "no_such_library missing" in said and "PYTHONPATH" in said
    assert "json" not in said


def test_the_page_says_what_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    assert "`make gpu-check`: not measured yet" in report.page()
    rows = [reported("device: memory", 139.0, "GiB")]
    gpu_check.write("gpu_check", rows, tmp_path / "gpu.json", on="1 x a GPU")
    page = report.page()
    assert "not measured yet" not in page and "1 x a GPU" in page and "139 GiB" in page


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    root = tmp_path_factory.mktemp("gpu") / "root"
    with grounds.surroundings("cpu", root):
        yield Ground(root, "cpu", is_small=True)


def first_miss(rows: Iterable[Row]) -> str:
    """Return the name of the first row that misses its target; nothing after it is measured."""
    return next((row.name for row in rows if row.holds is False), "")


@pytest.mark.slow
def test_resuming_without_the_optimiser_s_states_is_seen(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer

    from benchmarks.gpu.training import resuming

    monkeypatch.setattr(Trainer, "_load_optimizer_and_scheduler", lambda self, folder: None)
    assert first_miss(resuming(ground)) == "sft, losses against a run never stopped"


@pytest.mark.slow
def test_a_check_of_the_reference_that_checks_nothing_is_seen(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from align.training import weighted_dpo as weighting
    from benchmarks.gpu.training import reference

    monkeypatch.setattr(weighting, "check_reference", lambda *args, **named: None)
    assert first_miss(reference(ground)) == "adapter, a wrong reference is caught"


@pytest.mark.slow
def test_a_policy_that_moved_before_its_first_step_is_seen(ground: Ground) -> None:
    import torch

    from benchmarks.gpu.training import families

    def moved(trainer: Any, run: Any) -> list[Any]:
        with torch.no_grad():
            for name, weight in trainer.model.named_parameters():
                if run.stage == "dpo" and "lora_B.default" in name:
                    weight.add_(torch.randn_like(weight))
        return []

    with watched(moved), pytest.raises(FailedRunError, match="policy and reference differ"):
        list(families(ground))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch_shapes", "checkpointing"])
def test_a_run_that_learns_at_another_rate_is_seen(ground: Ground, name: str) -> None:
    from benchmarks.gpu import training

    def faster(trainer: Any, run: Any) -> list[Any]:
        other = (
            trainer.args.gradient_accumulation_steps == 4
            if name == "batch_shapes"
            else trainer.args.gradient_checkpointing
        )
        trainer.args.learning_rate *= 20 if other else 1
        return []

    with watched(faster):
        assert first_miss(getattr(training, name)(ground)).startswith("sft")


@pytest.mark.slow
def test_answers_that_hang_on_more_than_the_seed_are_seen(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from align.models import loaded_model
    from benchmarks.gpu.answering import sampling

    monkeypatch.setattr(loaded_model, "uniforms", lambda keys, steps: torch.rand(len(keys), steps))
    assert first_miss(sampling(ground)) == "answers that differ when drawn again"


@pytest.mark.slow
def test_an_export_that_is_another_model_is_seen(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    from align.export import exporting
    from benchmarks.gpu.answering import exporting as measured

    genuine = exporting.export

    def spoilt(checkpoint: Any, asked: Any) -> Any:
        found = genuine(checkpoint, asked)
        file = asked.out / "model.safetensors"
        weights = load_file(file)
        weights["model.norm.weight"] *= -1
        save_file(weights, file, metadata={"format": "pt"})
        return found

    monkeypatch.setattr(exporting, "export", spoilt)
    assert first_miss(measured(ground)) == "adapter, same next words on the device"


@pytest.mark.slow
def test_the_walk_needs_nothing_but_torch_and_its_trainers(tmp_path: Path) -> None:
    """The checks that have no like elsewhere, where no other library is than those it names."""
    (tmp_path / "sitecustomize.py").write_text(_ABSENT)
    file = tmp_path / "gpu.json"
    elsewhere = {"families", "killed and resumed", "batch shapes"}
    only = [check.name for check in gpu_check.checks() if check.name not in elsewhere]
    words = ["--device", "cpu", "--small", "--json", str(file), "--only", *only]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_check", *words],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 ok, 0 failed, 3 skipped" in done.stdout
    assert "ZeRO-3" in done.stdout and "deepspeed is not installed" in done.stdout
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
    assert rows["ZeRO-2 (skipped: deepspeed is not installed)"]["value"] is None
    assert rows["half a billion weights: dpo full, speed"]["value"] > 0
    assert all(row["holds"] is not False for row in rows.values())
