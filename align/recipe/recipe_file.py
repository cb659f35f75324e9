"""Read a training recipe and say all that is wrong with it at once, without importing torch.

A recipe is data, lines of `key: value`; `align.recipe.recipe_keys` knows the keys. The command
line beats the file. No code, no inheritance, no interpolation, no environment variables.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from align.errors import UserError
from align.models.lineage import digest_of
from align.paths import project_root, recipes_dir, relative_to_root
from align.recipe.recipe_keys import (
    DEFAULTS,
    NO_EFFECT,
    OFF,
    OURS,
    as_number,
    checked_value,
    known_keys,
)

# TRL's own default of max_length.
MAX_LENGTH = 1024


class RecipeError(UserError):
    """All that is wrong with a recipe, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        Exception.__init__(self, "\n".join(problems))
        self.where, self.what, self.remedy = problems[0].partition(": ")


@dataclass(frozen=True)
class Recipe:
    """A checked recipe."""

    path: Path
    stage: str  # `sft` or `dpo`
    training: dict[str, Any]  # keys of `SFTConfig` or `DPOConfig`
    model: dict[str, Any]  # keys of `ModelConfig`
    ours: dict[str, Any]  # this project's keys, defaults filled in

    @property
    def name(self) -> str:
        """Return its short name: the folder's where the file is named after the stage."""
        return self.path.parent.name if self.path.stem == self.stage else self.path.stem

    @property
    def values(self) -> dict[str, Any]:
        """Return all values that were said, command line included, and our defaults."""
        return {**self.model, **self.training, **self.ours}

    @property
    def decisive(self) -> dict[str, Any]:
        """Return the values that decide the result; the base counts by its own hash."""
        apart = {*NO_EFFECT, "model_name_or_path", "model_revision"}
        # What is off is as if nobody had heard of it: a run made before it existed is the same.
        apart |= {key for key, off in OFF.items() if self.values.get(key) == off}
        return {key: value for key, value in self.values.items() if key not in apart}

    @property
    def hash(self) -> str:
        """Return the SHA-256 of what decides the result."""
        return digest_of(self.stage, self.decisive)

    @property
    def is_full(self) -> bool:
        """Return whether every weight is trained (`use_peft: false`), and not an adapter."""
        return self.model.get("use_peft") is False

    @property
    def base_name(self) -> str | None:
        """Return `model_name_or_path`, or None."""
        name: str | None = self.model.get("model_name_or_path")
        return name

    @property
    def base_revision(self) -> str:
        """Return the hub revision of the base."""
        return str(self.model.get("model_revision", "main"))

    @property
    def example_settings(self) -> dict[str, Any]:
        """Return what an sft recipe says of its rows, as `build_examples` takes it."""
        return {
            "max_tokens": self.training.get("max_length") or MAX_LENGTH,
            "longest_answer": self.ours["longest_answer"] or None,
            "identity": self.ours["identity"],
            "identity_share": self.ours["identity_share"],
            "dates": self.ours["document_dates"],
        }

    @property
    def trackers(self) -> list[str]:
        """Return where the run's figures go: the names in `report_to` but `none`."""
        names = self.training.get("report_to") or "none"
        return [name for name in ([names] if isinstance(names, str) else names) if name != "none"]

    @property
    def seed(self) -> int:
        """Return the run's seed; 42 is transformers' own default."""
        return int(self.training.get("seed", 42))


def recipe_path(word: str, stage: str) -> Path:
    """Return the file of `demo`, `contrib/…` or a path to a YAML file; UserError: there is none."""
    path = recipes_dir() / word / f"{stage}.yaml"
    if not path.is_file() and (word.endswith((".yaml", ".yml")) or "/" in word):
        path = Path(word).expanduser()
        path = path if path.is_absolute() or path.is_file() else project_root() / path
        path = path / f"{stage}.yaml" if path.is_dir() else path
    if not path.is_file():
        known = known_recipes(stage)
        near = difflib.get_close_matches(word, known, n=1)
        remedy = f"Did you mean '{near[0]}'? " if near else ""
        remedy += f"Known: {', '.join(known)}"
        raise UserError(f"recipe {word!r}", f"no such file: {relative_to_root(path)}", remedy)
    return path


def known_recipes(stage: str) -> list[str]:
    """Return the names of the recipes that have a file for the stage, smallest base first.

    The demo's comes before the ladder; what is in no ladder, contrib last, comes after it.
    """
    folder = recipes_dir()
    files = [*folder.glob(f"*/{stage}.yaml"), *folder.glob(f"contrib/*/{stage}.yaml")]
    names = sorted(str(file.parent.relative_to(folder)) for file in files)
    order = {name: at for at, name in enumerate(["demo", *ladder()])}
    return sorted(names, key=lambda name: (order.get(name, len(order)), "/" in name, name))


