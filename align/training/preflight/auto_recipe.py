"""The recipe that a run takes: of `auto` the largest that fits here, agreed to once an owner."""

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

from align.console import duration, make_command, say, size_words
from align.conversations.examples.example_rows import estimated_tokens
from align.errors import UserError
from align.files import write_atomically
from align.paths import checkpoints_dir, simulated_file
from align.recipe.recipe_file import Recipe, ladder, read_recipe, recipe_path
from align.training.preflight.base_availability import RecipeBase, availability, recipe_base
from align.training.preflight.environment import missing_packages
from align.training.preflight.findings import Mark
from align.training.preflight.machine import Layout, Machine, layout_of, memory_for, this_machine
from align.training.preflight.memory import estimate
from align.training.preflight.work import Lengths, Work, most_tokens, work_of
from align.training.recipe_family import AGREED, AUTO, agreed_to, habitual, named
from align.training.sft_rows import sft_rows
from align.training.time_budget import expectation
from align.training.training_request import TrainingRequest

# The estimate is good to a quarter; a run that is to fit leaves a little.
_SHARE = 0.9
# Nobody waits longer on a CPU.
_BEARABLE = 3600.0


@dataclass(frozen=True)
class Offer:
    """A recipe that could be taken."""

    name: str  # of the recipe
    download: int  # bytes to fetch; 0 where the base is here
    seconds: float  # of SFT, by estimate
    memory: int  # bytes on each device
    why_not: str = ""  # why it can't be taken; empty where it can


def settled(request: TrainingRequest, accelerate: dict[str, Any]) -> TrainingRequest:
    """Return the request with its recipe named, and say which where nobody named it.

    `auto` asks about the largest recipe that fits; `--yes` among the overrides agrees beforehand.
    UserError: nobody is there to ask, the answer was no, or nothing fits.
    """
    words = tuple(word for word in request.overrides if word != "--yes")
    chosen = replace(request, overrides=words if request.recipe == AUTO else request.overrides)
    if request.recipe == AUTO and request.stage == "sft":
        return _agreed(chosen, accelerate, is_agreed="--yes" in request.overrides)
    chosen = named(chosen)
    if request.recipe in ("", AUTO) and not simulated_file(request.owner_id):
        say(f"{request.stage}: recipe {chosen.recipe}{_why(request, chosen.recipe, accelerate)}")
    return chosen


def _agreed(
    request: TrainingRequest, accelerate: dict[str, Any], *, is_agreed: bool
) -> TrainingRequest:
    known = agreed_to(request.owner_id)
    if known is not None:
        say(f"{request.stage}: recipe {known}, as before")
        return replace(request, recipe=known)
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    offer = _largest(request, layout, machine)
    if offer.why_not:
        raise UserError(
            "recipe 'auto'",
            f"not even the smallest, {offer.name}, can be taken: {offer.why_not.rstrip('.')}",
            f"To try it all the same: {_command(offer, request)}",
        )
    if not is_agreed:
        _ask(offer, request, layout)
    write_atomically(checkpoints_dir(request.owner_id) / AGREED, offer.name + "\n")
    return replace(request, recipe=offer.name)


def _why(request: TrainingRequest, name: str, accelerate: dict[str, Any]) -> str:
    """Return why a recipe is taken that nobody named and, on a GPU, the largest that fits it."""
    if request.stage == "dpo":
        return f", as {request.checkpoint} was trained"
    if habitual(request.owner_id) is not None:
        return ", as before"
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    offer = None if layout.device == "cpu" else _largest(request, layout, machine)
    if offer is None or offer.why_not or offer.name == name:
        return ", the smallest of a real base"
    make = make_command("sft dpo", request.owner_id)
    return f"; this GPU could train {_words(offer, layout)}: {make} RECIPE={offer.name}"


def _offer(name: str, request: TrainingRequest, layout: Layout, machine: Machine) -> Offer:
    recipe = read_recipe(recipe_path(name, "sft"), "sft", request.overrides)
    base = recipe_base(recipe)
    if base.shape is None:
        return Offer(name, 0, 0.0, 0, "the shape of its base is not known")
    most = most_tokens(recipe.values)
    rows = sft_rows(request, recipe, None)
    tokens = (sum(estimated_tokens(message["content"]) for message in row["messages"])
              for row in rows)  # fmt: skip
    longest = min(max(tokens, default=most), most)
    work = work_of("sft", recipe.values, Lengths(longest, longest), layout)
    needed = estimate(base.shape, work).total
    expected = expectation(recipe, rows, base.shape, layout)
    seconds = expected.seconds() if expected else 0.0
    download = base.known.download_bytes if base.known and base.base is None else 0
    why_not = _why_not(recipe, base, work, needed, seconds, memory_for(layout, machine))
    return Offer(name, download, seconds, needed, why_not)


def _why_not(
    recipe: Recipe, base: RecipeBase, work: Work, needed: int, seconds: float, there: int
) -> str:
    missing = missing_packages(recipe)
    if missing:
        return missing[0].rstrip(".")
    if work.is_quantised and work.device != "cuda":
        return "4-bit weights need a GPU"
    if needed > there * _SHARE:
        return f"it takes about {size_words(needed)}, and {size_words(there)} are there"
    if work.device == "cpu" and seconds > _BEARABLE:
        return f"it would take about {duration(seconds)} on this CPU"
    for finding in availability(base, asks=False):
        if finding.mark is Mark.WRONG:
            return f"{finding.text}. {finding.remedy}"
    return ""


def _largest(request: TrainingRequest, layout: Layout, machine: Machine) -> Offer:
    """Return the largest that can be taken; where none can, the smallest, with its reason."""
    offers = [_offer(name, request, layout, machine) for name in ladder()]
    if not offers:
        raise UserError("recipe 'auto'", "there is no ladder of recipes", "Name a recipe")
    return next((offer for offer in reversed(offers) if not offer.why_not), offers[0])


def _words(offer: Offer, layout: Layout) -> str:
    fetched = f"download {size_words(offer.download)}" if offer.download else "no download"
    return (
        f"{offer.name} ({fetched}, about {math.ceil(offer.seconds / 60)} min on "
        f"{layout.device} by estimate, {size_words(offer.memory)} of memory)"
    )


def _ask(offer: Offer, request: TrainingRequest, layout: Layout) -> None:
    what, command = _words(offer, layout), _command(offer, request)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("recipe 'auto'", f"the largest that fits is {what}", f"Run: {command}")
    say(f"The largest recipe that fits: {what}.")
    print("Take it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserError("recipe 'auto'", "nothing was started", f"Later: {command}")


def _command(offer: Offer, request: TrainingRequest) -> str:
    return " ".join(["align", *replace(request, recipe=offer.name).words])
