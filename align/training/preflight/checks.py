"""The three moments of a preflight: before the first download, with the rows, with their tokens."""

from collections.abc import Sequence
from typing import Any

from align.console import say, size_words
from align.recipe.recipe_file import read_recipe, recipe_path
from align.training.preflight.base_availability import availability, base_here, recipe_base
from align.training.preflight.dataset import lengths, longest_lengths, measured, row_mix
from align.training.preflight.environment import extras, new_tokens, placement, tracking_mode
from align.training.preflight.findings import Finding, Mark, PreflightError, look, no_tokens, wrong
from align.training.preflight.fitting import disk_needed, memory, room
from align.training.preflight.light_tokenizer import tokenizer_of
from align.training.preflight.machine import Layout, Machine, layout_of, memory_for, this_machine
from align.training.preflight.memory import estimate
from align.training.preflight.rendering import rendering, token_problems
from align.training.preflight.work import Lengths, Work, work_of
from align.training.prepared_run import TrainingRun
from align.training.recipe_family import stranger
from align.training.time_budget import expectation_of
from align.training.training_request import TrainingRequest

# A row that every dataset exceeds: what does not fit with it fits with nothing.
_SHORTEST = Lengths(64, 32)


def before_download(request: TrainingRequest, accelerate: dict[str, Any]) -> None:
    """Check what needs neither a weight nor a row.

    `accelerate`, the settings of its file, are empty after a bare `accelerate launch`. UserError:
    all that would stop the run.
    """
    stage = request.stage
    recipe = read_recipe(recipe_path(request.recipe, stage), stage, request.overrides)
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    findings = [*extras(recipe), *tracking_mode(recipe)]
    # Its warnings come with the rows.
    findings += [line for line in placement(layout, machine) if line.mark is Mark.WRONG]
    if other := stranger(request):
        findings.append(look("recipe", other))
    if recipe.base_name:
        base = recipe_base(recipe)
        findings += availability(base, asks=False)
        if base.base is None and base.shape is not None:
            work = work_of(stage, recipe.values, _SHORTEST, layout, evaluates=False)
            findings += memory(base.shape, work, layout, machine, stops=True)
    _conclude(stage, findings)


def on_rows(run: TrainingRun, accelerate: dict[str, Any]) -> dict[str, Any]:
    """Check what the base's configuration and the rows tell: memory, lengths, disk, minutes.

    Prints one line where all is well, one for each warning, and how a long run could be shorter.
    Returns what `TrainingRun.planned` keeps of it. UserError: all that would stop the run.
    """
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    findings = [*placement(layout, machine), *new_tokens(run.recipe, layout)]
    findings += row_mix(run.rows.train, run.stage, run.owner_id)
    of_rows, work = row_findings(run, layout, machine, stops=True)
    findings += of_rows
    _conclude(run.stage, findings)
    count = sum(line.mark is Mark.FINE for line in findings)
    shape, expected = base_here(run.base).shape, expectation_of(run, layout)
    if shape is None or expected is None:
        say(f"{run.stage}: preflight: {count} checks fine; memory unknown for this kind of base")
        return {}
    bytes_needed, there = estimate(shape, work).total, memory_for(layout, machine)
    disk = size_words(disk_needed(shape, work, run.recipe.training.get("save_total_limit")))
    say(
        f"{run.stage}: preflight: {count} checks fine; memory about {bytes_needed / 1e9:.1f} of "
        f"{there / 1e9:.1f} GB, disk {disk}, {expected.words()}"
    )
    if (shorter := expected.shorter()) and not run.cut:
        say(f"{run.stage}: it would be shorter with {shorter}")
    return expected.planned()


def row_findings(
    run: TrainingRun, layout: Layout, machine: Machine, *, stops: bool
) -> tuple[list[Finding], Work]:
    """Return what is found of a run's rows, memory and disk, and what the run does with memory.

    Where a run is about to begin (`stops`), only its longest rows are tokenised, and only what
    can't fit even if the estimate is off is wrong.
    """
    values, shape = run.recipe.values, base_here(run.base).shape
    tokenizer, known = tokenizer_of(run), None
    if tokenizer is None:
        findings = [no_tokens(run.base.name)]
    else:
        findings = rendering(tokenizer, run.rows.train, run.stage)
        if findings[-1].mark is Mark.FINE and stops:
            known = longest_lengths(tokenizer, run.rows.train, run.stage, values)
        elif findings[-1].mark is Mark.FINE:
            rows = measured(tokenizer, run.rows.train, run.stage, values)
            known = rows.lengths
            findings += lengths(rows, values)
    work = work_of(run.stage, values, known, layout, evaluates=bool(run.rows.held_out))
    findings += memory(shape, work, layout, machine, stops=stops)
    return [*findings, *room(run.owner_id, shape, work, values.get("save_total_limit"))], work


def on_tokens(run: TrainingRun, tokenizer: Any, tokens: list[dict[str, Any]]) -> None:
    """Check tokens for one BOS, one stop and the answer's mask; UserError where one is off."""
    if not tokens:
        raise PreflightError(
            run.stage, [wrong("tokens", "no row fits into max_length", "Raise --max_length")]
        )
    findings = rendering(tokenizer, run.rows.train, run.stage)
    findings += [wrong("template", problem, "See docs/recipes.md, chat_template")
                 for problem in token_problems(tokenizer, tokens)]  # fmt: skip
    _conclude(run.stage, findings)


def _conclude(stage: str, findings: Sequence[Finding]) -> None:
    """Print what is worth a look, and stop where something is wrong."""
    for line in findings:
        # Where a run is logged is printed by the run itself, as it begins.
        if line.mark is Mark.WARNING and line.check != "tracking":
            say(f"{stage}: ! {line.sentence()}")
    bad = [line for line in findings if line.mark is Mark.WRONG]
    if bad:
        raise PreflightError(stage, bad)
