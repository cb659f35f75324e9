"""recipes/accelerate/: each loads, and opens with the command that runs it."""

from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parent.parent / "recipes" / "accelerate"
NAMES = ["cpu", "mps", "multi_gpu", "single_gpu", "zero2", "zero3"]


def test_there_are_six_of_them():
    assert sorted(file.stem for file in RECIPES.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_accelerate_reads_it(name: str):
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(RECIPES / f"{name}.yaml"))
    assert config.num_machines == 1
    assert ("zero" in name) == (config.distributed_type.value == "DEEPSPEED")


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_its_command(name: str):
    first = (RECIPES / f"{name}.yaml").read_text().splitlines()[0]
    assert first.startswith(f"# accelerate launch --config_file recipes/accelerate/{name}.yaml")
