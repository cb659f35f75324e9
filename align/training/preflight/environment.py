"""Libraries, devices and trackers, as far as they are known without importing them."""

import netrc
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

from align.console import size_words
from align.models.lineage import LIBRARIES
from align.recipe.recipe_file import Recipe
from align.training.preflight.findings import Finding, fine, look, wrong
from align.training.preflight.machine import Layout, Machine

_BNB = "bitsandbytes"
# Optimisers of transformers that bitsandbytes computes; those of torch have their own 8 bits.
_OF_BITSANDBYTES = ("paged_", "adamw_8bit", "adamw_bnb", "lion_", "ademamix", "rmsprop_bnb")
# Older ones transformers 5.23 passes over without a word.
_KERNELS = ".venv/bin/pip install 'kernels>=0.18.2'"


def extras(recipe: Recipe) -> list[Finding]:
    """Return a line for the packages that only this recipe needs."""
    missing = missing_packages(recipe)
    if not missing:
        return [fine("extras", "nothing is missing that the recipe needs")]
    findings = []
    for sentence in missing:
        what, _, how = sentence.partition(". ")
        findings.append(wrong("extras", what, how.rstrip(".")))
    return findings


def missing_packages(recipe: Recipe) -> list[str]:
    """Return a sentence for each package that the recipe needs beside a plain installation."""
    values, wanted = recipe.values, []
    wanted += [(key, _BNB) for key in ("load_in_4bit", "load_in_8bit") if values.get(key)]
    optimiser = str(values.get("optim") or "")
    if optimiser.startswith(_OF_BITSANDBYTES):
        wanted.append((f"optim: {optimiser}", _BNB))
    if values.get("use_liger_kernel"):
        wanted.append(("use_liger_kernel", "liger-kernel"))
    if values.get("deepspeed"):
        wanted.append(("deepspeed", "deepspeed"))
    wanted += [(f"report_to: {name}", name) for name in recipe.trackers]
    missing = [
        f"{needed_by} needs {package}. Install it: .venv/bin/pip install {package}"
        for needed_by, package in wanted
        if not _is_here(package.replace("-", "_"))
    ]
    return list(dict.fromkeys([*missing, *_missing_attention(recipe)]))


def _missing_attention(recipe: Recipe) -> Iterator[str]:
    name = str(recipe.values.get("attn_implementation") or "")
    # A name with a slash is a kernel of the hub, which is fetched when the model is loaded.
    if "/" in name and not _is_here("kernels"):
        yield f"attn_implementation: {name} needs kernels. Install it: {_KERNELS}"
    versions = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
    package = versions.get(name)
    if package and not _is_here(package) and not _is_here("kernels"):
        build = ".venv/bin/pip install flash-attn --no-build-isolation"
        how = f"{build} (a long build), or: {_KERNELS}" if name.endswith("2") else _KERNELS
        yield f"attn_implementation: {name} needs FlashAttention. Install it: {how}"


def _is_here(package: str) -> bool:
    return find_spec(package) is not None


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
    if layout.lacks_gpu:
        found = wrong if layout.zero or layout.processes > 1 else look
        return [found("placement", f"{where}: no GPU is here", "Say --accelerate cpu")]
    if layout.zero and layout.device == "cpu":
        return [look("placement", f"{where}: slow, and nothing that a CPU gains from")]
    return [fine("placement", where)]


def new_tokens(recipe: Recipe, layout: Layout) -> list[Finding]:
    """Return what is wrong where tokens are added to weights that are divided."""
    if recipe.ours.get("chat_template") != "chatml" or layout.zero != 3:
        return []
    how = "Say --accelerate zero2 or multi_gpu, or chat_template: plain"
    return [wrong("template", "chatml adds tokens, which divided weights can't be given", how)]


def tracking_mode(recipe: Recipe) -> list[Finding]:
    """Return where the recipe's `report_to` sends figures, and whether wandb has a key."""
    names = recipe.trackers
    if "wandb" not in names:
        where = f"figures go to {', '.join(names)}" if names else "figures stay in the terminal"
        return [fine("tracking", where)]
    if find_spec("wandb") is None:
        return []  # the line of the extras says it
    mode = os.environ.get("WANDB_MODE", "").lower()
    if mode in ("offline", "dryrun", "disabled"):
        return [fine("tracking", f"wandb, {mode} by WANDB_MODE")]
    if not _has_key():
        return [look("tracking", "wandb, offline: there is no key here",
                     "For a live view run: .venv/bin/wandb login")]  # fmt: skip
    return [fine("tracking", "wandb, online")]


def libraries(machine: Machine) -> Finding:
    """Return which libraries are here."""
    here, missing = [], []
    for name in LIBRARIES:
        try:
            here.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return wrong("libraries", f"{', '.join(missing)} not installed", "Run: make setup")
    text = f"Python {platform.python_version()}, {', '.join(here)}"
    if machine.gpus and not machine.planned and "+cpu" in version("torch"):
        return wrong("libraries", f"{text}: this torch knows no GPU", "Run: make setup TORCH=cuda")
    return fine("libraries", text)


def hardware(machine: Machine) -> Finding:
    """Return which devices and how much memory are here, or planned."""
    gpus = f"{len(machine.gpus)} x {machine.gpus[0].name}" if machine.gpus else ""
    if machine.gpus:
        free = min(gpu.free for gpu in machine.gpus)
        gpus += f" ({size_words(free)} of {size_words(machine.gpus[0].total)} free)"
    elif machine.is_metal:
        gpus = "Apple's GPU"
    memory = f"{size_words(machine.ram_free)} of {size_words(machine.ram)} memory free"
    host = f"{machine.cores} cores, {memory}"
    text = f"{gpus or 'no GPU'}; {host}"
    return fine("machine", f"planned: {text}" if machine.planned else text)


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    file = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(str(file)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
