"""A training run before torch: what goes in, whether it is done already, and its lock."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from align.console import make_command
from align.conversations.examples.building import build_examples
from align.conversations.examples.example_rows import REWRITE, estimated_tokens
from align.errors import UserError
from align.files import exclusively
from align.models.base import Base, resolve_base
from align.models.checkpoints import Checkpoint, claim_next, newest, resolve
from align.models.lineage import FULL, digest_of, has_weights
from align.models.lineage import read as read_lineage
from align.owner import load_owner
from align.paths import checkpoints_dir, relative_to_root, store_path
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.training.frozen_rows import (
    FrozenRows,
    Row,
    freeze,
    packed_rows,
    read_packed_sft_rows,
    read_sft_rows,
    rows_store,
)
from align.training.preference_rows import judging, preference_rows
from align.training.training_request import TrainingRequest

# Raised when the code changes what the same inputs give.
_MAKE = 1
_LONGEST = 1024


@dataclass(frozen=True)
class TrainingRun:
    """All that decides what a run gives.

    Attributes:
        asked: The command line.
        recipe: Checked, overrides included.
        base: As it lies on this machine.
        parent: The twin that dpo goes on from; None for sft.
        rows: Frozen.
        inputs: Digest of recipe, base, parent and rows.
        judging: What the gates of the rows' verdicts said, by gate.
    """

    asked: TrainingRequest
    recipe: Recipe
    base: Base
    parent: Checkpoint | None
    rows: FrozenRows
    inputs: str
    judging: dict[str, Any] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """Return `sft` or `dpo`."""
        return self.asked.stage

    @property
    def owner_id(self) -> str:
        """Return whose twin is trained."""
        return self.asked.owner_id

    @property
    def work(self) -> Path:
        """Return the folder in which the run goes on until it is published."""
        return claim_next(self.owner_id, self.stage, self.inputs)

    @property
    def finished(self) -> Path | None:
        """Return the newest checkpoint of the stage where it was made from these inputs."""
        found = newest(self.owner_id, self.stage)
        if found is None or not has_weights(found):
            return None
        return found if read_lineage(found).inputs == self.inputs else None


def prepare(asked: TrainingRequest, *, write: bool = True, download: bool = False) -> TrainingRun:
    """Return the run that is asked for, with everything checked that needs no torch.

    Args:
        asked: The command line.
        write: Whether the frozen rows are written (rank 0 only).
        download: Whether a base of the hub may be fetched.

    Raises:
        UserError: The recipe, the base, the rows or the reference are not in order.
    """
    recipe = read_recipe(recipe_path(asked.recipe, asked.stage), asked.stage, asked.overrides)
    load_owner(asked.owner_id)
    parent = None
    if asked.stage == "dpo":
        parent = _reference(asked, recipe)
        base = parent.base
        rows = preference_rows(asked.owner_id, asked.dataset, recipe, parent.hash)
    else:
        asked_by = relative_to_root(recipe.path)
        base = resolve_base(
            recipe.base_name or "", recipe.base_revision, asked_by=asked_by, download=download
        )
        rows = _example_rows(asked, recipe, base)
    if not any(row["split"] == "train" for row in rows):
        raise UserError(f"owner {asked.owner_id}", "no rows for training", "Add more writing")
    frozen = freeze(asked.owner_id, asked.stage, rows, write=write)
    inputs = digest_of(
        _MAKE,
        asked.stage,
        recipe.hash,
        base.hash,
        frozen.hash,
        parent.hash if parent else None,
        *_evaluation(recipe, frozen),
    )
    return TrainingRun(
        asked, recipe, base, parent, frozen, inputs, judging(asked.owner_id, frozen.train)
    )


@contextmanager
def run_lock(owner: str) -> Iterator[None]:
    """Hold the lock on the owner's checkpoints; it dies with its process, however that ends.

    Raises:
        UserError: Another run holds it.
    """
    folder = checkpoints_dir(owner)

    def busy(holder: str) -> UserError:
        return UserError(
            relative_to_root(folder),
            "another run trains here" + (f" (process {holder})" if holder else ""),
            "Wait for it, or stop it: it can go on later",
        )

    with exclusively(folder / ".lock", busy):
        yield


def is_main() -> bool:
    """Return whether this is the process that writes and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def token_counter(base: Base) -> Callable[[str], int]:
    """Return a function that counts a text's tokens as the base's tokenizer makes them."""
    file = base.path / "tokenizer.json"
    if not file.is_file():
        return estimated_tokens
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _evaluation(recipe: Recipe, rows: FrozenRows) -> list[Any]:
    """Return when is evaluated on the way, where that decides what is published.

    Raises:
        UserError: There is nothing to evaluate on, or no evaluation to choose by.
    """
    where = relative_to_root(recipe.path)
    strategy = recipe.training.get("eval_strategy", "no")
    on_the_way = str(strategy) not in ("no", "False")
    if on_the_way and not rows.held_out:
        raise UserError(where, "eval_strategy, but no rows are held out", "Raise held_out")
    if not recipe.ours.get("publish_best"):
        return []
    if not on_the_way:
        remedy = "Say eval_strategy: epoch, or steps with eval_steps"
        raise UserError(where, "publish_best, but nothing is evaluated on the way", remedy)
    return [strategy, recipe.training.get("eval_steps")]