def ladder() -> list[str]:
    """Return the recipes that `RECIPE=auto` climbs, least memory first; UserError: none known."""
    file = recipes_dir() / "bases.yaml"
    try:
        bases = yaml.safe_load(file.read_text(encoding="utf-8"))["bases"]
        return [name for base in bases.values() for name in base.get("recipes", ())]
    except FileNotFoundError:
        return []
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise UserError(relative_to_root(file), "not a list of bases") from error


def read_recipe(path: Path, stage: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the checked recipe of a file and of words; RecipeError says all that is wrong."""
    where = relative_to_root(path)
    values_of_file, problems = _read_yaml(path, where)
    values_of_words, problems_of_words = _read_overrides(overrides)
    problems += problems_of_words
    values: dict[str, Any] = {}
    for key, (value, written, place) in {**values_of_file, **values_of_words}.items():
        try:
            values[key] = checked_value(stage, key, value, written)
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if values.get("use_peft") is False:
        problems += [
            f"{where}: use_peft: false trains every weight, and {key} freezes them. Keep one."
            for key in ("load_in_4bit", "load_in_8bit")
            if values.get(key)
        ]
    if stage == "sft" and not problems and not values.get("model_name_or_path"):
        problems.append(f"{where}: no model_name_or_path. Name the base: a folder or a hub id.")
    if problems:
        raise RecipeError(problems)
    ours = {**DEFAULTS[stage], **{key: values.pop(key) for key in list(values) if key in OURS}}
    model = {
        key: values.pop(key) for key in list(values) if known_keys(stage)[key]["from"] == "model"
    }
    return Recipe(path, stage, training=values, model=model, ours=ours)


# By key: the value, the value with its scalars as they are written, and where it stands.
_Entries = dict[str, tuple[Any, Any, str]]


def _read_yaml(path: Path, where: str) -> tuple[_Entries, list[str]]:
    """Return what stands in a file, by file:line, and what is wrong with the file itself."""
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        top = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "can't be read"
        return {}, [f"{where}{line}: not YAML ({problem}). Mend that line."]
    except UnicodeDecodeError:
        return {}, [f"{where}: not UTF-8 text. Save it as UTF-8."]
    if top is None:
        return {}, []
    if not isinstance(top, yaml.MappingNode):
        return {}, [f"{where}: not a list of 'key: value' lines. See docs/recipes.md."]
    problems = _doubled(top, where)
    entries: _Entries = {}
    for key_node, value_node in top.value:
        place = f"{where}:{key_node.start_mark.line + 1}"
        try:
            key = loader.construct_object(key_node, deep=True)
            value = loader.construct_object(value_node, deep=True)
            written = yaml.BaseLoader("").construct_object(value_node, deep=True)
        except yaml.YAMLError as error:
            problems.append(f"{place}: {getattr(error, 'problem', error)}. Recipes are plain data.")
            continue
        entries.setdefault(str(key), (value, written, place))
    return entries, problems


def _doubled(node: Any, where: str) -> list[str]:
    problems = []
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if str(key.value) in seen:
                problems.append(
                    f"{where}:{line}: key '{key.value}' was said in line "
                    f"{seen[str(key.value)]} already. Keep one."
                )
            seen.setdefault(str(key.value), line)
            problems += _doubled(value, where)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            problems += _doubled(value, where)
    return problems


def _read_overrides(words: Sequence[str]) -> tuple[_Entries, list[str]]:
    """Return what `--key value …`, `--key=value` and bare `--key` (true) say."""
    entries: _Entries = {}
    problems: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("--") or word == "--":
            problems.append(f"{word}: not an option. Overrides look like --learning_rate 1e-5.")
            continue
        key, equals, first = word[2:].partition("=")
        values = [first] if equals else []
        while not equals and at < len(words):
            if words[at].startswith("--") and as_number(words[at]) is None:
                break
            values.append(words[at])
            at += 1
        key = key.replace("-", "_")
        if key in entries:
            problems.append(f"--{key}: said twice. Keep one.")
            continue
        try:
            parsed, written = (
                [yaml.load(value, loader) if value else value for value in values]
                for loader in (yaml.SafeLoader, yaml.BaseLoader)
            )
        except yaml.YAMLError:
            problems.append(f"--{key}: can't be read. Quote the value.")
            continue
        one = len(parsed) == 1
        value, text = (parsed[0], written[0]) if one else (parsed or True, written or "true")
        entries[key] = (value, text, f"--{key}")
    return entries, problems
