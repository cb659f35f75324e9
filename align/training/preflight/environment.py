"""Python, torch and the devices, as far as they are known without importing torch."""

import platform
from importlib.metadata import PackageNotFoundError, version

from align.models.lineage import LIBRARIES
from align.recipe.extra_packages import missing_extras
from align.recipe.recipe_file import Recipe
from align.training.preflight.findings import Finding, fine, look, wrong
from align.training.preflight.machine import Layout, Machine, size_words


def environment(machine: Machine) -> list[Finding]:
    """Return which libraries are here, and which hardware."""
    return [_libraries(machine), _devices(machine)]


def extras(recipe: Recipe) -> list[Finding]:
    """Return a line for the packages that only this recipe needs."""
    missing = missing_extras(recipe)
    if not missing:
        return [fine("extras", "nothing is missing that the recipe needs")]
    found = []
    for sentence in missing:
        what, _, how = sentence.partition(". ")
        found.append(wrong("extras", what, how.rstrip(".")))
    return found


def placement(layout: Layout, machine: Machine) -> list[Finding]:
    """Return where the run will train, and what of that does not fit the machine."""
    spread = f"{layout.processes} processes" if layout.processes > 1 else "one process"
    zero = ", FSDP" if layout.is_fsdp else f", ZeRO {layout.zero}" if layout.zero else ""
    moved = [word for word, is_out in zip(("optimiser states", "weights"), layout.offload,
                                          strict=True) if is_out]  # fmt: skip
    outside = f", {' and '.join(moved)} in the machine's memory" if moved else ""
    where = f"{spread} on {layout.device}{zero}{outside}"
    if layout.device == "cuda" and layout.here > len(machine.gpus):
        return [
            wrong("placement", f"{where}, but {len(machine.gpus)} GPUs are here",
                  f"Say --num_processes {len(machine.gpus)} to accelerate launch, or another "
                  "--accelerate")
        ]  # fmt: skip
    if layout.lacks_gpu and (layout.zero or layout.processes > 1):
        return [wrong("placement", f"{where}: no GPU is here", "Say --accelerate cpu")]
    if layout.lacks_gpu:
        return [look("placement", f"{where}: no GPU is here", "Say --accelerate cpu")]
    if layout.zero and layout.device == "cpu":
        return [look("placement", f"{where}: slow, and nothing that a CPU gains from")]
    return [fine("placement", where)]


def new_tokens(recipe: Recipe, layout: Layout) -> list[Finding]:
    """Return what is wrong where tokens are added to weights that are divided."""
    if recipe.ours.get("chat_template") != "chatml" or layout.zero != 3:
        return []
    how = "Say --accelerate zero2 or multi_gpu, or chat_template: plain"
    return [wrong("template", "chatml adds tokens, which divided weights can't be given", how)]


def _libraries(machine: Machine) -> Finding:
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return wrong("libraries", f"{', '.join(missing)} not installed", "Run: make setup")
    said = f"Python {platform.python_version()}, {', '.join(found)}"
    if machine.gpus and not machine.planned and "+cpu" in version("torch"):
        return wrong("libraries", f"{said}: this torch knows no GPU", "Run: make setup TORCH=cuda")
    return fine("libraries", said)


def _devices(machine: Machine) -> Finding:
    gpus = f"{len(machine.gpus)} x {machine.gpus[0].name}" if machine.gpus else ""
    if machine.gpus:
        free = min(gpu.free for gpu in machine.gpus)
        gpus += f" ({size_words(free)} of {size_words(machine.gpus[0].total)} free)"
    elif machine.is_metal:
        gpus = "Apple's GPU"
    memory = f"{size_words(machine.ram_free)} of {size_words(machine.ram)} memory free"
    host = f"{machine.cores} cores, {memory}"
    said = f"{gpus or 'no GPU'}; {host}"
    return fine("machine", f"planned: {said}" if machine.planned else said)
