"""Two real processes on a CPU: torchrun, and DeepSpeed's ZeRO-2 and ZeRO-3, against one process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from align import dpo, sft
from align.models.lineage import read
from align.recipe.accelerate_config import surroundings
from tests.tiny_runs import DPO, SFT, dpo_row, sft_row, write_rows

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parent.parent.parent
CPU = {"use_cpu": True, "num_processes": 2, "mixed_precision": "no"}
# Of which 24 and 16 train: whole steps of 8, however they are divided.
SFT_ROWS, DPO_ROWS = 25, 20
LIVE = ("--precompute_ref_log_probs", "false")


@pytest.fixture(scope="module")
def root(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root in which one process trained owner `one`, 8 rows a step; each test adds owners."""
    root = tmp_path_factory.mktemp("parallel") / "root"
    shutil.copytree(tiny_base, root / "models" / "tiny")
    for name in ("recipes/tiny", "recipes/accelerate", "data", "checkpoints"):
        (root / name).mkdir(parents=True)
    sft_recipe = SFT.replace("lora_dropout: 0.1", "lora_dropout: 0.0")
    dpo_recipe = DPO.replace("[sigmoid]", "[sigmoid, sft]\nloss_weights: [1.0, 0.2]")
    dpo_recipe = dpo_recipe.replace("num_train_epochs: 1", "num_train_epochs: 4")
    (root / "recipes/tiny/sft.yaml").write_text(sft_recipe)
    (root / "recipes/tiny/dpo.yaml").write_text(dpo_recipe)
    write_rows(root / "sft.jsonl", [sft_row(at) for at in range(SFT_ROWS)])
    write_rows(root / "dpo.jsonl", [dpo_row(at) for at in range(DPO_ROWS)])
    for name in ("zero2", "zero3"):
        settings = yaml.safe_load((CHECKOUT / f"recipes/accelerate/{name}.yaml").read_text())
        (root / f"recipes/accelerate/{name}.yaml").write_text(yaml.safe_dump(settings | CPU))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDALIKE_ROOT", str(root))
        eight = ("--per_device_train_batch_size", "8")
        assert sft.main(words(root, "sft", "one", *eight)) == 0
        assert dpo.main(words(root, "dpo", "one", *eight)) == 0
        yield root


def twin(root: Path, owner: str, stage: str) -> Path:
    return root / "checkpoints" / owner / stage


def words(root: Path, stage: str, owner: str, *more: str, parent: str = "one") -> list[str]:
    rows = ["--dataset", str(root / f"{stage}.jsonl")]
    if stage == "dpo":
        rows += ["--checkpoint", str(twin(root, parent, "sft").resolve())]
    return ["--owner", owner, "--recipe", "tiny", *rows, *more]


def environment(root: Path) -> dict[str, str]:
    paths = surroundings(CPU | {"distributed_type": "DEEPSPEED"})
    return {**os.environ, **paths, "OMP_NUM_THREADS": "1", "SOUNDALIKE_ROOT": str(root)}


def started_with(launcher: list[str], root: Path, line: list[str]) -> list[dict[str, Any]]:
    """Run a launcher to its end and return what each process noted."""
    stage, owner = line[0], line[2]
    notes = root / "notes" / f"{owner}-{stage}"
    notes.mkdir(parents=True)
    module = ["-m", "tests.training.recording_run", str(notes)]
    done = subprocess.run(
        [sys.executable, "-m", *launcher, *module, *line],
        env=environment(root), cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(file.read_text()) for file in sorted(notes.iterdir())]


def torchrun(root: Path, *line: str) -> list[dict[str, Any]]:
    return started_with(["torch.distributed.run", "--standalone", "--nproc_per_node", "2"],
                        root, list(line))  # fmt: skip


def accelerate(name: str, root: Path, *line: str) -> list[dict[str, Any]]:
    config = str(root / f"recipes/accelerate/{name}.yaml")
    port = ["--main_process_port", "0"]
    return started_with(
        ["accelerate.commands.launch", "--config_file", config, *port], root, list(line)
    )


def losses(folder: Path) -> list[float]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def assert_same_training(root: Path, stage: str, owner: str) -> None:
    """Hold an owner's run against that of one process: every loss, and the weights."""
    from safetensors.torch import load_file

    ours, theirs = twin(root, owner, stage), twin(root, "one", stage)
    assert len(losses(ours)) > 2
    assert losses(ours) == pytest.approx(losses(theirs), rel=1e-4)
    mine, other = (load_file(folder / "adapter_model.safetensors") for folder in (ours, theirs))
    assert mine.keys() == other.keys()
    for name, weight in mine.items():
        assert weight.shape == other[name].shape
        assert (weight - other[name]).abs().max() < 1e-3, name
    assert "ref" not in {path.name for path in ours.iterdir()}


