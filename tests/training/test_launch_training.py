"""`align sft` before torch: what it checks, what it starts, and whose verdict it hands on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from align.errors import UserError
from align.recipe.accelerate_config import accelerate_file, command, surroundings
from tests.tiny_runs import words

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CPU = {"distributed_type": "NO", "use_cpu": True, "num_processes": 1, "mixed_precision": "no"}
ZERO = {"distributed_type": "DEEPSPEED", "use_cpu": True, "num_processes": 2}
LIGHT = """
import sys
from align.cli import app, run
code = run(lambda: app({words!r}, prog_name="align", standalone_mode=False))
heavy = sorted({{"torch", "transformers", "trl", "peft", "datasets"}} & set(sys.modules))
print(code, heavy)
"""


def light(root: Path, line: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `align …` in a process of its own; stdout is the code and the heavy modules it met."""
    environment = {**os.environ, "SOUNDALIKE_ROOT": str(root), "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        [sys.executable, "-c", LIGHT.format(words=line)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def with_accelerate(root: Path) -> Path:
    (root / "recipes" / "accelerate").mkdir()
    (root / "recipes" / "accelerate" / "cpu.yaml").write_text(json.dumps(CPU))
    return root


def test_single_process_is_started_without_the_launcher(tmp_path: Path) -> None:
    module = ["align.sft", "--owner", "ann"]
    assert command(tmp_path, CPU, module) == [sys.executable, "-m", *module]
    assert surroundings(CPU)["ACCELERATE_USE_CPU"] == "true"
    assert "align.training.accelerate_launcher" in command(tmp_path, ZERO, module)
    assert "OMP_NUM_THREADS" in surroundings(ZERO)


def test_unknown_accelerate_configuration_names_those_there_are() -> None:
    with pytest.raises(UserError, match="no such configuration"):
        accelerate_file("zero9")


def test_unchanged_run_is_skipped_without_torch(trained: Path) -> None:
    with_accelerate(trained)
    done = light(trained, ["sft", *words(trained, "sft"), "--accelerate", "cpu"])
    assert done.stdout == "0 []\n"
    assert "sft: nothing changed since checkpoints/ann/001-sft; skipped" in done.stderr


def test_mistakes_are_found_without_torch(trained: Path) -> None:
    with_accelerate(trained)
    line = ["sft", *words(trained, "sft"), "--accelerate", "cpu", "--lerning_rate", "1"]
    done = light(trained, line)
    assert done.stdout == "2 []\n"
    assert done.stderr == (
        "--lerning_rate: unknown key 'lerning_rate'. Did you mean 'learning_rate'?\n"
    )


@pytest.mark.slow
def test_killed_run_goes_on_and_hands_on_its_verdict(trained: Path) -> None:
    with_accelerate(trained)
    more = ["--accelerate", "cpu", "--num_train_epochs", "25", "--save_steps", "10"]
    line = [sys.executable, "-m", "align.cli", "sft", *words(trained, "sft"), *more]
    environment = {**os.environ, "SOUNDALIKE_ROOT": str(trained), "PYTHONPATH": str(CHECKOUT)}
    work = trained / "checkpoints" / "ann" / ".work"

    def stopped_by(number: int, *, alone: bool = False) -> int:
        with subprocess.Popen(line, env=environment, start_new_session=True) as run:
            known = set(work.glob("*/checkpoint-*/whole"))
            while run.poll() is None and set(work.glob("*/checkpoint-*/whole")) <= known:
                time.sleep(0.05)
            (os.kill if alone else os.killpg)(run.pid, number)
            return run.wait()

    assert stopped_by(signal.SIGKILL) == -signal.SIGKILL
    assert stopped_by(signal.SIGINT) == 130
    assert stopped_by(signal.SIGTERM, alone=True) == 143
    assert not (trained / "checkpoints/ann/002-sft").exists()
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on from step" in done.stderr
    assert (trained / "checkpoints/ann/002-sft/twin.json").is_file()


@pytest.mark.slow
def test_two_processes_under_the_launcher_publish_one_twin(trained: Path) -> None:
    with_accelerate(trained)
    config = trained / "recipes" / "accelerate" / "two.yaml"
    deepspeed = {"zero_stage": 2, "gradient_accumulation_steps": 1}
    config.write_text(json.dumps({**ZERO, "deepspeed_config": deepspeed}))
    environment = {**os.environ, "SOUNDALIKE_ROOT": str(trained), "PYTHONPATH": str(CHECKOUT)}
    line = [sys.executable, "-m", "align.cli", "dpo", *words(trained, "dpo")]
    done = subprocess.run(
        [*line, "--accelerate", "two"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is ready. Next: make evaluate OWNER=ann") == 1
    assert (trained / "checkpoints/ann/002-dpo/twin.json").is_file()
