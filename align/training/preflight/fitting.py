"""Whether a run fits its device and disk, and the cheapest change that makes it fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from align.console import size_words
from align.files import free_disk
from align.paths import checkpoints_dir, relative_to_root
from align.recipe.recipe_file import known_recipes, ladder, read_recipe, recipe_path
from align.training.preflight.findings import Finding, fine, look, unknown, wrong
from align.training.preflight.machine import Layout, Machine, memory_for
from align.training.preflight.memory import Estimate, estimate, trained_weights
from align.training.preflight.shapes import ModelShape, known_shape
from align.training.preflight.work import Lengths, Work

# The estimate is good to a quarter: what is over by more can't fit, what is near may not.
_TOLERANCE, _TIGHT = 0.25, 0.9
_SAVES = 2
# Tokenizer, log and lineage.
_BESIDE = 50_000_000
# Words for the command line, and what they make of a run; a kind holds the mildest first.
_Strength = tuple[str, dict[str, Any]]
_Kind = list[_Strength]
_LENGTHS = (2048, 1024, 768, 512, 384, 256)


@dataclass(frozen=True)
class Change:
    """Something that takes less memory, as words for the command line."""

    words: str  # like `--gradient_checkpointing true`
    work: Work  # the run with it


def memory(
    shape: ModelShape | None, work: Work, layout: Layout, machine: Machine, *, stops: bool = False
) -> list[Finding]:
    """Return whether the run fits, and what to change where it doesn't.

    In a run (`stops`) only what can't fit even if the estimate is off is wrong; else all that is
    over is.
    """
    if shape is None:
        return [unknown("memory", "the shape of this base is not known before it is here")]
    there, needed = memory_for(layout, machine), estimate(shape, work)
    where = "on each GPU" if layout.here > 1 else "on the GPU"
    where = "memory" if layout.device == "cpu" else where
    text = f"about {size_words(needed.total)} of {size_words(there)} {where}"
    text += f" ({_largest(needed)})"
    limit = there * (1 + _TOLERANCE) if stops else there
    if needed.total > limit:
        findings = [wrong("memory", text, remedy(shape, work, layout, machine))]
    elif needed.total > there * _TIGHT:
        findings = [look("memory", text, remedy(shape, work, layout, machine))]
    else:
        findings = [fine("memory", text)]
    if needed.host > machine.ram_free:
        beside = f"{size_words(needed.host)} are moved to the machine's memory, which has "
        findings.append(wrong("host memory", beside + size_words(machine.ram_free),
                           "Say --accelerate zero3, which moves nothing"))  # fmt: skip
    return findings


def room(owner_id: str, shape: ModelShape | None, work: Work, saves: int | None) -> list[Finding]:
    """Return whether the saves on the way and the checkpoint find room where checkpoints lie."""
    folder = checkpoints_dir(owner_id)
    free = free_disk(folder)
    if shape is None:
        return [fine("disk", f"{size_words(free)} free for {relative_to_root(folder)}")]
    need = disk_needed(shape, work, saves)
    text = f"saves and twin take up to {size_words(need)}, {size_words(free)} are free"
    if need > free:
        return [wrong("disk", text, "Make room, or say --save_total_limit 1")]
    return [fine("disk", text)]


def disk_needed(shape: ModelShape, work: Work, saves: int | None) -> int:
    """Return the bytes of the saves and the checkpoint; `saves` is `save_total_limit`.

    A save holds what is trained and the optimiser's two numbers of each, one more is written
    before the oldest goes, and the checkpoint comes last.
    """
    item = trained_weights(shape, work) * 4
    kept = 3 * item * ((_SAVES if saves is None else saves) + 1 if saves != 0 else 0)
    return kept + item + _BESIDE


def remedy(shape: ModelShape, work: Work, layout: Layout, machine: Machine) -> str:
    """Return the cheapest changes that make a run fit, as words that can be pasted."""
    there = int(memory_for(layout, machine) * _TIGHT)
    change = cheapest(shape, work, there, gpus=len(machine.gpus))
    if change is None:
        smaller = _smaller(work, there)
        if smaller is None:
            return "No setting makes this base fit, nor a smaller one of the ladder"
        return f"No setting makes this base fit. Take a smaller one: --recipe {smaller}"
    host = estimate(shape, change.work).host
    beside = f" (with {size_words(host)} of the machine's own memory)" if host else ""
    return f"Add: {change.words}{beside}"


def cheapest(shape: ModelShape, work: Work, there: int, *, gpus: int = 0) -> Change | None:
    """Return the changes that cost least and make a run fit, as one; or None.

    One change alone is tried in order of what it costs; then ever more of them together. The run
    may take `there` bytes, and be spread over so many GPUs.
    """
    kinds = list(_kinds(work, gpus))
    for count in range(1, len(kinds) + 1):
        for chosen in combinations(kinds, count):
            change = _applied(shape, work, chosen, there)
            if change is not None:
                return change
    return None


def _applied(shape: ModelShape, work: Work, kinds: Sequence[_Kind], there: int) -> Change | None:
    """Return some kinds of change together, the last no stronger than it must; None if too much."""
    now = Change("", work)
    for kind in kinds:
        changed = [(words, replace(now.work, **values)) for words, values in kind]
        changes = [Change(words, run) for words, run in changed if run != now.work]
        if not changes:
            return None
        fitting = [item for item in changes if estimate(shape, item.work).total <= there]
        best = fitting[0] if fitting and kind is kinds[-1] else changes[-1]
        now = Change(f"{now.words} {best.words}".strip(), best.work)
    return now if estimate(shape, now.work).total <= there else None


def _smaller(work: Work, there: int) -> str | None:
    """Return the largest recipe of the ladder whose base fits as this run is; None without one."""
    known_here = known_recipes("sft")
    for name in reversed([item for item in ladder() if item in known_here]):
        recipe = read_recipe(recipe_path(name, "sft"), "sft")
        shape = known_shape(recipe.base_name)
        if shape and estimate(shape, work).total <= there:
            return name
    return None


def _kinds(work: Work, gpus: int) -> Iterator[_Kind]:
    """Yield kinds of change by what they cost, each with its strengths, the mildest first."""
    # A third of a step's time, and the same result.
    yield [("--gradient_checkpointing true", {"checkpointing": True})]
    # The same result but for the mean over a step's tokens; more, smaller products.
    yield list(_smaller_batches(work))
    # An evaluation, and a pass for the reference, take longer.
    words = "--per_device_eval_batch_size 1"
    words += " --precompute_ref_batch_size 1" if work.scoring_batch else ""
    ones = {"eval_batch": min(work.eval_batch, 1), "scoring_batch": min(work.scoring_batch, 1)}
    yield [(words, ones)]
    if work.reference == "model":
        # A pass before training, and the reference need not stand beside the model.
        yield [("--precompute_ref_log_probs true", {"reference": "none"})]
    # The oldest turns of long rows are not seen any more.
    rows = work.lengths
    yield [
        (f"--max_length {most}", {"lengths": Lengths(most, min(rows.learned, most), rows.measured)})
        for most in _LENGTHS
        if most < rows.longest
    ]
    if work.device == "cuda":
        yield from _on_gpus(work, gpus)


def _smaller_batches(work: Work) -> Iterator[_Strength]:
    batch, times = work.batch, work.accumulation
    while batch > 1 and batch % 2 == 0:
        batch, times = batch // 2, times * 2
        words = f"--per_device_train_batch_size {batch} --gradient_accumulation_steps {times}"
        yield words, {"batch": batch, "accumulation": times}


def _on_gpus(work: Work, gpus: int) -> Iterator[_Kind]:
    if work.rank is not None and not work.is_quantised and not work.zero:
        # Slower, and answers that differ a little; one device is enough.
        four_bits = {"weight_bytes": 0.5, "is_mixed": True}
        yield [("--load_in_4bit true --bnb_4bit_quant_type nf4", four_bits)]
    if work.zero < 3:
        # DeepSpeed turns a model whose products are in 16 bits into 16 bits as a whole.
        half = {"weight_bytes": 2, "is_mixed": False} if work.is_mixed else {}
        many = {"processes": max(gpus, work.processes), **half}
        strengths = []
        if gpus > 1 and work.zero < 2:
            strengths.append(("--accelerate zero2", {"zero": 2, **many}))
        if gpus > 1:
            strengths.append(("--accelerate zero3", {"zero": 3, **many}))
        outside = {"zero": 3, "offloads_optimizer": True, "offloads_weights": True}
        yield [*strengths, ("--accelerate zero3_offload", outside | many)]


def _largest(needed: Estimate) -> str:
    parts = sorted(needed.parts.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} {size_words(size)}" for name, size in parts)
