"""What of a lineage may be handed on: no text, no path, the owner's name only on request."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from align.models.checkpoints import Checkpoint
from align.models.lineage import Lineage

# A source is a reader's name; of rows from a file it may be anything.
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,30}")
# Of a gate: counts, rates and whose verdicts. Its report stays behind.
_GATE = ("judge", "model", "rows", "choices", "weight", "certainties", "prompt_hash", "time")


def base_name(checkpoint: Checkpoint) -> str:
    """Return the base's id on the hub, or `a local base`: its folder's name is this machine's."""
    return checkpoint.base.hub_id or "a local base"


def recipe_name(lineage: Lineage) -> str:
    """Return the name of a recipe of the project's own; another's path is this machine's."""
    parts = Path(str(lineage.recipe.get("file", ""))).parts
    return "/".join(parts[1:-1]) if len(parts) > 2 and parts[0] == "recipes" else "own"


def mix_of(lineage: Lineage) -> dict[str, int]:
    """Return the rows by source."""
    mix: dict[str, int] = {}
    for source, count in lineage.mix.items():
        name = source if _SOURCE.fullmatch(source) else "other"
        mix[name] = mix.get(name, 0) + count
    return mix


def recipe_values(lineage: Lineage) -> dict[str, Any]:
    """Return the recipe's values but those that hold a path, an id on the hub or a sentence."""
    values = lineage.recipe.get("values", {})
    return {key: value for key, value in sorted(values.items()) if _is_setting(value)}


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return those values that are plain numbers."""
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def gates_of(lineage: Lineage) -> dict[str, dict[str, Any]]:
    """Return of each judge's gate what is counted and rated."""
    return {
        name: {key: gate[key] for key in _GATE if key in gate}
        for name, gate in lineage.judging.items()
    }


def twin_json(checkpoint: Checkpoint, kind: str, *, name: bool) -> str:
    """Return the twin.json of an export of a kind: `merged`, `full` or `adapter`.

    `name` says whether the owner's name may stand in it.
    """
    lineage = checkpoint.lineage
    assert lineage is not None
    content = {
        "export": kind,
        "hash": lineage.hash,
        **({"owner": lineage.owner} if name else {}),
        "base": {
            "name": base_name(checkpoint),
            "hash": lineage.base["hash"],
            **({"revision": lineage.base["revision"]} if checkpoint.base.is_hub else {}),
        },
        "recipe": {
            "name": recipe_name(lineage),
            "hash": lineage.recipe["hash"],
            "values": recipe_values(lineage),
        },
        "rows": {key: value for key, value in lineage.rows.items() if key != "file"},
        "mix": mix_of(lineage),
        "metrics": numbers(lineage.metrics),
        "judging": gates_of(lineage),
    }
    plain = ("stage", "template_hash", "seed", "parent", "sampling", "versions", "created")
    all_fields = asdict(lineage)
    content |= {key: all_fields[key] for key in plain}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _is_setting(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_setting, value))
    if isinstance(value, str):
        return re.fullmatch(r"[A-Za-z0-9_.+-]{1,60}", value) is not None
    return value is None or isinstance(value, bool | int | float)