def _reference(asked: TrainingRequest, recipe: Recipe) -> Checkpoint:
    parent = resolve(asked.owner_id, asked.checkpoint)
    if parent.path is None or parent.lineage is None or not has_weights(parent.path):
        raise UserError(
            parent.name,
            "it has no weights to go on from",
            f"Run: {make_command('sft', asked.owner_id)}",
        )
    _check_kind(recipe, parent.name, parent.lineage.kind)
    if recipe.base_name:
        where = relative_to_root(recipe.path)
        named = resolve_base(recipe.base_name, recipe.base_revision, asked_by=where)
        if named.hash != parent.base.hash:
            raise UserError(
                where,
                f"its model '{recipe.base_name}' is not the base of {parent.name} "
                f"('{parent.base.name}')",
                "Leave model_name_or_path out, or train sft on this base first",
            )
    return parent


def _check_kind(recipe: Recipe, parent: str, kind: str) -> None:
    """Refuse to train an adapter on a whole model, or every weight from an adapter on.

    An adapter's folder would hang on its parent's weights, which no hub holds.
    """
    if recipe.is_full == (kind == FULL):
        return
    whole = "a whole model, every weight of it trained"
    found, wanted = (whole, "an adapter") if kind == FULL else ("an adapter", "every weight")
    raise UserError(
        relative_to_root(recipe.path),
        f"it trains {wanted}, but {parent} is {found}",
        f"Say --use_peft {'false' if kind == FULL else 'true'}, or train sft the other way first",
    )


def _example_rows(asked: TrainingRequest, recipe: Recipe, base: Base) -> list[Row]:
    held_out = recipe.ours["held_out"]
    if asked.dataset:
        return read_sft_rows(Path(asked.dataset).expanduser(), held_out)
    rows: list[Row] = []
    packed = packed_rows(asked.owner_id, "sft")
    if store_path(asked.owner_id).is_file() or not packed.is_file():
        rows = _rows_of_store(asked, recipe, base)
    made = ("identity", REWRITE)
    if not any(row["source"] not in made and row["split"] == "train" for row in rows):
        if packed.is_file():
            here = rows if store_path(asked.owner_id).is_file() else None
            return read_packed_sft_rows(packed, held_out, here)
        raise UserError(
            f"owner {asked.owner_id}",
            "no writing to train on",
            f"Run: {make_command('ingest', asked.owner_id)} FROM=~/my-writing",
        )
    return rows


def _rows_of_store(asked: TrainingRequest, recipe: Recipe, base: Base) -> list[Row]:
    settings: dict[str, Any] = {
        "count_tokens": token_counter(base),
        "max_tokens": recipe.training.get("max_length") or _LONGEST,
        "identity": recipe.ours["identity"],
        "dates": recipe.ours["document_dates"],
    }
    owner = load_owner(asked.owner_id)
    with rows_store(asked.owner_id) as conn:
        return [
            {**row, "split": side}
            for split, side in (("train", "train"), ("evaluation", "held_out"))
            for row in build_examples(conn, owner, split=split, **settings)
        ]
