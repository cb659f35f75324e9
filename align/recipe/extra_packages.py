"""Packages that a recipe needs and a plain installation does not bring.

Looked for without importing them: a recipe is refused before anything is downloaded, and before
torch is there.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from align.recipe.recipe_file import Recipe

# Optimisers of transformers that bitsandbytes computes; those of torch have their own 8 bits.
_OF_BITSANDBYTES = ("paged_", "adamw_8bit", "adamw_bnb", "lion_", "ademamix", "rmsprop_bnb")
_REPORTERS = {"wandb": "wandb", "tensorboard": "tensorboard", "trackio": "trackio"}
# Older ones transformers 5.23 passes over without a word.
_KERNELS = ".venv/bin/pip install 'kernels>=0.18.2'"


def missing_extras(recipe: Recipe) -> list[str]:
    """Return a sentence for each package that the recipe needs and that isn't installed here."""
    return list(dict.fromkeys(_missing(recipe)))


def _missing(recipe: Recipe) -> Iterator[str]:
    values = recipe.values
    for key in ("load_in_4bit", "load_in_8bit"):
        if values.get(key) and not _is_here("bitsandbytes"):
            yield _sentence(key, "bitsandbytes", ".venv/bin/pip install bitsandbytes")
    optimiser = str(values.get("optim") or "")
    if optimiser.startswith(_OF_BITSANDBYTES) and not _is_here("bitsandbytes"):
        yield _sentence(f"optim: {optimiser}", "bitsandbytes", ".venv/bin/pip install bitsandbytes")
    yield from _missing_attention(str(values.get("attn_implementation") or ""))
    if values.get("use_liger_kernel") and not _is_here("liger_kernel"):
        yield _sentence("use_liger_kernel", "liger-kernel", ".venv/bin/pip install liger-kernel")
    if values.get("deepspeed") and not _is_here("deepspeed"):
        yield _sentence("deepspeed", "deepspeed", ".venv/bin/pip install deepspeed")
    reporters = values.get("report_to") or []
    for name in [reporters] if isinstance(reporters, str) else reporters:
        package = _REPORTERS.get(name)
        if package and not _is_here(package):
            yield _sentence(f"report_to: {name}", package, f".venv/bin/pip install {package}")


def _missing_attention(name: str) -> Iterator[str]:
    # A name with a slash is a kernel of the hub, which is fetched when the model is loaded.
    if "/" in name and not _is_here("kernels"):
        yield _sentence(f"attn_implementation: {name}", "kernels", _KERNELS)
    versions = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
    package = versions.get(name)
    if package and not _is_here(package) and not _is_here("kernels"):
        build = ".venv/bin/pip install flash-attn --no-build-isolation"
        how = f"{build} (a long build), or: {_KERNELS}" if name.endswith("2") else _KERNELS
        yield _sentence(f"attn_implementation: {name}", "FlashAttention", how)


def _is_here(package: str) -> bool:
    return find_spec(package) is not None


def _sentence(wanted_by: str, what: str, how: str) -> str:
    return f"{wanted_by} needs {what}. Install it: {how}"
