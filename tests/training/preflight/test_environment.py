"""What is said of tracking, extras, placement and disk before torch is there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from align.recipe.recipe_file import Recipe
from align.training.preflight import fitting
from align.training.preflight.environment import extras, new_tokens, placement, tracking_mode
from align.training.preflight.findings import Mark
from align.training.preflight.machine import Gpu, Layout, Machine
from align.training.preflight.shapes import ModelShape, known_shape
from align.training.preflight.work import Lengths, Work

BOX = Machine((Gpu("GPU", 80, 80),), 10**12, 10**12, 64)


def recipe(**training: Any) -> Recipe:
    return Recipe(Path("sft.yaml"), "sft", training, {}, {})


def test_wandb_without_a_key_is_offline_and_says_how_to_change_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    keys = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(keys))
    wanted = recipe(report_to=["wandb"])
    offline = tracking_mode(wanted)[0]
    assert offline.mark is Mark.WARNING and offline.remedy.endswith("wandb login")
    keys.write_text("machine api.wandb.ai login user password of-no-use\n")
    keys.chmod(0o600)
    assert tracking_mode(wanted)[0].text == "wandb, online"
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert tracking_mode(wanted)[0].text == "wandb, offline by WANDB_MODE"
    assert "terminal" in tracking_mode(recipe())[0].text


def test_each_missing_extra_is_a_line_that_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("align.training.preflight.environment.find_spec", lambda name: None)
    wanted = Recipe(
        Path("sft.yaml"), "sft", {"optim": "paged_adamw_8bit"}, {"load_in_4bit": True}, {}
    )
    found = extras(wanted)
    assert {one.mark for one in found} == {Mark.WRONG}
    assert "load_in_4bit needs bitsandbytes" in found[0].text
    assert found[0].remedy == "Install it: .venv/bin/pip install bitsandbytes"


def test_tokens_can_t_be_added_to_divided_weights() -> None:
    added = Recipe(Path("sft.yaml"), "sft", {}, {}, {"chat_template": "chatml"})
    divided = Layout("cuda", 2, 2, 3, (False, False))
    assert new_tokens(added, divided)[0].mark is Mark.WRONG
    assert not new_tokens(added, replace(divided, zero=2)) and not new_tokens(recipe(), divided)


def test_more_processes_than_gpus_are_refused() -> None:
    two = Layout("cuda", 2, 2, 0, (False, False))
    assert placement(two, BOX)[0].mark is Mark.WRONG
    assert placement(replace(two, processes=1, here=1), BOX)[0].mark is Mark.FINE
    none = Layout("cpu", 1, 1, 0, (False, False), lacks_gpu=True)
    assert placement(replace(none, zero=2), BOX)[0].mark is Mark.WRONG
    assert "no GPU is here" in placement(none, BOX)[0].text


def test_saves_of_every_weight_need_room(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_shape("meta-llama/Llama-3.1-8B-Instruct")
    assert isinstance(known, ModelShape)
    monkeypatch.setattr(fitting, "free_disk", lambda folder: 50 * 10**9)
    work = Work("sft", Lengths(512, 512), 1)
    assert fitting.room("bob", known, work, 2)[0].mark is Mark.FINE
    assert fitting.room("bob", known, replace(work, rank=None), 2)[0].mark is Mark.WRONG