def test_data_parallel_equals_one_process(root: Path) -> None:
    for stage in ("sft", "dpo"):
        notes = torchrun(root, stage, *words(root, stage, "ddp"))
        assert [note["wrapper"] for note in notes] == ["DistributedDataParallel"] * 2
        assert [note["processes"] for note in notes] == [2, 2]
        assert_same_training(root, stage, "ddp")


def test_zero_2_divides_the_optimiser_and_equals_one_process(root: Path) -> None:
    for stage in ("sft", "dpo"):
        notes = accelerate("zero2", root, stage, *words(root, stage, "zero2"))
        assert len(notes) == 2
        for note in notes:
            assert (note["wrapper"], note["zero_stage"]) == ("DeepSpeedEngine", 2)
            assert note["processes"] == 2
            assert note["parameters_held"] == note["parameters"]
            assert note["states_held"] == pytest.approx(note["trained"] / 2, abs=8)
        assert_same_training(root, stage, "zero2")


def test_zero_3_divides_the_weights_and_its_twins_load_in_one_process(root: Path) -> None:
    for stage in ("sft", "dpo"):
        notes = accelerate("zero3", root, stage, *words(root, stage, "zero3"))
        assert len(notes) == 2
        for note in notes:
            assert (note["wrapper"], note["zero_stage"]) == ("DeepSpeedEngine", 3)
            assert note["processes"] == 2
            assert note["parameters_held"] == pytest.approx(note["parameters"] / 2, rel=0.01)
            assert note["states_held"] == pytest.approx(note["trained"] / 2, rel=0.01)
            assert note["is_reference_checked"] in (None, True)
        assert_same_training(root, stage, "zero3")
    # The run above took one process's twin as its parent; this takes ZeRO-3's in one process.
    eight = ("--per_device_train_batch_size", "8")
    assert dpo.main(words(root, "dpo", "back", *eight, parent="zero3")) == 0
    assert_same_training(root, "dpo", "back")


def test_deepspeed_that_a_recipe_leaves_out_is_refused(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "align.sft", *words(root, "sft", "refused", "--use_cpu", "true")],
        env={**environment(root), "ACCELERATE_USE_DEEPSPEED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "use_cpu leaves DeepSpeed out" in done.stderr


def test_killed_worker_ends_the_job_and_the_same_command_goes_on(root: Path) -> None:
    # The long command, never stopped.
    config = root / "recipes/tiny/dpo.yaml"
    long = words(root, "dpo", "whole", *LIVE)
    long[long.index("--recipe") : long.index("--recipe") + 2] = ["--config", str(config)]
    notes = accelerate("zero3", root, "dpo", *long)
    assert all(note["is_reference_checked"] for note in notes)
    assert_same_training(root, "dpo", "whole")
    # The short one, one of whose two processes is killed.
    line = [sys.executable, "-m", "align.cli", "dpo", *words(root, "dpo", "killed", *LIVE)]
    line += ["--accelerate", "zero3"]
    work = root / "checkpoints/killed/.work"
    with subprocess.Popen(line, env=environment(root), stderr=subprocess.PIPE, text=True) as run:
        while run.poll() is None and not list(work.glob("*/checkpoint-*/whole")):
            time.sleep(0.02)
        _worker(run.pid, "1").send_signal(signal.SIGKILL)
        assert run.stderr is not None
        said = run.stderr.read()
        assert run.wait() == 1
    assert "SIGKILL" in said
    assert not twin(root, "killed", "dpo").exists()
    done = subprocess.run(line, env=environment(root), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on from step" in done.stderr
    ours, theirs = twin(root, "killed", "dpo"), twin(root, "whole", "dpo")
    assert losses(ours) == pytest.approx(losses(theirs), rel=1e-6)
    name = "adapter_model.safetensors"
    assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    assert read(ours).inputs == read(theirs).inputs


def _worker(parent: int, rank: str) -> psutil.Process:
    """Return the training process of a rank among a command's descendants."""
    for process in psutil.Process(parent).children(recursive=True):
        if process.environ().get("RANK") == rank:
            return process
    raise AssertionError(f"no process of rank {rank}")
