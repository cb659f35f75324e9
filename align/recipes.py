"""Read a training recipe and say all that is wrong with it at once, without importing torch.

A recipe is data: the keys of TRL's `SFTConfig` or `DPOConfig` and `ModelConfig`, and the few of
ours below. The command line beats the file. No code, no inheritance, no interpolation, no
environment variables.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from align.errors import UserError
from align.lineage import digest_of
from align.paths import project_root, recipes_dir, relative_to_root

# Ours: key -> (types, stages, what it does).
OURS: dict[str, tuple[list[str], tuple[str, ...], str]] = {
    "held_out": (["float"], ("sft", "dpo"), "share of the rows (dpo: of the prompts) kept apart"),
    "identity": (["bool"], ("sft",), "whether the facts of owner.yaml become conversations"),
    "sample_temperature": (["float"], ("sft",), "temperature of the twin's answers"),
    "sample_top_p": (["float"], ("sft",), "mass of likeliest tokens that answers are drawn from"),
    "sample_max_new_tokens": (["int"], ("sft",), "longest answer, in tokens"),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "sft": {
        "held_out": 0.05,
        "identity": True,
        "sample_temperature": 1.0,
        "sample_top_p": 1.0,
        "sample_max_new_tokens": 160,
    },
    "dpo": {"held_out": 0.12},
}

_RUN = "the run decides that itself"
_TEMPLATE = "align.template renders every text, so that training and sampling agree"
REFUSED = {
    "output_dir": "a run's folder is checkpoints/<owner>/NNN-<stage>; say --owner",
    "resume_from_checkpoint": "a stopped run goes on by itself",
    "ignore_data_skip": "a resumed run must equal one that was never stopped",
    "hub_token": "a recipe is no place for a secret; run: hf auth login",
    "do_train": _RUN,
    "do_eval": _RUN,
    "do_predict": _RUN,
    "local_rank": _RUN,
    "remove_unused_columns": _RUN,
    "load_best_model_at_end": _RUN,
    "use_peft": "a twin is always a LoRA adapter",
    "assistant_only_loss": _TEMPLATE,
    "completion_only_loss": _TEMPLATE,
    "chat_template_path": _TEMPLATE,
    "dataset_text_field": _TEMPLATE,
    "dataset_kwargs": _TEMPLATE,
    "eos_token": _TEMPLATE,
    "pad_token": _TEMPLATE,
    "truncation_mode": "the oldest turns are dropped first, and an answer never",
    "use_weighting": "that is WPO; the weights of rows are always used",
    "trust_remote_code": "recipes run no code",
}


def _words(text: str) -> list[str]:
    return text.split()


_CHOICES = {
    ("dpo", "loss_type"): _words(
        """sigmoid hinge ipo exo_pair nca_pair robust bco_pair sppo_hard aot aot_unpaired apo_zero
        apo_down discopop sft sigmoid_norm"""
    )
}
_POSITIVE = _words(
    """learning_rate beta num_train_epochs per_device_train_batch_size per_device_eval_batch_size
    gradient_accumulation_steps lora_r lora_alpha max_length sample_max_new_tokens"""
)
# What changes how a run looks, not what comes out of it.
_NO_EFFECT = _words(
    """logging_steps logging_strategy logging_first_step report_to run_name project disable_tqdm
    log_level log_level_replica log_on_each_node save_steps save_strategy save_total_limit
    eval_steps eval_strategy eval_on_start dataloader_num_workers dataloader_pin_memory
    push_to_hub hub_model_id hub_private_repo hub_strategy hub_always_push hub_revision"""
)


class RecipeError(UserError):
    """All that is wrong with a recipe, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        Exception.__init__(self, "\n".join(problems))
        self.where, self.what, self.remedy = problems[0].partition(": ")


