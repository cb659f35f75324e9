"""Write align/recipe/recipe_keys.json: what a recipe may say, read from the installed TRL.

    python -m scripts.write_recipe_keys

Recipes are checked without importing torch; this file is how. A test holds it to be up to date.
"""

import dataclasses
import enum
import json
import types
import typing
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "align" / "recipe" / "recipe_keys.json"
_PLAIN = {bool: "bool", int: "int", float: "float", str: "str", type(None): "none"}


def recipe_keys() -> dict[str, dict[str, Any]]:
    """Return, for each stage, key -> {from, types, choices}."""
    import trl
    from trl import DPOConfig, ModelConfig, SFTConfig

    stages: dict[str, dict[str, Any]] = {"trl": {"version": trl.__version__}}
    for stage, config in {"sft": SFTConfig, "dpo": DPOConfig}.items():
        keys = {}
        for source, part in {"model": ModelConfig, "training": config}.items():
            hints = typing.get_type_hints(part)
            for field in dataclasses.fields(part):
                if field.init:
                    keys[field.name] = {"from": source, **_described(hints[field.name], field)}
        stages[stage] = dict(sorted(keys.items()))
    return stages


def _described(hint: Any, field: dataclasses.Field[Any]) -> dict[str, Any]:
    members = typing.get_args(hint) if _is_union(hint) else (hint,)
    kinds, choices = set(), set(field.metadata.get("choices") or ())
    for member in members:
        if isinstance(member, type) and issubclass(member, enum.Enum):
            kinds.add("str")
            choices |= {str(one.value) for one in member}
        elif typing.get_origin(member) is typing.Literal:
            kinds |= {_PLAIN[type(value)] for value in typing.get_args(member)}
        elif typing.get_origin(member) is list:
            (inner,) = typing.get_args(member)
            kinds.add(f"list[{_PLAIN.get(inner, 'str')}]")
        elif member in _PLAIN:
            kinds.add(_PLAIN[member])
        else:
            kinds.add("dict")
    if field.default is None:
        kinds.add("none")
    return {"types": sorted(kinds), **({"choices": sorted(choices)} if choices else {})}


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def as_text() -> str:
    """Return the file's text."""
    stages = recipe_keys()
    lines = []
    for stage, keys in stages.items():
        inner = ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in keys.items()
        )
        lines.append(f"{json.dumps(stage)}: {{\n{inner}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(as_text(), encoding="utf-8")
