"""RECIPE=auto: the largest that fits, asked about once, and remembered."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from align.errors import UserError
from align.training.preflight import machine_speed
from align.training.preflight.auto_recipe import settled
from align.training.preflight.machine import Machine
from align.training.recipe_family import agreed_to, recipe_for
from align.training.training_request import TrainingRequest
from tests.tiny_runs import sft_row, write_rows

CHECKOUT = Path(__file__).resolve().parents[3]
CPU = {"use_cpu": True, "distributed_type": "NO", "num_processes": 1}
LAPTOP = Machine((), 16 * 10**9, 12 * 10**9, 8)
SETTLE = """
from align.command_line import run
from align.training.preflight.auto_recipe import settled
from align.training.recipe_family import agreed_to, recipe_for
from align.training.training_request import TrainingRequest
def main():
    print(settled(TrainingRequest("sft", "bob", "auto", {rows!r}), {cpu!r}).recipe)
raise SystemExit(run(main))
"""


@pytest.fixture
def ladder_root(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A root with the shipped recipes, little writing of bob's, and a hub that was never asked."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("align.training.preflight.auto_recipe.this_machine", lambda: LAPTOP)
    monkeypatch.setattr(machine_speed, "measured_product", lambda: 500e9)
    write_rows(root / "sft.jsonl", [sft_row(at) for at in range(40)])
    return root


def asked(root: Path, stage: str = "sft", *more: str) -> TrainingRequest:
    return TrainingRequest(stage, "bob", "auto", str(root / "sft.jsonl"), overrides=more)


def test_without_a_terminal_the_error_names_the_command_and_nothing_happens(
    ladder_root: Path,
) -> None:
    with pytest.raises(UserError) as caught:
        settled(asked(ladder_root), CPU)
    said = str(caught.value)
    assert "download" in said and "min on cpu" in said and "GB of memory" in said
    assert f"Run: align sft --owner bob --recipe {said.split('--recipe ')[1].split(' ')[0]}" in said
    assert "8b" not in said
    assert not (ladder_root / "checkpoints" / "bob" / "recipe.txt").exists()


def test_yes_agrees_beforehand_and_is_remembered(ladder_root: Path) -> None:
    chosen = settled(asked(ladder_root, "sft", "--yes"), CPU)
    assert chosen.recipe != "auto" and "--yes" not in chosen.overrides
    assert agreed_to("bob") == chosen.recipe
    assert recipe_for("bob", "auto") == chosen.recipe
    again = settled(asked(ladder_root), CPU)
    assert again.recipe == chosen.recipe


def test_larger_machine_takes_a_larger_recipe(
    ladder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = settled(asked(ladder_root, "sft", "--yes"), CPU).recipe
    (ladder_root / "checkpoints" / "bob" / "recipe.txt").unlink()
    little = Machine((), 4 * 10**9, 3 * 10**9, 8)
    monkeypatch.setattr("align.training.preflight.auto_recipe.this_machine", lambda: little)
    from align.recipe.recipe_file import ladder

    smaller = settled(asked(ladder_root, "sft", "--yes"), CPU).recipe
    assert ladder().index(smaller) < ladder().index(small)


def test_machine_too_small_for_the_smallest_is_told_so(
    ladder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "align.training.preflight.auto_recipe.this_machine", lambda: Machine((), 10**9, 10**8, 1)
    )
    with pytest.raises(UserError, match="not even the smallest"):
        settled(asked(ladder_root, "sft", "--yes"), CPU)


def test_dpo_takes_the_recipe_of_its_parent(trained: Path) -> None:
    assert agreed_to("ann") is None
    assert recipe_for("ann", "auto") == "tiny"
    assert settled(TrainingRequest("dpo", "ann", "auto"), CPU).recipe == "tiny"


def test_what_was_never_agreed_to_is_an_error_for_pack_and_examples(root: Path) -> None:
    with pytest.raises(UserError, match="settled by the first sft"):
        recipe_for("bob", "auto")
    assert recipe_for("bob", "demo") == "demo"


def test_on_a_terminal_it_asks_once(ladder_root: Path) -> None:
    code = SETTLE.format(rows=str(ladder_root / "sft.jsonl"), cpu=CPU)
    environment = {**os.environ, "SOUNDALIKE_ROOT": str(ladder_root), "PYTHONPATH": str(CHECKOUT)}

    def answered(word: str) -> tuple[int, str]:
        keyboard, terminal = pty.openpty()
        with subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stderr=terminal,
                              stdout=subprocess.PIPE, env=environment) as process:  # fmt: skip
            os.write(keyboard, f"{word}\n".encode())
            out = process.communicate(timeout=60)[0]
        os.close(terminal)
        os.close(keyboard)
        return process.returncode, out.decode().strip()

    assert answered("n")[0] == 2
    assert not (ladder_root / "checkpoints" / "bob" / "recipe.txt").exists()
    code_of_yes, recipe = answered("y")
    assert code_of_yes == 0
    assert (ladder_root / "checkpoints" / "bob" / "recipe.txt").read_text().strip() == recipe
    assert answered("")[1] == recipe
