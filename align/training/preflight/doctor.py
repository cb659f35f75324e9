"""Everything that can be known of a run before it begins, looked at in one go; fetches nothing."""

from dataclasses import dataclass, replace
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.models.checkpoints import Checkpoint, newest
from align.models.lineage import has_weights
from align.models.lineage import read as read_lineage
from align.owner import load_owner
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.training.preflight.base_availability import RecipeBase, availability, recipe_base
from align.training.preflight.checks import row_findings
from align.training.preflight.dataset import row_mix
from align.training.preflight.environment import (
    extras,
    hardware,
    libraries,
    new_tokens,
    placement,
    tracking_mode,
)
from align.training.preflight.findings import (
    Finding,
    Mark,
    fine,
    look,
    no_tokens,
    of_error,
    unknown,
    wrong,
)
from align.training.preflight.fitting import memory, room
from align.training.preflight.machine import (
    Layout,
    Machine,
    layout_of,
    planned_machine,
    this_machine,
)
from align.training.preflight.work import work_of
from align.training.prepared_run import prepare
from align.training.recipe_family import AUTO, named, recipe_for
from align.training.sft_rows import sft_rows
from align.training.time_budget import Expectation, expectation, expectation_of
from align.training.training_request import TrainingRequest

# What may be otherwise on a machine that is only planned.
_OF_THIS_MACHINE = ("download", "licence", "disk", "extras")


@dataclass(frozen=True)
class Site:
    """Where a run would take place: a machine, this one or a planned one, and the run's layout."""

    machine: Machine
    layout: Layout


def examine(
    request: TrainingRequest,
    stages: tuple[str, ...],
    accelerate: dict[str, Any],
    *,
    max_memory: str | None = None,
    gpus: int | None = None,
) -> dict[str, list[Finding]]:
    """Return findings by title: the machine first, then each stage (the request's does not matter).

    `accelerate` are the accelerate file's settings; `max_memory`, like `24GB`, and `gpus` those of
    a machine that one doesn't have. UserError: there is no such owner, or no such amount of memory.
    """
    load_owner(request.owner_id)
    machine = planned_machine(this_machine(), max_memory, gpus)
    site = Site(machine, layout_of(accelerate, machine))
    sections = {
        "machine": [libraries(machine), hardware(machine), *placement(site.layout, machine)]
    }
    for stage in stages:
        findings = _of_stage(replace(request, stage=stage), site)
        sections[stage] = [_elsewhere(line) if machine.planned else line for line in findings]
    return sections


def _elsewhere(finding: Finding) -> Finding:
    """Return a finding that is about this machine as a thing to see to on the planned one."""
    if finding.check not in _OF_THIS_MACHINE or finding.mark is not Mark.WRONG:
        return finding
    return replace(finding, mark=Mark.WARNING, text=f"on this machine: {finding.text}")


def _of_stage(request: TrainingRequest, site: Site) -> list[Finding]:
    stage = request.stage
    try:
        request = _with_recipe(request)
        recipe = read_recipe(recipe_path(request.recipe, stage), stage, request.overrides)
    except UserError as error:
        problems = getattr(error, "problems", None)
        if problems:
            return [of_error("recipe", UserError(*_cut(problem))) for problem in problems]
        return [of_error("recipe", error)]
    findings = [*extras(recipe), *tracking_mode(recipe), *new_tokens(recipe, site.layout)]
    if stage == "dpo":
        return [*findings, *_of_dpo(request, recipe, site)]
    base = recipe_base(recipe)
    findings += availability(base, asks=not site.machine.planned)
    if base.base is not None:
        return [*findings, *_of_run(request, base, site)]
    try:
        rows = sft_rows(request, recipe, None)
        findings += row_mix(rows, "sft", request.owner_id)
        findings += _time(expectation(recipe, rows, base.shape, site.layout), site)
    except UserError as error:
        findings.append(of_error("dataset", error))
    return [*findings, no_tokens(base.name), *_guess(request, recipe, base, site)]


def _with_recipe(request: TrainingRequest) -> TrainingRequest:
    """Return the request with its recipe named; another one than the parent's can be planned."""
    has_parent = request.checkpoint != "sft" or newest(request.owner_id, "sft") is not None
    if request.stage == "dpo" and has_parent and request.recipe in ("", AUTO):
        return named(request)
    return replace(request, recipe=recipe_for(request.owner_id, request.recipe))


