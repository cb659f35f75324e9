"""The recipe that is taken where nobody names one, and the names that are refused."""

from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.models import lineage
from align.paths import checkpoints_dir, owner_dir
from align.recipe.recipe_file import known_recipes, read_recipe, recipe_path
from align.training.preflight.auto_recipe import settled
from align.training.preflight.machine import Gpu, Machine
from align.training.recipe_family import AGREED, named, recipe_for, stranger
from align.training.training_request import TrainingRequest
from tests.tiny_runs import sft_row, write_rows

CPU = {"use_cpu": True, "distributed_type": "NO", "num_processes": 1}
ONE_GPU = {"distributed_type": "NO", "num_processes": 1}
SMALLEST = "smollm2-135m"
FAMILIES = known_recipes("dpo")


def twin(folder: Path, file: str, digest: str = "?", base: str = "b") -> None:
    """Write the lineage of a twin, which is all that tells its family."""
    folder.mkdir(parents=True, exist_ok=True)
    lineage.write(
        folder,
        lineage.Lineage(
            owner="ann", stage=folder.name[-3:], base={"hash": "h", "name": base},
            recipe={"file": file, "hash": digest}, rows={"hash": "r"}, template_hash="t",
            adapter_hash="a", inputs="i", seed=1,
        ),
    )  # fmt: skip


def ann(name: str, file: str, **more: Any) -> None:
    twin(checkpoints_dir("ann") / name, file, **more)


def dpo(recipe: str = "", checkpoint: str = "001-sft") -> TrainingRequest:
    return TrainingRequest("dpo", "ann", recipe, checkpoint=checkpoint)


def test_a_first_twin_is_of_the_smallest_real_base_and_the_demos_of_the_demo(root: Path) -> None:
    (root / "data" / "mira").mkdir()
    (root / "data" / "mira" / "simulated.json").write_text("{}")
    assert [recipe_for(owner, "") for owner in ("ann", "demo", "mira")] == [
        SMALLEST,
        "demo",
        "demo",
    ]
    assert recipe_for("ann", "demo") == "demo"
    assert named(TrainingRequest("sft", "ann")).recipe == SMALLEST


@pytest.mark.parametrize("name", FAMILIES)
def test_later_twins_are_made_as_the_newest_was_but_never_with_the_demos_values(
    root: Path, name: str
) -> None:
    ann("001-sft", "recipes/gemma-3-4b/sft.yaml")
    ann("002-sft", f"/elsewhere/soundalike/recipes/{name}/sft.yaml")
    ann("003-dpo", "recipes/gemma-3-4b/dpo.yaml")
    assert recipe_for("ann", "") == (SMALLEST if name == "demo" else name)
    assert recipe_for("ann", "qwen3-1.7b") == "qwen3-1.7b"


def test_what_came_from_another_machine_tells_too(root: Path) -> None:
    packed = owner_dir("ann") / "packed"
    (packed / "recipe").mkdir(parents=True)
    (packed / "recipe" / "sft.yaml").write_bytes(recipe_path("qwen3-0.6b", "sft").read_bytes())
    assert recipe_for("ann", "") == "qwen3-0.6b"
    (packed / "recipe" / "sft.yaml").write_text("model_name_or_path: mine\n")
    assert recipe_for("ann", "") == "data/ann/packed/recipe"
    twin(packed / "lineage" / "001-sft", "recipes/qwen3-1.7b/sft.yaml")
    assert recipe_for("ann", "") == "qwen3-1.7b"
    ann("001-sft", "recipes/gemma-3-4b/sft.yaml")
    assert recipe_for("ann", "") == "gemma-3-4b"


def test_what_auto_came_to_is_kept(root: Path) -> None:
    checkpoints_dir("ann").mkdir()
    (checkpoints_dir("ann") / AGREED).write_text("qwen3-0.6b\n")
    assert recipe_for("ann", "") == recipe_for("ann", "auto") == "qwen3-0.6b"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("parent", ["001-sft", "002-dpo"])
