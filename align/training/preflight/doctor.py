"""Everything that can be known of a run before it begins, looked at in one go; fetches nothing."""

from dataclasses import dataclass, replace
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.models.checkpoints import newest
from align.models.lineage import read as read_lineage
from align.owner import load_owner
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.training.preflight.base_availability import Model, availability, model_here, model_of
from align.training.preflight.checks import tokenizer_of, work_for
from align.training.preflight.dataset import lengths, measured, no_tokens, rows_found
from align.training.preflight.disk import room
from align.training.preflight.environment import environment, extras, new_tokens, placement
from align.training.preflight.findings import Finding, Mark, look, of_error, unknown
from align.training.preflight.fitting import memory
from align.training.preflight.machine import (
    Layout,
    Machine,
    layout_of,
    planned_machine,
    this_machine,
)
from align.training.preflight.reference import reference
from align.training.preflight.rendering import rendering
from align.training.preflight.tracking_mode import tracking_mode
from align.training.preflight.work import Lengths
from align.training.prepared_run import TrainingRun, prepare
from align.training.sft_rows import sft_rows
from align.training.training_request import TrainingRequest

STAGES = ("sft", "dpo")
# What may be otherwise on a machine that is only planned.
_OF_THIS_MACHINE = ("download", "licence", "disk", "extras")


@dataclass(frozen=True)
class Site:
    """Where a run would take place: a machine, this one or a planned one, and the run's layout."""

    machine: Machine
    layout: Layout


def examine(
    asked: TrainingRequest,
    stages: tuple[str, ...],
    accelerate: dict[str, Any],
    *,
    max_memory: str | None = None,
    gpus: int | None = None,
) -> dict[str, list[Finding]]:
    """Return what was found, by title: the machine first, then each stage.

    Args:
        asked: The command line; its stage does not matter.
        stages: Of `sft` and `dpo`.
        accelerate: What the accelerate file says.
        max_memory: Of a machine that one doesn't have, like `24GB`.
        gpus: How many GPUs that has.

    Raises:
        UserError: There is no such owner, or no such amount of memory.
    """
    load_owner(asked.owner_id)
    machine = planned_machine(this_machine(), max_memory, gpus)
    site = Site(machine, layout_of(accelerate, machine))
    sections = {"machine": [*environment(machine), *placement(site.layout, machine)]}
    for stage in stages:
        found = _stage(replace(asked, stage=stage), site)
        sections[stage] = [_elsewhere(one) for one in found] if machine.planned else found
    return sections


def _elsewhere(one: Finding) -> Finding:
    """Return a finding that is about this machine as a thing to see to on the planned one."""
    if one.check not in _OF_THIS_MACHINE or one.mark is not Mark.WRONG:
        return one
    return replace(one, mark=Mark.WARNING, found=f"on this machine: {one.found}")


def _stage(asked: TrainingRequest, site: Site) -> list[Finding]:
    try:
        recipe = read_recipe(recipe_path(asked.recipe, asked.stage), asked.stage, asked.overrides)
    except UserError as error:
        problems = getattr(error, "problems", None)
        if problems:
            return [of_error("recipe", UserError(*_cut(problem))) for problem in problems]
        return [of_error("recipe", error)]
    found = [*extras(recipe), *tracking_mode(recipe), *new_tokens(recipe, site.layout)]
    if asked.stage == "dpo":
        return [*found, *_dpo(asked, recipe, site)]
    model = model_of(recipe)
    found += availability(model, asks=not site.machine.planned)
    if model.base is None:
        return [*found, *_before_the_base(asked, recipe, model, site)]
    return [*found, *_of_run(asked, model, site)]


def _dpo(asked: TrainingRequest, recipe: Recipe, site: Site) -> list[Finding]:
    """Return what is found of a DPO run, also where there is no twin yet to start from."""
    twin = newest(asked.owner_id, "sft") if asked.checkpoint == "sft" else None
    try:
        planned = model_of(read_recipe(recipe_path(asked.recipe, "sft"), "sft"))
        lineage = read_lineage(twin) if twin is not None else None
    except UserError:
        return _of_run(asked, None, site, recipe)
    command = f"Run: {make_command('sft', asked.owner_id)}"
    if lineage is not None and planned.name in (lineage.base["name"], lineage.base["path"]):
        return _of_run(asked, planned, site, recipe)
    if lineage is not None:
        other = f"the newest SFT twin is of {lineage.base['name']}, this recipe's is of "
        found = [look("reference", other + planned.name, f"{command} RECIPE={asked.recipe}")]
    elif asked.checkpoint == "sft":
        found = [unknown("reference", "there is no SFT twin yet", command)]
    else:
        return _of_run(asked, None, site, recipe)
    return [*found, *_guess(asked, recipe, planned, site)]


def _of_run(
    asked: TrainingRequest, model: Model | None, site: Site, recipe: Recipe | None = None
) -> list[Finding]:
    """Return what is found of a run whose base is here."""
    try:
        run = prepare(asked, write=False)
    except UserError as error:
        is_early = asked.stage == "dpo" and "no choices" in error.what
        found = [look("dataset", error.what, error.remedy)] if is_early else [
            of_error("dataset", error)]  # fmt: skip
        if recipe is None or model is None:
            return found
        return [*found, *_guess(asked, recipe, model, site)]
    found = [*rows_found([*run.rows.train, *run.rows.held_out], asked.stage, asked.owner_id)]
    if run.parent is not None:
        found += reference(run.parent)
    return [*found, *_of_rows(run, site)]


def _of_rows(run: TrainingRun, site: Site) -> list[Finding]:
    values, stage, shape = run.recipe.values, run.stage, model_here(run.base).shape
    tokenizer, known = tokenizer_of(run), None
    found: list[Finding] = []
    if tokenizer is None:
        found += no_tokens(run.base.name, tokenizer)
    else:
        found += rendering(tokenizer, run.rows.train, stage)
        if found[-1].mark.value == "ok":
            rows = measured(tokenizer, run.rows.train, stage, values)
            known = rows.lengths
            found += lengths(rows, values)
    work = work_for(run.recipe, known, site.layout, evaluates=bool(run.rows.held_out))
    found += memory(shape, work, site.layout, site.machine)
    return [*found, *room(run.owner_id, shape, work, values.get("save_total_limit"))]


def _before_the_base(
    asked: TrainingRequest, recipe: Recipe, model: Model, site: Site
) -> list[Finding]:
    try:
        found = rows_found(sft_rows(asked, recipe, None), "sft", asked.owner_id)
    except UserError as error:
        found = [of_error("dataset", error)]
    found += no_tokens(model.name, None)
    return [*found, *_guess(asked, recipe, model, site)]


def _guess(
    asked: TrainingRequest, recipe: Recipe, model: Model, site: Site, known: Lengths | None = None
) -> list[Finding]:
    """Return what max_length allows at most, where the rows' tokens are not known."""
    work = work_for(recipe, known, site.layout, evaluates=True)
    found = memory(model.shape, work, site.layout, site.machine)
    found = [replace(one, found=f"{one.found}, if rows are as long as max_length")
             if one.check == "memory" and model.shape else one for one in found]  # fmt: skip
    return [
        *found,
        *room(asked.owner_id, model.shape, work, recipe.training.get("save_total_limit")),
    ]


def _cut(problem: str) -> tuple[str, str, str]:
    where, _, what = problem.partition(": ")
    what, _, remedy = what.partition(". ")
    return where, what.rstrip("."), remedy.rstrip(".")
