"""recipes/accelerate/: each loads, opens with its command, and is what the devices call for."""

import os
import subprocess
from pathlib import Path

import pytest

from align.errors import UserError
from align.recipe.accelerate_config import (
    accelerate_file,
    command,
    offload,
    processes,
    read_settings,
    surroundings,
    visible_gpus,
    zero_stage,
)

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "accelerate"
NAMES = [
    "contrib/fsdp2",
    "contrib/several_machines",
    "cpu",
    "mps",
    "multi_gpu",
    "single_gpu",
    "zero2",
    "zero3",
    "zero3_offload",
]


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which `nvidia-smi -L` lists as many GPUs as the file says."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    count = tmp_path / "count"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\n"
        f'for n in $(seq 0 $(($(cat "{count}") - 1))); do\n'
        '  echo "GPU $n: NVIDIA H200 (UUID: GPU-$n)"\ndone\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    return count


def test_there_are_nine_of_them() -> None:
    files = RECIPES.rglob("*.yaml")
    assert sorted(str(file.relative_to(RECIPES).with_suffix("")) for file in files) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_accelerate_reads_it(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    file = accelerate_file(name)
    config = load_config_from_file(str(file))
    assert config.num_machines == (2 if name == "contrib/several_machines" else 1)
    assert ("zero" in name) == (config.distributed_type.value == "DEEPSPEED")
    assert config.use_cpu == (name == "cpu")


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_its_command_and_says_where_it_was_run(name: str) -> None:
    lines = (RECIPES / f"{name}.yaml").read_text().splitlines()
    assert lines[0].startswith(f"# accelerate launch --config_file recipes/accelerate/{name}.yaml")
    assert any("Run on:" in line for line in lines)


def test_slurm_script_is_a_shell_script_and_starts_the_launcher_on_every_machine() -> None:
    script = RECIPES / "contrib" / "several_machines.slurm"
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text()
    for word in ("--machine_rank", "--main_process_ip", "--main_process_port", "--num_processes"):
        assert word in text
    assert "Run on: not run" in text


def test_zero_stages_and_what_is_kept_outside_the_gpus() -> None:
    def said(name: str) -> tuple[int, tuple[bool, bool]]:
        settings = read_settings(accelerate_file(name))
        return zero_stage(settings), offload(settings)

    assert said("cpu") == said("multi_gpu") == (0, (False, False))
    assert said("zero2") == (2, (False, False))
    assert said("zero3") == (3, (False, False))
    assert said("zero3_offload") == (3, (True, True))


def test_deepspeeds_own_file_is_read(tmp_path: Path) -> None:
    own = tmp_path / "ds.json"
    own.write_text('{"zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}}}')
    settings = {
        "distributed_type": "DEEPSPEED",
        "deepspeed_config": {"deepspeed_config_file": str(own)},
    }
    assert zero_stage(settings) == 3
    assert offload(settings) == (True, False)
    own.write_text("no JSON")
    with pytest.raises(UserError, match="not a DeepSpeed configuration"):
        zero_stage(settings)


@pytest.mark.parametrize(
    ("there", "visible", "chosen"),
    [
        (0, None, "cpu"),
        (1, None, "single_gpu"),
        (4, None, "multi_gpu"),
        (4, "2", "single_gpu"),
        (4, "0,3", "multi_gpu"),
        (4, "", "cpu"),
        (4, "-1", "cpu"),
        (2, "0,5,1", "single_gpu"),
        (4, "GPU-1,GPU-2", "multi_gpu"),
    ],
)
def test_default_is_what_the_visible_devices_call_for(
    there: int, visible: str | None, chosen: str, gpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus.write_text(str(there))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert accelerate_file(None) == RECIPES / f"{chosen}.yaml"


def test_every_visible_gpu_gets_a_process_unless_the_file_says_how_many(
    gpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus.write_text("4")
    zero2 = accelerate_file("zero2")

    def told(config: Path) -> str:
        words = command(config, read_settings(config), ["align.sft"])
        return words[words.index("--num_processes") + 1]

    assert told(zero2) == "4"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2,3")
    assert told(zero2) == "3"
    own = tmp_path / "own.yaml"
    own.write_text(zero2.read_text() + "num_processes: 2\n")
    assert told(own) == "2"
    assert processes(read_settings(accelerate_file("cpu"))) == 1


def test_single_process_sees_the_first_of_the_visible_gpus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    found = surroundings(read_settings(accelerate_file("single_gpu")))
    assert found["CUDA_VISIBLE_DEVICES"] == "3"


def test_gpus_that_are_not_there_are_missed_before_anything_starts(gpus: Path) -> None:
    gpus.write_text("0")
    assert visible_gpus() == 0
    zero3 = accelerate_file("zero3")
    with pytest.raises(UserError, match="none is visible"):
        command(zero3, read_settings(zero3), ["align.sft"])


def test_several_machines_are_started_one_by_one() -> None:
    config = accelerate_file("contrib/several_machines")
    with pytest.raises(UserError, match="Run the command at the top of the file on each"):
        command(config, read_settings(config), ["align.sft"])


def test_launcher_takes_a_free_port_so_that_two_jobs_do_not_meet(tmp_path: Path) -> None:
    settings = {"distributed_type": "DEEPSPEED", "use_cpu": True, "num_processes": 2}
    line = command(tmp_path, settings, ["align.sft"])
    assert line[line.index("--main_process_port") + 1] == "0"


def test_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"contrib/fsdp2"):
        accelerate_file("zero9")
