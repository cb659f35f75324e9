"""A training run before torch: what goes in, whether it is done already, and its lock."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.files import exclusively, write_atomically
from align.models.base import Base, local_base, resolve_base
from align.models.checkpoints import Checkpoint, claim_next, newest, resolve
from align.models.lineage import FULL, Lineage, digest_of, has_weights
from align.models.lineage import read as read_lineage
from align.owner import load_owner
from align.paths import checkpoints_dir, relative_to_root
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.training.dpo_rows import dpo_rows, gate_reports
from align.training.frozen_rows import FrozenRows, freeze, kept, read_frozen
from align.training.sft_rows import sft_rows
from align.training.training_request import TrainingRequest

FILE = "settled.json"
# Raised when the code changes what the same inputs give.
_MAKE = 1


@dataclass(frozen=True)
class TrainingRun:
    """All that decides what a run gives."""

    stage: str  # `sft` or `dpo`
    owner_id: str
    recipe: Recipe  # checked, overrides included
    base: Base  # as it lies on this machine
    parent: Checkpoint | None  # what dpo goes on from; None for sft
    rows: FrozenRows
    inputs: str  # digest of recipe, base, parent and rows
    judging: dict[str, Any]  # what the gates of the rows' verdicts measured, by gate
    # Operations of its steps by estimate, the device, and the speed that was measured; empty where
    # nothing is known of the base.
    planned: dict[str, Any] = field(default_factory=dict)
    cut: dict[str, Any] = field(default_factory=dict)  # what a budget of minutes left of it

    @property
    def work(self) -> Path:
        """Return the folder in which the run goes on until it is published."""
        return claim_next(self.owner_id, self.stage, self.inputs)

    @property
    def finished(self) -> Path | None:
        """Return the newest checkpoint of the stage where it was made from these inputs."""
        folder = newest(self.owner_id, self.stage)
        if folder is None or not has_weights(folder):
            return None
        return folder if read_lineage(folder).inputs == self.inputs else None


def prepare(request: TrainingRequest, *, write: bool = True, download: bool = False) -> TrainingRun:
    """Return the run that is asked for, with everything checked that needs no torch.

    With `write` the frozen rows are written (rank 0 only); with `download` a base that is not here
    is got. UserError: the recipe, the base, the rows or the reference are not in order.
    """
    stage, owner_id = request.stage, request.owner_id
    recipe = read_recipe(recipe_path(request.recipe, stage), stage, request.overrides)
    fit = request.fit
    if fit is not None:
        recipe = replace(recipe, training={**recipe.training, "num_train_epochs": fit.epochs})
    load_owner(owner_id)
    parent = None
    if stage == "dpo":
        parent = _reference(request, recipe, download=download)
        base = parent.base
        rows = dpo_rows(request, recipe, parent.hash)
    else:
        name, revision = recipe.base_name or "", recipe.base_revision
        where = relative_to_root(recipe.path)
        if download and local_base(name, revision) is None:
            # What is wrong with the rows is said before a base is fetched for them.
            sft_rows(request, recipe, None)
        base = resolve_base(name, revision, where=where, download=download)
        rows = sft_rows(request, recipe, base)
    if not any(row["split"] == "train" for row in rows):
        raise UserError(f"owner {owner_id}", "no rows for training", "Add more writing")
    rows = rows if fit is None else kept(rows, fit.share)
    frozen = freeze(owner_id, stage, rows, write=write)
    hashes = [recipe.hash, base.hash, frozen.hash, parent.hash if parent else None]
    inputs = digest_of(_MAKE, stage, *hashes, *_evaluation(recipe, frozen))
    gates = gate_reports(owner_id, frozen.train)
    return TrainingRun(stage, owner_id, recipe, base, parent, frozen, inputs, gates)


def write_run(run: TrainingRun) -> Path:
    """Write a run into its own folder, for the processes that train it; return the file."""
    without_rows = replace(run, rows=replace(run.rows, train=[], held_out=[]))
    file = run.work / FILE
    write_atomically(file, json.dumps(asdict(without_rows), indent=2, default=str) + "\n")
    return file


def read_run(file: Path) -> TrainingRun:
    """Return the run that `write_run` wrote; UserError where its rows are not those checked."""
    run = json.loads(file.read_text(encoding="utf-8"))
    run["recipe"] = Recipe(**_with_path(run["recipe"]))
    run["base"] = Base(**_with_path(run["base"]))
    if parent := run["parent"]:
        parent["base"] = Base(**_with_path(parent["base"]))
        run["parent"] = Checkpoint(**_with_path(parent | {"lineage": Lineage(**parent["lineage"])}))
    run["rows"] = read_frozen(Path(run["rows"]["path"]), run["rows"]["hash"])
    return TrainingRun(**run)


def _with_path(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "path": Path(values["path"])}


@contextmanager
def run_lock(owner_id: str) -> Iterator[None]:
    """Hold the lock on the owner's checkpoints, until the process dies; UserError: another does."""
    folder = checkpoints_dir(owner_id)
    with exclusively(folder / ".lock", relative_to_root(folder), "another run trains here"):
        yield


def is_main() -> bool:
    """Return whether this is the process that writes and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def _evaluation(recipe: Recipe, rows: FrozenRows) -> list[Any]:
    """Return when the run evaluates, if that decides what is published; UserError if it can't."""
    where = relative_to_root(recipe.path)
    strategy = recipe.training.get("eval_strategy", "no")
    evaluates = strategy != "no"
    if evaluates and not rows.held_out:
        raise UserError(where, "eval_strategy, but no rows are held out", "Raise held_out")
    if not recipe.ours.get("publish_best"):
        return []
    if not evaluates:
        remedy = "Say eval_strategy: epoch, or steps with eval_steps"
        raise UserError(where, "publish_best, but nothing is evaluated on the way", remedy)
    return [strategy, recipe.training.get("eval_steps")]


def _reference(request: TrainingRequest, recipe: Recipe, *, download: bool) -> Checkpoint:
    parent = resolve(request.owner_id, request.checkpoint, download=download)
    if parent.path is None or parent.lineage is None or not has_weights(parent.path):
        raise UserError(
            parent.name,
            "it has no weights to go on from",
            f"Run: {make_command('sft', request.owner_id)}",
        )
    where = relative_to_root(recipe.path)
    is_full = parent.lineage.kind == FULL
    if recipe.is_full != is_full:
        # An adapter on a whole model would hang on its parent's weights, which no hub holds.
        whole = "a whole model, every weight of it trained"
        kind, wanted = (whole, "an adapter") if is_full else ("an adapter", "every weight")
        raise UserError(
            where,
            f"it trains {wanted}, but {parent.name} is {kind}",
            f"Say --use_peft {'false' if is_full else 'true'}, or train sft the other way first",
        )
    if recipe.base_name:
        base = resolve_base(recipe.base_name, recipe.base_revision, where=where)
        if base.hash != parent.base.hash:
            raise UserError(
                where,
                f"its model '{recipe.base_name}' is not the base of {parent.name} "
                f"('{parent.base.name}')",
                "Leave model_name_or_path out, or train sft on this base first",
            )
    return parent
