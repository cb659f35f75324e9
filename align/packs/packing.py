"""What goes into a bundle: never raw records, sealed ones, or held-out answers.

All words in it are redacted, with the names that owner.yaml lists.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from align import __version__
from align.console import make_command, say
from align.conversations.examples.building import build_examples
from align.errors import UserError
from align.files import jsonl
from align.models import lineage as lineages
from align.models.checkpoints import newest, numbered
from align.owner import Owner
from align.packs.bundle import Manifest, write_bundle
from align.packs.travelling import (
    WORDY,
    Traveller,
    store_rows,
    texts_of_example,
    texts_of_preference,
)
from align.paths import checkpoints_dir, owner_dir
from align.preferences.choice_rows import build_preferences
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.privacy.scope import CARRIED
from align.recipe.recipe_file import Recipe, read_recipe, recipe_path
from align.store.merge import export_rows
from align.store.schema import schema_version

Row = dict[str, Any]
# What a twin is loaded from. By name: rows and samples that lie beside it do not travel.
_TWIN = (
    "twin.json", "adapter_config.json", "config.json", "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "chat_template.jinja", "generation_config.json", "vocab.json", "merges.txt", "tokenizer.model",
)  # fmt: skip
# Bytes of a twin's weights from which on packing them is announced: they are copied and hashed.
_LARGE = 1 << 30
# Under this heading of a scorecard's page stand prompts and answers.
_SAMPLES = "## Answers side by side"


@dataclass
class Packed:
    """What was packed."""

    manifest: Manifest
    rows: Counter[str]  # by member
    withheld: Counter[str]  # what stayed behind, by kind
    redacted: Counter[str]  # spans replaced, by kind


def pack_for_training(
    conn: sqlite3.Connection,
    owner_id: str,
    owner: Owner,
    out: Path,
    *,
    recipe: str,
    adapter: bool = True,
) -> Packed:
    """Write what training on another machine needs; UserError where nothing is to train on."""
    traveller = traveller_of(conn, owner)
    files = {stage: recipe_path(recipe, stage) for stage in ("sft", "dpo")}
    sft, dpo = read_recipe(files["sft"], "sft"), read_recipe(files["dpo"], "dpo")
    examples = _examples(conn, owner_id, owner, sft, traveller)
    preferences = _preferences(conn, owner_id, owner, dpo, traveller)
    rows = store_rows(conn, "train", traveller, wordy=("rewrite",))
    rows |= _gates(conn)
    members = _members(rows)
    members["packed/sft-rows.jsonl"] = jsonl(map(traveller.example, examples))
    members["packed/dpo-rows.jsonl"] = jsonl(map(traveller.preference, preferences))
    members["packed/owner.yaml"] = _settings_that_travel(owner, traveller)
    members |= {f"packed/recipe/{stage}.yaml": path for stage, path in files.items()}
    folder = newest(owner_id, "sft")
    if adapter and folder is not None and preferences:
        members |= _twin_members(folder)
    counts = {"packed/sft-rows.jsonl": len(examples), "packed/dpo-rows.jsonl": len(preferences)}
    counts |= {f"rows/{table}.jsonl": len(table_rows) for table, table_rows in rows.items()}
    redacted = traveller.redactor.counts
    manifest = Manifest("train", owner_id, schema_version(conn), __version__, {}, recipe, redacted)
    written = write_bundle(out, manifest, members)
    return Packed(written, Counter(counts), traveller.withheld, redacted)


def pack_for_labelling(
    conn: sqlite3.Connection, owner_id: str, owner: Owner, out: Path, *, adapter: bool = False
) -> Packed:
    """Write what was made here, from answers to scorecard; UserError where there are no pairs."""
    traveller = traveller_of(conn, owner)
    rows = store_rows(conn, None, traveller, wordy=WORDY)
    rows["verdicts"] = _of_pairs(export_rows(conn, "verdicts"), rows["pairs"])
    rows |= _gates(conn)
    if not rows["pairs"]:
        raise UserError(
            f"owner {owner_id!r}", "no pairs to label", f"Run: {make_command('sample', owner_id)}"
        )
    members = _members(rows)
    for folder in numbered(owner_id):
        if adapter:
            members |= _twin_members(folder)
        members[f"lineage/{folder.name}/twin.json"] = folder / "twin.json"
    members |= _scorecard(owner_id, traveller)
    counts = Counter({f"rows/{table}.jsonl": len(table_rows) for table, table_rows in rows.items()})
    redacted = traveller.redactor.counts
    manifest = Manifest("label", owner_id, schema_version(conn), __version__, {}, "", redacted)
    return Packed(write_bundle(out, manifest, members), counts, traveller.withheld, redacted)


def traveller_of(conn: sqlite3.Connection, owner: Owner) -> Traveller:
    """Return what decides for an owner what travels."""
    return Traveller(PrivateText(conn, owner, scope=CARRIED), redactor_for(owner))


def _examples(
    conn: sqlite3.Connection, owner_id: str, owner: Owner, recipe: Recipe, traveller: Traveller
) -> list[Row]:
    rows = build_examples(conn, owner, **recipe.example_settings, redactor=traveller.redactor)
    examples = traveller.kept("sft", rows, texts_of_example)
    if all(row["source"] == "identity" for row in examples):
        raise UserError(
            f"owner {owner_id!r}",
            "nothing to train on",
            f"Run: {make_command('ingest', owner_id)} FROM=~/my-writing",
        )
    return [{key: row[key] for key in row if key != "record_ids"} for row in examples]


def _preferences(
    conn: sqlite3.Connection, owner_id: str, owner: Owner, recipe: Recipe, traveller: Traveller
) -> list[Row]:
    weight, folder = recipe.ours["against_records"], newest(owner_id, "sft")
    rows = build_preferences(
        conn,
        owner,
        held_out=recipe.ours["held_out"],
        verdicts=recipe.ours["verdicts"],
        clear_weight=recipe.ours["clear_weight"],
        against_records=weight,
        # The real replies compete with what this twin drew; nobody else's lineage is looked at.
        checkpoint_hash=lineages.read(folder).hash if weight and folder is not None else None,
        redactor=traveller.redactor,
    )
    return traveller.kept("dpo", (row.to_row() for row in rows), texts_of_preference)


def _of_pairs(rows: list[Row], pairs: list[Row]) -> list[Row]:
    known = {row["id"] for row in pairs}
    return [row for row in rows if row["pair_id"] in known]


def _gates(conn: sqlite3.Connection) -> dict[str, list[Row]]:
    """Return all attempts of judges, where there are any: one that failed must arrive too."""
    gates = export_rows(conn, "gates")
    return {"gates": gates} if gates else {}


def _members(rows: dict[str, list[Row]]) -> dict[str, bytes | Path]:
    return {f"rows/{table}.jsonl": jsonl(table_rows) for table, table_rows in rows.items()}


def _twin_members(folder: Path) -> dict[str, bytes | Path]:
    weights = [path for path in lineages.weights_files(folder) if path.is_file()]
    size = sum(path.stat().st_size for path in weights)
    if size >= _LARGE:
        say(f"{folder.name}: {size / 1e9:,.1f} GB of weights go in (--without-adapter: they stay)")
    files = {name: folder / name for name in (*_TWIN, *(path.name for path in weights))}
    return {f"checkpoints/{folder.name}/{n}": path for n, path in files.items() if path.is_file()}


def _scorecard(owner_id: str, traveller: Traveller) -> dict[str, bytes | Path]:
    """Return the newest scorecard, wherever it was written; its sample answers redacted."""
    cards = [
        *checkpoints_dir(owner_id).rglob("scorecard.json"),
        *owner_dir(owner_id).glob("scorecard.json"),
    ]
    if not cards:
        return {}
    card = max(cards, key=lambda path: path.stat().st_mtime_ns)
    values = json.loads(card.read_text("utf-8"))
    values["samples"] = traveller.value(values.get("samples", []))
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    members: dict[str, bytes | Path] = {"packed/scorecard.json": text.encode()}
    page = card.with_suffix(".md")
    if page.is_file():
        figures, heading, samples = page.read_text("utf-8").partition(_SAMPLES)
        members["packed/scorecard.md"] = f"{figures}{heading}{traveller.value(samples)}".encode()
    return members


def _settings_that_travel(owner: Owner, traveller: Traveller) -> bytes:
    # Facts travel as rows; other people's names and the rubric stay at home, and so do aliases
    # that are addresses.
    aliases = [alias for alias in owner.aliases if traveller.value(alias) == alias]
    values = {"name": owner.name, "aliases": aliases, "held_out": owner.held_out}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()
