"""The three moments of a preflight: before the first download, with the rows, with their tokens."""

from collections.abc import Sequence
from typing import Any

from align.console import say
from align.models.chat_template import dateless
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.training.preflight.base_availability import availability, model_here, model_of
from align.training.preflight.dataset import longest_lengths, rows_found
from align.training.preflight.disk import room
from align.training.preflight.environment import extras, new_tokens, placement
from align.training.preflight.findings import Finding, Mark, PreflightError, wrong
from align.training.preflight.fitting import memory
from align.training.preflight.light_tokenizer import LightTokenizer, light_tokenizer
from align.training.preflight.machine import Layout, layout_of, memory_for, this_machine
from align.training.preflight.memory import estimate
from align.training.preflight.rendering import rendering, token_problems
from align.training.preflight.shapes import ModelShape
from align.training.preflight.tracking_mode import tracking_mode
from align.training.preflight.work import Lengths, Work, work_of
from align.training.prepared_run import TrainingRun
from align.training.training_request import TrainingRequest

# A row that every dataset exceeds: what does not fit with it fits with nothing.
_SHORTEST = Lengths(64, 32)


def before_download(asked: TrainingRequest, accelerate: dict[str, Any]) -> None:
    """Check what needs neither a weight nor a row.

    Args:
        asked: The command line.
        accelerate: What the accelerate file says; empty after a bare `accelerate launch`.

    Raises:
        UserError: All that would stop the run.
    """
    recipe = read_recipe(recipe_path(asked.recipe, asked.stage), asked.stage, asked.overrides)
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    found = [*extras(recipe), *tracking_mode(recipe)]
    # Whatever else is to be said of it is said with the rows.
    found += [one for one in placement(layout, machine) if one.mark is Mark.WRONG]
    if recipe.base_name:
        model = model_of(recipe)
        found += availability(model, asks=False)
        if model.base is None and model.shape is not None:
            work = work_for(recipe, _SHORTEST, layout, evaluates=False)
            found += memory(model.shape, work, layout, machine, stops=True)
    _conclude(asked.stage, found)


def on_rows(run: TrainingRun, accelerate: dict[str, Any]) -> None:
    """Check what the base's configuration and the rows tell: memory, lengths, disk.

    Says one line where all is well, and one for each warning.

    Raises:
        UserError: All that would stop the run.
    """
    machine, model, values = this_machine(), model_here(run.base), run.recipe.values
    layout = layout_of(accelerate, machine)
    tokenizer = tokenizer_of(run)
    found = [*placement(layout, machine), *new_tokens(run.recipe, layout)]
    found += rows_found(run.rows.train, run.stage, run.owner_id)
    lengths = None
    if tokenizer is not None:
        found += rendering(tokenizer, run.rows.train, run.stage)
        if not any(one.mark is Mark.WRONG for one in found):
            lengths = longest_lengths(tokenizer, run.rows.train, run.stage, values)
    work = work_for(run.recipe, lengths, layout, evaluates=bool(run.rows.held_out))
    found += memory(model.shape, work, layout, machine, stops=True)
    found += room(run.owner_id, model.shape, work, values.get("save_total_limit"))
    _conclude(run.stage, found)
    _say_all_is_well(run.stage, found, model.shape, work, memory_for(layout, machine))


def on_tokens(run: TrainingRun, tokenizer: Any, tokens: list[dict[str, Any]]) -> None:
    """Check real rows as they are trained on: one BOS, one stop token, the mask on the answer only.

    Args:
        run: The run.
        tokenizer: What rendered the rows.
        tokens: Rows as `align.training.tokenised` gives them, for training.

    Raises:
        UserError: A row is not what sampling and serving will meet.
    """
    if not tokens:
        raise PreflightError(
            run.stage, [wrong("tokens", "no row fits into max_length", "Raise --max_length")]
        )
    problems = token_problems(tokenizer, tokens)
    found = rendering(tokenizer, run.rows.train, run.stage)
    found += [wrong("template", problem, "See docs/recipes.md, chat_template")
              for problem in problems]  # fmt: skip
    _conclude(run.stage, found)


def work_for(recipe: Recipe, lengths: Lengths | None, layout: Layout, *, evaluates: bool) -> Work:
    """Return what a recipe's run asks of memory, spread as accelerate will."""
    return work_of(
        recipe.stage, recipe.values, lengths, device=layout.device, evaluates=evaluates,
        processes=layout.processes, zero=layout.zero, offload=layout.offload,
    )  # fmt: skip


def tokenizer_of(run: TrainingRun) -> LightTokenizer | None:
    """Return the run's tokenizer without transformers; None where only those can make it.

    A template that a recipe gives to a base of its own is such a case, before the first twin.
    """
    if run.parent is not None and run.parent.path is not None:
        made = light_tokenizer(run.parent.path)
    elif run.recipe.ours.get("chat_template", "own") != "own":
        return None
    else:
        made = light_tokenizer(run.base.path)
    if made is None or not made.chat_template:
        return None
    made.chat_template = dateless(made.chat_template)
    return made


def _conclude(stage: str, found: Sequence[Finding]) -> None:
    """Say what is worth a look, and stop where something is wrong."""
    for one in found:
        # Where a run is logged is said by the run itself, as it begins.
        if one.mark is Mark.WARNING and one.check != "tracking":
            say(f"{stage}: ! {one.check}: {one.found}." + (f" {one.remedy}." if one.remedy else ""))
    bad = [one for one in found if one.mark is Mark.WRONG]
    if bad:
        raise PreflightError(stage, bad)


def _say_all_is_well(
    stage: str, found: Sequence[Finding], shape: ModelShape | None, work: Work, there: int
) -> None:
    count = sum(one.mark is Mark.FINE for one in found)
    known = "memory unknown for this kind of base"
    if shape is not None:
        needed = estimate(shape, work).total
        known = f"memory about {needed / 1e9:.1f} of {there / 1e9:.1f} GB"
    say(f"{stage}: preflight: {count} checks fine; {known}")