def _of_dpo(request: TrainingRequest, recipe: Recipe, site: Site) -> list[Finding]:
    """Return what is found of a DPO run, also where there is no SFT checkpoint to start from."""
    start = newest(request.owner_id, "sft") if request.checkpoint == "sft" else None
    try:
        planned = recipe_base(read_recipe(recipe_path(request.recipe, "sft"), "sft"))
        lineage = read_lineage(start) if start is not None else None
    except UserError:
        return _of_run(request, None, site, recipe)
    command = f"Run: {make_command('sft', request.owner_id)}"
    names = {planned.name, planned.base.name if planned.base else planned.name}
    if lineage is not None and names & {lineage.base["name"], lineage.base["path"]}:
        return _of_run(request, planned, site, recipe)
    if lineage is not None:
        other = f"the newest SFT twin is of {lineage.base['name']}, this recipe's is of "
        finding = look("reference", other + planned.name, f"{command} RECIPE={request.recipe}")
    elif request.checkpoint == "sft":
        finding = unknown("reference", "there is no SFT twin yet", command)
    else:
        return _of_run(request, None, site, recipe)
    return [finding, *_guess(request, recipe, planned, site)]


def _of_run(
    request: TrainingRequest, base: RecipeBase | None, site: Site, recipe: Recipe | None = None
) -> list[Finding]:
    """Return what is found of a run whose base is here."""
    try:
        run = prepare(named(request), write=False)
    except UserError as error:
        is_early = request.stage == "dpo" and "no choices" in error.what
        finding = look("dataset", error.what, error.remedy)
        check = "recipe" if error.where.startswith("recipe '") else "dataset"
        finding = finding if is_early else of_error(check, error)
        if recipe is None or base is None:
            return [finding]
        return [finding, *_guess(request, recipe, base, site)]
    findings = row_mix([*run.rows.train, *run.rows.held_out], request.stage, request.owner_id)
    if run.parent is not None:
        findings.append(_reference(run.parent))
    findings += _time(expectation_of(run, site.layout), site)
    return [*findings, *row_findings(run, site.layout, site.machine, stops=False)[0]]


def _time(expected: Expectation | None, site: Site) -> list[Finding]:
    """Return how long a run takes on this machine; nothing of one that is only planned."""
    if expected is None or site.machine.planned:
        return []
    shorter = expected.shorter()
    if shorter:
        return [look("time", expected.words(), f"Shorter with: {shorter}")]
    return [fine("time", expected.words())]


def _reference(parent: Checkpoint) -> Finding:
    """Return whether the checkpoint that dpo starts from can be its reference.

    Resolving it has checked already that its weights are those of its lineage, and that its base
    is the one that it was trained on.
    """
    if parent.path is None or parent.lineage is None or not has_weights(parent.path):
        return wrong("reference", f"{parent.name} has no weights to go on from", "Run sft first")
    text = f"{parent.name} of {parent.base.name}, its weights and base as its lineage has them"
    if parent.lineage.stage != "sft":
        more = "it was trained on choices already, and what it learned of them is the new start"
        return look("reference", f"{text}; {more}", "For the usual round say --checkpoint sft")
    return fine("reference", text)


def _guess(request: TrainingRequest, recipe: Recipe, base: RecipeBase, site: Site) -> list[Finding]:
    """Return what max_length allows at most, where the rows' tokens are not known."""
    work = work_of(recipe.stage, recipe.values, None, site.layout)
    findings = memory(base.shape, work, site.layout, site.machine)
    if base.shape:
        findings = [replace(line, text=f"{line.text}, if rows are as long as max_length")
                    if line.check == "memory" else line for line in findings]  # fmt: skip
    saves = recipe.training.get("save_total_limit")
    return [*findings, *room(request.owner_id, base.shape, work, saves)]


def _cut(problem: str) -> tuple[str, str, str]:
    where, _, what = problem.partition(": ")
    what, _, remedy = what.partition(". ")
    return where, what.rstrip("."), remedy.rstrip(".")
