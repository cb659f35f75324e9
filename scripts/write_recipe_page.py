"""Write docs/recipes.md: `python -m scripts.write_recipe_page [--check]`."""

from collections.abc import Iterator

from align.recipe_keys import DEFAULTS, OURS, REFUSED
from scripts.generated_page import CHECKOUT, write_or_check

PAGE = CHECKOUT / "docs" / "recipes.md"
HEAD = """\
# Recipes

Written by `make docs` from the recipes and from `align/recipe_keys.py`.

A recipe is a YAML file of `key: value` lines: any key of TRL's `SFTConfig` or `DPOConfig` and of
its `ModelConfig`, and the few of ours below. The command line beats the file
(`align sft --owner me --recipe demo --learning_rate 1e-3`). Unknown and doubled keys and values of
the wrong type are refused, all at once, each with what to do.
"""


def opening(text: str) -> str:
    """Return what a recipe says of itself: its comment after the command, up to a blank line."""
    said = []
    for line in text.splitlines()[2:]:
        if not line.startswith("# "):
            break
        said.append(line[2:])
    return " ".join(said)


def parts() -> Iterator[str]:
    """Yield the page's parts."""
    yield HEAD
    yield "## What is there\n"
    yield "| recipe | what it says of itself |\n|---|---|"
    for file in sorted((CHECKOUT / "recipes").glob("*/*.yaml")):
        if file.parent.name != "accelerate":
            name = file.relative_to(CHECKOUT)
            yield f"| [{name}](../{name}) | {opening(file.read_text())} |"
    yield "\n## Keys of ours\n"
    yield "| key | stage | default | what it does |\n|---|---|---|---|"
    for key, (_, stages, meaning) in OURS.items():
        default = ", ".join(str(DEFAULTS[stage][key]) for stage in stages)
        yield f"| `{key}` | {', '.join(stages)} | {default} | {meaning} |"
    yield "\n## Keys of TRL that are refused\n"
    yield "| key | why |\n|---|---|"
    for key, why in REFUSED.items():
        yield f"| `{key}` | {why} |"


def page() -> str:
    """Return the page as the recipes have it."""
    return "\n".join(parts()) + "\n"


if __name__ == "__main__":
    write_or_check(PAGE, page)
