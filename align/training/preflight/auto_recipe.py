"""RECIPE=auto: the largest recipe of the ladder that fits this machine, agreed to once an owner."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from align.console import duration, say
from align.conversations.examples.example_rows import estimated_tokens
from align.errors import UserError
from align.files import write_atomically
from align.models.lineage import FILE as LINEAGE_FILE
from align.models.lineage import read as read_lineage
from align.paths import checkpoints_dir
from align.recipe.recipe_file import Recipe, known_recipes, ladder, read_recipe, recipe_path
from align.training.preflight.activations import compute_bytes
from align.training.preflight.base_availability import RecipeBase, availability, recipe_base
from align.training.preflight.environment import missing_packages
from align.training.preflight.findings import Mark
from align.training.preflight.machine import (
    Layout,
    Machine,
    layout_of,
    memory_for,
    size_words,
    this_machine,
)
from align.training.preflight.memory import estimate
from align.training.preflight.work import Lengths, Work, most_tokens, work_of
from align.training.sft_rows import sft_rows
from align.training.training_request import TrainingRequest

AUTO = "auto"
_REMEMBERED = "recipe.txt"
# The estimate is good to a quarter; a run that is to fit leaves a little.
_SHARE = 0.9
# Guesses of what training keeps up, in operations a second: of a CPU core in float32 and in
# 16 bits, which few CPUs multiply, of Apple's GPU, and of a CUDA device in 16 bits.
_CORE, _CORE_IN_HALF, _METAL, _CUDA = 15e9, 3e9, 2e12, 50e12
# Nobody waits longer on a CPU.
_BEARABLE = 3600.0


@dataclass(frozen=True)
class Offer:
    """A recipe that could be taken."""

    name: str  # of the recipe
    download: int  # bytes to fetch; 0 where the base is here
    seconds: float  # of SFT, by the guess above
    memory: int  # bytes on each device
    why_not: str = ""  # why it can't be taken; empty where it can


def recipe_for(owner_id: str, word: str) -> str:
    """Return the recipe that `--recipe` names; for `auto` the one that the owner trains with.

    Raises:
        UserError: `auto`, and nothing was agreed to yet.
    """
    if word != AUTO:
        return word
    recipe = agreed_to(owner_id) or _of_checkpoint(owner_id, "sft")
    if recipe is None:
        raise UserError(
            "recipe 'auto'",
            f"which one {owner_id} trains with is settled by the first sft",
            f"Run: align sft --owner {owner_id} --recipe auto, or name a recipe",
        )
    return recipe


def settled(request: TrainingRequest, accelerate: dict[str, Any]) -> TrainingRequest:
    """Return the request with `auto` spelled out, asking about the largest recipe that fits.

    `--yes` among the request's overrides agrees beforehand.

    Raises:
        UserError: Nobody is there to ask, the answer was no, or nothing fits.
    """
    if request.recipe != AUTO:
        return request
    agreed = "--yes" in request.overrides
    request = replace(
        request, overrides=tuple(word for word in request.overrides if word != "--yes")
    )
    known = agreed_to(request.owner_id)
    if request.stage != "sft":
        known = (
            _of_checkpoint(request.owner_id, request.checkpoint)
            or known
            or recipe_for(request.owner_id, AUTO)
        )
    if known is not None:
        say(f"{request.stage}: recipe {known}, as before")
        return replace(request, recipe=known)
    machine = this_machine()
    layout = layout_of(accelerate, machine)
    offers = [_offer(name, request, layout, machine) for name in ladder()]
    offer = _largest(offers, request)
    if not agreed:
        _ask(offer, request, layout)
    write_atomically(checkpoints_dir(request.owner_id) / _REMEMBERED, offer.name + "\n")
    return replace(request, recipe=offer.name)


def agreed_to(owner_id: str) -> str | None:
    """Return the recipe that `auto` came to for an owner, or None."""
    note = checkpoints_dir(owner_id) / _REMEMBERED
    return note.read_text(encoding="utf-8").strip() or None if note.is_file() else None


def _of_checkpoint(owner_id: str, word: str) -> str | None:
    """Return the name of the recipe that a twin was trained with, where it is one of recipes/."""
    folder = checkpoints_dir(owner_id) / word
    if not (folder / LINEAGE_FILE).is_file():
        return None
    # From the root where that holds the recipes; where they are linked, from wherever they lie.
    _, _, file = str(read_lineage(folder).recipe.get("file", "")).rpartition("recipes/")
    name = file.rpartition("/")[0]
    return name if name in known_recipes("sft") else None


def training_seconds(work: Work, weights: int, tokens: float, machine: Machine) -> float:
    """Return about how long training on so many tokens, of all epochs together, takes.

    A token takes 4 operations a weight where an adapter is trained, 6 where every weight is, and 2
    more where activations are computed again.
    """
    each = (6 if work.rank is None else 4) + 2 * work.checkpointing
    core = _CORE_IN_HALF if compute_bytes(work) == 2 else _CORE
    rate = {"cpu": core * machine.cores, "mps": _METAL, "cuda": _CUDA * work.processes}
    return tokens * each * weights / rate[work.device]


def _offer(name: str, request: TrainingRequest, layout: Layout, machine: Machine) -> Offer:
    recipe = read_recipe(recipe_path(name, "sft"), "sft", request.overrides)
    base = recipe_base(recipe)
    if base.shape is None:
        return Offer(name, 0, 0.0, 0, "the shape of its base is not known")
    most = most_tokens(recipe.values)
    tokens = [
        sum(estimated_tokens(message["content"]) for message in row["messages"])
        for row in sft_rows(request, recipe, None)
    ]
    tokens = [min(count, most) for count in tokens] or [most]
    work = work_of("sft", recipe.values, Lengths(max(tokens), max(tokens)), layout)
    needed = estimate(base.shape, work).total
    epochs = float(recipe.training.get("num_train_epochs") or 3)
    seconds = training_seconds(work, base.shape.weights, sum(tokens) * epochs, machine)
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


def _largest(offers: Sequence[Offer], request: TrainingRequest) -> Offer:
    for offer in reversed(offers):
        if not offer.why_not:
            return offer
    if not offers:
        raise UserError("recipe 'auto'", "there is no ladder of recipes", "Name a recipe")
    first = offers[0]
    raise UserError(
        "recipe 'auto'",
        f"not even the smallest, {first.name}, can be taken: {first.why_not.rstrip('.')}",
        f"To try it all the same: {_command(first, request)}",
    )


def _ask(offer: Offer, request: TrainingRequest, layout: Layout) -> None:
    minutes = math.ceil(offer.seconds / 60)
    fetched = f"download {size_words(offer.download)}" if offer.download else "no download"
    what = (
        f"{offer.name}: {fetched}, about {minutes} min on {layout.device} by a rough guess, "
        f"{size_words(offer.memory)} of memory"
    )
    command = _command(offer, request)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("recipe 'auto'", f"the largest that fits is {what}", f"Run: {command}")
    say(f"The largest recipe that fits: {what}.")
    print("Take it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserError("recipe 'auto'", "nothing was started", f"Later: {command}")


def _command(offer: Offer, request: TrainingRequest) -> str:
    return " ".join(["align", *replace(request, recipe=offer.name).words])
