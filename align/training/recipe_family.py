"""Which recipe is meant: the one that is named, else the one that an owner's twins are made with.

A family is a folder of recipes, `sft.yaml` and `dpo.yaml` beside each other; DPO goes on in the
family that its parent was trained in.
"""

from dataclasses import replace
from pathlib import Path

from align.errors import UserError
from align.models.checkpoints import folder_of, newest
from align.models.lineage import FILE, Lineage
from align.models.lineage import read as read_lineage
from align.paths import (
    checkpoints_dir,
    owner_dir,
    project_root,
    recipes_dir,
    relative_to_root,
    simulated_file,
)
from align.recipe.recipe_file import known_recipes, ladder, read_recipe, recipe_path
from align.training.training_request import TrainingRequest

AUTO, DEMO = "auto", "demo"
AGREED = "recipe.txt"


def recipe_for(owner_id: str, word: str) -> str:
    """Return the recipe that `--recipe` names; else the one that the owner trains with.

    That is the newest SFT twin's, the one that a pack brought, the one that `auto` came to, or the
    smallest of a real base; the demo's for those who are made up. UserError: `auto`, and nothing
    was agreed to yet.
    """
    if word == AUTO:
        recipe = agreed_to(owner_id) or _of_newest(owner_id)
        if recipe is None:
            raise UserError(
                "recipe 'auto'",
                f"which one {owner_id} trains with is settled by the first sft",
                f"Run: align sft --owner {owner_id} --recipe auto, or name a recipe",
            )
        return recipe
    return word or habitual(owner_id) or smallest(owner_id)


def habitual(owner_id: str) -> str | None:
    """Return the recipe that an owner's twins are made with already, or None.

    The demo's values are never taken for somebody real unasked.
    """
    known = (_of_newest(owner_id), _of_pack(owner_id), agreed_to(owner_id))
    return next((name for name in known if name and name != DEMO), None)


def smallest(owner_id: str) -> str:
    """Return the recipe of the smallest real base; the demo's for an owner who is made up."""
    return DEMO if simulated_file(owner_id) else (*ladder(), DEMO)[0]


def named(request: TrainingRequest) -> TrainingRequest:
    """Return the request with its recipe named; UserError where its parent's family isn't it."""
    if request.stage == "sft":
        return replace(request, recipe=recipe_for(request.owner_id, request.recipe))
    parent = _parent(request)
    if parent is None:
        return replace(request, recipe=request.recipe or smallest(request.owner_id))
    folder, family = parent
    is_open = request.recipe in ("", AUTO)
    if not is_open and (family is None or not _differs(request.recipe, family)):
        return request
    if not is_open:
        remedy = f"Take --recipe {family}"
        if request.recipe in known_recipes("dpo"):
            file = relative_to_root(recipe_path(request.recipe, "dpo"))
            remedy += f", or name the file: --config {file}"
        where, what = f"recipe '{request.recipe}'", f"{folder.name} was trained from {family}"
        raise UserError(where, what, remedy)
    if family is None:
        made = read_lineage(folder).recipe.get("file")
        what = f"trained from {made}, which has no dpo.yaml beside it here"
        raise UserError(folder.name, what, "Name one: --recipe NAME, or --config FILE")
    return replace(request, recipe=family)


def stranger(request: TrainingRequest) -> str:
    """Return what is to be said of a file that is not of the parent's family; else nothing."""
    parent = _parent(request) if request.stage == "dpo" else None
    if parent is None or parent[1] is None or not _is_other(request.recipe, parent[1]):
        return ""
    file = relative_to_root(recipe_path(request.recipe, "dpo"))
    return f"{file} is taken as it is named, though {parent[0].name} was trained from {parent[1]}"


def agreed_to(owner_id: str) -> str | None:
    """Return the recipe that `auto` came to for an owner, or None."""
    note = checkpoints_dir(owner_id) / AGREED
    return note.read_text(encoding="utf-8").strip() or None if note.is_file() else None


def family_of(lineage: Lineage, stage: str) -> str | None:
    """Return what `--recipe` takes for a stage in a twin's own family; None where it isn't here."""
    # From the root where that holds the recipes; on another machine, from wherever they lay.
    recorded = str(lineage.recipe.get("file", ""))
    name = recorded.rpartition("recipes/")[2].rpartition("/")[0]
    if name in known_recipes(stage):
        return name
    file = project_root() / recorded
    file = file if lineage.stage == stage else file.with_name(f"{stage}.yaml")
    if recorded and file.is_file():
        return relative_to_root(file)
    made = (name for name in known_recipes(lineage.stage) if _made(lineage, name))
    return next((name for name in made if name in known_recipes(stage)), None)


def _made(lineage: Lineage, name: str) -> bool:
    """Tell whether a recipe, as it stands, made a twin."""
    recipe = read_recipe(recipe_path(name, lineage.stage), lineage.stage)
    is_base = lineage.stage == "dpo" or recipe.base_name == lineage.base.get("name")
    return is_base and recipe.hash == lineage.recipe.get("hash")


def _parent(request: TrainingRequest) -> tuple[Path, str | None] | None:
    """Return the folder and the family of what dpo starts from; None of a base."""
    if request.checkpoint == "base":
        return None
    folder = folder_of(request.owner_id, request.checkpoint).resolve()
    return folder, family_of(read_lineage(folder), "dpo")


def _differs(word: str, family: str) -> bool:
    """Tell whether a name is another family's; a path is named by somebody who knows it."""
    return word in known_recipes("dpo") and _is_other(word, family)


def _is_other(word: str, family: str) -> bool:
    try:
        own = recipe_path(family, "dpo").read_bytes()
    except UserError:
        return False
    return recipe_path(word, "dpo").read_bytes() != own


def _of_newest(owner_id: str) -> str | None:
    """Return the newest SFT twin's family, wherever it was trained; UserError: it is not here."""
    elsewhere = sorted((owner_dir(owner_id) / "packed" / "lineage").glob("*-sft"))
    for folder in (newest(owner_id, "sft"), *elsewhere[::-1]):
        if folder is not None and (folder / FILE).is_file():
            return _known_family(folder)
    return None


def _known_family(folder: Path) -> str | None:
    try:
        lineage = read_lineage(folder)
    except UserError:  # said where the twin itself is asked for
        return None
    family = family_of(lineage, "sft")
    if family is None and lineage.recipe.get("file"):
        what = f"trained from {lineage.recipe['file']}, which is not here"
        raise UserError(folder.name, what, "Name a recipe: --recipe NAME, or a path")
    return family


def _of_pack(owner_id: str) -> str | None:
    """Return the recipe that a pack brought: by its name where it is the one that is here."""
    folder = owner_dir(owner_id) / "packed" / "recipe"
    if not (folder / "sft.yaml").is_file():
        return None
    packed = (folder / "sft.yaml").read_bytes()
    for name in known_recipes("sft"):
        if (recipes_dir() / name / "sft.yaml").read_bytes() == packed:
            return name
    return relative_to_root(folder)