def test_dpo_goes_on_in_its_parents_family(root: Path, family: str, parent: str) -> None:
    ann(parent, f"recipes/{family}/{parent[-3:]}.yaml")
    for word in ("", "auto", family):
        request = named(dpo(word, parent))
        assert (request.recipe, stranger(request)) == (family, "")
    for other in {*FAMILIES} - {family}:
        with pytest.raises(UserError) as caught:
            named(dpo(other, parent))
        said = str(caught.value)
        assert (
            f"recipe '{other}': {parent} was trained from {family}. Take --recipe {family}" in said
        )
        file = said.rpartition("--config ")[2].rstrip(".\n")
        taken = named(dpo(f"{root / file}", parent))
        assert read_recipe(recipe_path(taken.recipe, "dpo"), "dpo").name == other.split("/")[-1]
        assert f"is taken as it is named, though {parent} was trained from {family}" in stranger(
            taken
        )


@pytest.mark.parametrize("file", ["voice/sft.yaml", "voice/warm.yaml"])
def test_a_recipe_of_ones_own_goes_on_with_the_one_beside_it(root: Path, file: str) -> None:
    ann("001-sft", file)
    (root / "voice").mkdir()
    (root / file).write_text("model_name_or_path: data/demo/base\n")
    assert recipe_for("ann", "") == file
    (root / file).rename(root / "kept.yaml")
    with pytest.raises(UserError, match=r"which is not here\. Name a recipe: --recipe NAME, or"):
        recipe_for("ann", "")
    (root / "kept.yaml").rename(root / file)
    with pytest.raises(UserError, match=r"001-sft: trained from voice/\w+.yaml, which has no dpo"):
        named(dpo())
    (root / "voice" / "dpo.yaml").write_text("beta: 0.2\n")
    assert named(dpo()).recipe == "voice/dpo.yaml"
    with pytest.raises(UserError, match=r"Take --recipe voice/dpo\.yaml, or name the file"):
        named(dpo("demo"))


def test_a_recipe_that_lay_elsewhere_is_known_by_what_it_says(root: Path) -> None:
    recipe = read_recipe(recipe_path("qwen3-0.6b", "sft"), "sft")
    ann("001-sft", "data/x/packed/recipe/sft.yaml", digest=recipe.hash, base=recipe.base_name)
    assert named(dpo()).recipe == "qwen3-0.6b"


def test_a_gpu_is_offered_the_largest_that_fits_in_one_line_and_nothing_stops(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HOME", str(root / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("align.training.preflight.auto_recipe.missing_packages", lambda _: [])
    write_rows(root / "sft.jsonl", [sft_row(at) for at in range(40)])
    request = TrainingRequest("sft", "ann", dataset=str(root / "sft.jsonl"))

    def line(gigabytes: int, accelerate: dict[str, Any]) -> str:
        gpus = (Gpu("G", gigabytes * 10**9, gigabytes * 10**9),) if gigabytes else ()
        machine = Machine(gpus, 16 * 10**9, 12 * 10**9, 8)
        monkeypatch.setattr("align.training.preflight.auto_recipe.this_machine", lambda: machine)
        assert settled(request, accelerate).recipe == SMALLEST
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    assert line(0, CPU) == "sft: recipe smollm2-135m, the smallest of a real base\n"
    assert line(1, ONE_GPU) == line(0, CPU)
    assert "could train qwen3-1.7b (download 4.1 GB, about 1 min on cuda" in line(24, ONE_GPU)
    assert line(24, ONE_GPU).endswith(": make sft dpo OWNER=ann RECIPE=qwen3-1.7b\n")
    ann("001-sft", "recipes/qwen3-0.6b/sft.yaml")
    assert settled(request, ONE_GPU).recipe == "qwen3-0.6b"
    assert capsys.readouterr().err == "sft: recipe qwen3-0.6b, as before\n"
    assert settled(dpo(), ONE_GPU).recipe == "qwen3-0.6b"
    assert capsys.readouterr().err == "dpo: recipe qwen3-0.6b, as 001-sft was trained\n"
    settled(TrainingRequest("sft", "demo"), CPU)
    assert capsys.readouterr().err == ""