@dataclass(frozen=True)
class Recipe:
    """A checked recipe.

    Attributes:
        path: The file.
        stage: `sft` or `dpo`.
        training: Keys of `SFTConfig` or `DPOConfig`.
        model: Keys of `ModelConfig`.
        ours: This project's keys, defaults filled in.
    """

    path: Path
    stage: str
    training: dict[str, Any]
    model: dict[str, Any]
    ours: dict[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """Return all values that were said, command line included, and our defaults."""
        return {**self.model, **self.training, **self.ours}

    @property
    def hash(self) -> str:
        """Return the SHA-256 of what decides the result; the base counts by its own hash."""
        apart = {*_NO_EFFECT, "model_name_or_path", "model_revision"}
        said = {key: value for key, value in self.values.items() if key not in apart}
        return digest_of(self.stage, said)

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
    def seed(self) -> int:
        """Return the run's seed; 42 is transformers' own default."""
        return int(self.training.get("seed", 42))


def recipe_path(word: str, stage: str) -> Path:
    """Return the file that `--recipe` names: `demo`, or a path to a YAML file.

    Raises:
        UserError: There is no such recipe.
    """
    if word.endswith((".yaml", ".yml")) or "/" in word:
        path = Path(word).expanduser()
        path = path if path.is_absolute() or path.is_file() else project_root() / path
        path = path / f"{stage}.yaml" if path.is_dir() else path
    else:
        path = recipes_dir() / word / f"{stage}.yaml"
    if not path.is_file():
        known = known_recipes(stage)
        known.sort(key=lambda name: -difflib.SequenceMatcher(None, word, name).ratio())
        remedy = f"Known: {', '.join(known)}"
        raise UserError(f"recipe {word!r}", f"no such file: {relative_to_root(path)}", remedy)
    return path


def known_recipes(stage: str) -> list[str]:
    """Return the names of the recipes that have a file for the stage."""
    return sorted(path.parent.name for path in recipes_dir().glob(f"*/{stage}.yaml"))


def read_recipe(path: Path, stage: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the checked recipe.

    Args:
        path: A YAML file.
        stage: `sft` or `dpo`.
        overrides: Command line words: `--learning_rate 1e-5 --loss_type sigmoid sft`.

    Raises:
        RecipeError: All that is wrong in the file and on the command line.
    """
    where = relative_to_root(path)
    said, problems = _read_yaml(path, where)
    more, found = _read_overrides(overrides)
    problems += found
    values: dict[str, Any] = {}
    for key, (value, place) in {**said, **more}.items():
        try:
            values[key] = checked_value(stage, key, value)
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if stage == "sft" and not problems and not values.get("model_name_or_path"):
        problems.append(f"{where}: no model_name_or_path. Name the base: a folder or a hub id.")
    if problems:
        raise RecipeError(problems)
    ours = {**DEFAULTS[stage], **{key: values.pop(key) for key in list(values) if key in OURS}}
    model = {key: values.pop(key) for key in list(values) if _known(stage)[key]["from"] == "model"}
    return Recipe(path, stage, training=values, model=model, ours=ours)


def checked_value(stage: str, key: str, value: Any) -> Any:
    """Return the value in its key's own type.

    Raises:
        ValueError: The key is unknown or refused, or the value has another type; says what to do.
    """
    known = _known(stage)
    if key in REFUSED:
        raise ValueError(f"key '{key}' is not for recipes: {REFUSED[key]}.")
    if key not in known:
        if key in OURS or any(key in _known(other) for other in DEFAULTS if other != stage):
            raise ValueError(f"key '{key}' is not for {stage}. Take it out.")
        near = difflib.get_close_matches(key, [one for one in known if one not in REFUSED], n=1)
        raise ValueError(
            f"unknown key '{key}'. "
            + (f"Did you mean '{near[0]}'?" if near else "See docs/recipes.md.")
        )
    kinds = known[key]["types"]
    typed = _typed(value, kinds)
    if typed is _WRONG:
        wanted = " or ".join(kind for kind in kinds if kind != "none")
        raise ValueError(f"key '{key}' must be {wanted}, not {_shown(value)}.")
    choices = _CHOICES.get((stage, key)) or known[key].get("choices")
    for one in typed if isinstance(typed, list) else [typed]:
        if choices and isinstance(one, str) and one not in choices:
            near = difflib.get_close_matches(one, choices, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(choices)}."
            raise ValueError(f"key '{key}' can't be '{one}'. {hint}")
        if isinstance(one, float) and not math.isfinite(one):
            raise ValueError(f"key '{key}' must be a finite number, not {one}.")
    if key in _POSITIVE and isinstance(typed, int | float) and typed <= 0:
        raise ValueError(f"key '{key}' must be more than 0, not {typed}.")
    if key == "held_out" and not 0 <= typed < 1:
        raise ValueError(f"key 'held_out' is a share from 0 to below 1, not {typed}.")
    return typed


@cache
def _known(stage: str) -> dict[str, dict[str, Any]]:
    text = Path(__file__).with_name("recipe_keys.json").read_text(encoding="utf-8")
    keys: dict[str, dict[str, Any]] = json.loads(text)[stage]
    for key, (kinds, stages, _) in OURS.items():
        if stage in stages:
            keys[key] = {"from": "ours", "types": kinds}
    return keys


_WRONG = object()


def _typed(value: Any, kinds: Sequence[str]) -> Any:
    """Return the value as one of the kinds, or `_WRONG`; the narrowest kind first."""
    if value is None:
        return None if "none" in kinds else _WRONG
    if isinstance(value, bool):
        return value if "bool" in kinds else _WRONG
    if isinstance(value, Mapping):
        return dict(value) if "dict" in kinds else _WRONG
    inner = [kind[5:-1] for kind in kinds if kind.startswith("list[")]
    if isinstance(value, list):
        members = [_typed(one, inner) for one in value]
        return _WRONG if not inner or _WRONG in members else members
    if isinstance(value, int) and "int" in kinds:
        return value
    if isinstance(value, int | float) and "float" in kinds:
        return float(value)
    if isinstance(value, float) and value.is_integer() and "int" in kinds:
        return int(value)
    if isinstance(value, str):
        # PyYAML reads 5e-7, without a point, as a string.
        number = _number(value)
        if number is not None and {"int", "float"} & set(kinds):
            return _typed(number, kinds)
        if "str" in kinds:
            return value
        if inner:
            one = _typed(value, inner)
            return _WRONG if one is _WRONG else [one]
    return _WRONG


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _read_yaml(path: Path, where: str) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    """Return key -> (value, file:line), and what is wrong with the file itself."""
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
    said: dict[str, tuple[Any, str]] = {}
    for key_node, value_node in top.value:
        place = f"{where}:{key_node.start_mark.line + 1}"
        try:
            key = loader.construct_object(key_node, deep=True)
            value = loader.construct_object(value_node, deep=True)
        except yaml.YAMLError as error:
            problems.append(f"{place}: {getattr(error, 'problem', error)}. Recipes are plain data.")
            continue
        said.setdefault(str(key), (value, place))
    return said, problems


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


def _read_overrides(words: Sequence[str]) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    """Return key -> (value, place) of `--key value …`, `--key=value` and bare `--key` (true)."""
    said: dict[str, tuple[Any, str]] = {}
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
        while not equals and at < len(words) and not _is_option(words[at]):
            values.append(words[at])
            at += 1
        key = key.replace("-", "_")
        if key in said:
            problems.append(f"--{key}: said twice. Keep one.")
            continue
        try:
            parsed = [yaml.safe_load(value) if value else value for value in values]
        except yaml.YAMLError:
            problems.append(f"--{key}: can't be read. Quote the value.")
            continue
        value = True if not parsed else parsed[0] if len(parsed) == 1 else parsed
        said[key] = (value, f"--{key}")
    return said, problems


def _is_option(word: str) -> bool:
    return word.startswith("--") and _number(word) is None
