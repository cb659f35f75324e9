"""What stands in a tracker beside a run's curves: settings, origin, results."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from align.levels import DEFAULT_LEVELS
from align.models.checkpoints import numbered
from align.models.lineage import Lineage, library_versions
from align.models.lineage import read as read_lineage
from align.paths import checkpoints_dir
from align.recipe.recipe_keys import known_keys
from align.training.frozen_rows import Row
from align.training.prepared_run import TrainingRun
from align.training.training_report import longer_by

# Sources of rows that we name ourselves; a rows file may say anything else.
_SOURCES = {*DEFAULT_LEVELS, "questions", "rewrite", "identity", "imported", "owner", "simulated",
            "judge", "record"}  # fmt: skip
_SHOWN = 5


def lineage_of(run: TrainingRun) -> str:
    """Return the digest of the SFT run that this round began with; its own for SFT."""
    parent = run.parent.lineage if run.parent else None
    return round_of(run.owner_id, parent) if parent is not None else run.inputs


def round_of(owner_id: str, lineage: Lineage) -> str:
    """Return the digest of the SFT run that a checkpoint grew from, as far back as it is here."""
    names = {path.name for path in numbered(owner_id)}
    while lineage.parent and lineage.parent["name"] in names:
        lineage = read_lineage(checkpoints_dir(owner_id) / lineage.parent["name"])
    return lineage.inputs


def config_of(trainer: Any, run: TrainingRun) -> dict[str, Any]:
    """Return the settings as they took effect, and what the model is made of."""
    args = trainer.args
    known = known_keys(run.stage)
    numbers = {
        key: getattr(args, key)
        for key in known
        if known[key]["from"] == "training" and isinstance(getattr(args, key, None), int | float)
    }
    device = trainer.accelerator.device
    on_cuda = device.type == "cuda"
    return {
        **numbers,
        **run.recipe.values,
        "model_name_or_path": run.base.name,
        "recipe": run.recipe.name,
        "manifest": {
            "base": {"name": run.base.name, "hash": run.base.hash, "revision": run.base.revision},
            "parent": {"name": run.parent.name, "hash": run.parent.hash} if run.parent else None,
            "rows": {
                "hash": run.rows.hash,
                "train": len(run.rows.train),
                "held_out": len(run.rows.held_out),
                "sources": sources(run.rows.train),
            },
            "recipe_hash": run.recipe.hash,
            "inputs": run.inputs,
            "seed": run.recipe.seed,
            "versions": library_versions(),
        },
        "device": {
            "type": device.type,
            "name": torch.cuda.get_device_name(device) if on_cuda else None,
            "processes": trainer.accelerator.num_processes,
            "distributed": str(trainer.accelerator.distributed_type.value),
            "threads": torch.get_num_threads(),
        },
    }


def sources(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows each source gave; sources that a file made up are `other`."""
    names = (str(row["source"]) for row in rows)
    return dict(sorted(Counter(name if name in _SOURCES else "other" for name in names).items()))


def tags_of(run: TrainingRun) -> list[str]:
    """Return the words to find a run by: stage, recipe, base."""
    return [run.stage, run.recipe.name, run.base.name.rstrip("/").rsplit("/", 1)[-1]]


def summary_of(
    run: TrainingRun, metrics: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> Any:
    """Return the run's final figures and, of DPO, those of its first step, by name.

    `metrics` as in twin.json; `history` is TRL's log, with `step`.
    """
    figures: dict[str, Any] = {}
    for key, value in metrics.items():
        if isinstance(value, bool | int | float):
            figures[f"final/{key}"] = value
        elif key.endswith("_interval") and value:
            stem = key.removesuffix("_interval")
            figures |= {f"final/{stem}_low": value[0], f"final/{stem}_high": value[1]}
    if run.stage != "dpo":
        return figures
    # A run whose reference is another model than it starts from never comes to its end.
    figures["step_0/reference_agrees"] = True
    first = next((entry for entry in history if "rewards/margins" in entry), {})
    if first.get("step") == 1:
        for key in ("rewards/chosen", "rewards/rejected", "rewards/margins"):
            figures[f"step_0/{key}"] = first[key]
    for name, rows in (("train", run.rows.train), ("held_out", run.rows.held_out)):
        if rows:
            figures[f"rows/{name}_chosen_longer_by_words"] = longer_by(rows)
    return figures


def text_tables(run: TrainingRun) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return a few rows for training and held-out prompts, as name -> (columns, rows)."""
    columns = ["prompt", "chosen", "rejected"] if run.stage == "dpo" else ["prompt", "answer"]
    return {
        "text/rows": (columns, [_in_words(row) for row in run.rows.train[:_SHOWN]]),
        "text/held_out_prompts": (
            ["prompt"],
            [_in_words(row)[:1] for row in run.rows.held_out[:_SHOWN]],
        ),
    }


def _in_words(row: Row) -> list[str]:
    *before, last = row["messages"]
    if "chosen" in row:
        return [_joined([*before, last]), row["chosen"], row["rejected"]]
    return [_joined(before), last["content"]]


def _joined(messages: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
