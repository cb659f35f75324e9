"""Choices as rows that other tools take: all that is known of them, or what TRL trains on."""

import io
import sqlite3
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from align.errors import UserError
from align.files import jsonl, write_atomically
from align.levels import may_travel
from align.owner import Owner
from align.preferences.choice_filter import ChoiceFilter, filtered_choices
from align.preferences.choice_rows import build_preferences
from align.privacy.normal_form import texts_in
from align.privacy.scope import Detector, repeated
from align.store.acts import all_marks

FORMATS = ("jsonl", "trl", "parquet")
Row = dict[str, Any]


def full_rows(conn: sqlite3.Connection, choice_filter: ChoiceFilter) -> list[Row]:
    """Return all that is known of each choice, a row each; sealed pairs are left out."""
    marks = all_marks(conn)
    return [
        {
            "pair": pair.id,
            "prompt": list(pair.messages),
            "a": pair.text_a,
            "b": pair.text_b,
            "checkpoint_a": pair.checkpoint_a,
            "checkpoint_b": pair.checkpoint_b,
            "outcome": choice.outcome,
            "clear": bool(choice.clear),
            "rewrite": choice.rewrite,
            "actor": choice.actor,
            "time": choice.time,
            "level": pair.level,
            "purpose": pair.purpose,
            "split": pair.split,
            "note": marks.get(pair.id, {}).get("note"),
            "flags": marks.get(pair.id, {}).get("flags", []),
        }
        for choice, pair in filtered_choices(conn, choice_filter)
        if pair is not None and may_travel(pair.level)
    ]


def training_rows(conn: sqlite3.Connection, owner: Owner, choice_filter: ChoiceFilter) -> list[Row]:
    """Return rows {prompt, chosen, rejected}, each a list of messages, as TRL takes them.

    They are the choices with a winner that may be trained on: no sealed pair, no prompt of the
    evaluation side, nothing of the arena; redacted as in training.
    """
    kept = {choice.pair_id for choice, _ in filtered_choices(conn, choice_filter)}
    return [
        {
            "prompt": list(row.messages),
            "chosen": [{"role": "assistant", "content": row.chosen}],
            "rejected": [{"role": "assistant", "content": row.rejected}],
        }
        for row in build_preferences(conn, owner)
        if row.pair_id in kept
    ]


def unsealed(rows: list[Row], detector: Detector) -> list[Row]:
    """Return the rows that repeat no sealed writing, as far as the detector knows it."""
    return [row for row in rows if repeated(detector.match, texts_in(row)) is None]


def as_bytes(rows: list[Row], format: str) -> bytes:
    """Return rows as a file of a format holds them."""
    if format != "parquet":
        return jsonl(rows)
    from datasets import Dataset

    file = io.BytesIO()
    Dataset.from_list(rows).to_parquet(file)
    return file.getvalue()


def write_rows(path: Path, rows: list[Row], format: str) -> Path | None:
    """Write an export, readable by its user only.

    Returns: The recipe beside it that names a file of training rows to TRL: the command line takes
    folders and names of the hub only. None for other rows. UserError: it cannot be written.
    """
    recipe = path.with_name(f"{path.stem}.trl.yaml") if format != "jsonl" else None
    try:
        write_atomically(path, as_bytes(rows, format), mode=0o600)
        if recipe is not None:
            loader = "parquet" if format == "parquet" else "json"
            datasets = {"datasets": [{"path": loader, "data_files": str(path.resolve())}]}
            text = yaml.safe_dump(datasets, sort_keys=False, allow_unicode=True)
            write_atomically(recipe, f"# trl dpo --config {quote(str(recipe))}\n{text}", mode=0o600)
    except OSError as error:
        raise UserError(path, f"can't be written ({error.strerror})", "Name another file") from None
    return recipe


def train_command(recipe: Path, model: str) -> str:
    """Return the command by which plain TRL trains a model on the rows that a recipe names."""
    out = recipe.with_name(recipe.name.removesuffix(".trl.yaml") + "-trained")
    words = ["trl", "dpo", "--config", str(recipe), "--model_name_or_path", model]
    return " ".join(map(quote, [*words, "--output_dir", str(out)]))
