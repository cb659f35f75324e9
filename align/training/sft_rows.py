"""The rows of an SFT run: examples made of the owner's store, rows that travelled, or a file's."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from align.console import make_command
from align.conversations.examples.building import build_examples
from align.conversations.examples.example_rows import REWRITE, estimated_tokens
from align.errors import UserError
from align.models.base import Base
from align.owner import load_owner
from align.paths import store_path
from align.recipe.recipe_file import Recipe
from align.store.connection import open_store
from align.training.frozen_rows import Row, packed_rows, read_packed_sft_rows, read_sft_rows
from align.training.training_request import TrainingRequest


def sft_rows(request: TrainingRequest, recipe: Recipe, base: Base | None) -> list[Row]:
    """Return the rows that a request asks for, of its owner or of a file.

    The recipe says what goes into them, and which share is held out; without a base and its
    tokenizer a text's tokens are estimated. UserError: there are none.
    """
    owner_id, held_out = request.owner_id, recipe.ours["held_out"]
    if request.dataset:
        return read_sft_rows(Path(request.dataset).expanduser(), held_out)
    packed, has_store = packed_rows(owner_id, "sft"), store_path(owner_id).is_file()
    rows = []
    if has_store or not packed.is_file():
        rows = _rows_of_store(owner_id, recipe, base)
    made = ("identity", REWRITE)
    if any(row["source"] not in made and row["split"] == "train" for row in rows):
        return rows
    if packed.is_file():
        return read_packed_sft_rows(packed, held_out, rows if has_store else None)
    command = f"{make_command('ingest', owner_id)} FROM=~/my-writing"
    raise UserError(f"owner {owner_id}", "no writing to train on", f"Run: {command}")


def token_counter(base: Base) -> Callable[[str], int]:
    """Return a function that counts a text's tokens as the base's tokenizer makes them."""
    file = base.path / "tokenizer.json"
    if not file.is_file():
        return estimated_tokens
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _rows_of_store(owner_id: str, recipe: Recipe, base: Base | None) -> list[Row]:
    owner = load_owner(owner_id)
    with closing(open_store(owner_id)) as conn:
        return [
            {**row, "split": side}
            for split, side in (("train", "train"), ("evaluation", "held_out"))
            for row in build_examples(
                conn,
                owner,
                split=split,
                count_tokens=token_counter(base) if base else estimated_tokens,
                **recipe.example_settings,
            )
        ]
