"""What goes into a bundle: never raw records, sealed ones, or held-out answers."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from align import __version__
from align.bundle import Manifest, write_bundle
from align.checkpoints import newest, numbered
from align.console import make_command
from align.errors import UserError
from align.examples import build_examples
from align.files import jsonl
from align.levels import LEVELS
from align.owner import Owner
from align.paths import checkpoints_dir, owner_dir
from align.preferences import build_preferences
from align.recipes import read_recipe, recipe_path
from align.similarity import RunIndex, words
from align.store.merge import export_rows
from align.store.records import iter_records
from align.store.schema import schema_version

Row = dict[str, Any]
SEALED = LEVELS.index("sealed")
# What a twin is loaded from. By name: rows and samples that lie beside it do not travel.
_TWIN = (
    "twin.json", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "generation_config.json", "vocab.json", "merges.txt", "tokenizer.model",
)  # fmt: skip
# Tokens of a row where the recipe says nothing.
_LONGEST = 1024
# Events whose payload is the owner's own words.
_WORDY = ("rewrite", "note", "flag")


@dataclass
class Packed:
    """What was packed: the manifest, rows by member, and what stayed behind."""

    manifest: Manifest
    rows: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)


class SealedGuard:
    """Finds texts that repeat eight words in a row, or all, of a sealed record."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = RunIndex(length=8)
        self._short: set[str] = set()
        for text in texts:
            self._runs.add(text)
            found = words(text)
            # Fewer than four words are anybody's.
            if 4 <= len(found) < 8:
                self._short.add(" ".join(found))

    def finds(self, *texts: str | None) -> bool:
        """Tell whether one of the texts repeats what is sealed."""
        for text in texts:
            if text and (self._runs.repeated(text) or self._repeats_short(text)):
                return True
        return False

    def _repeats_short(self, text: str) -> bool:
        if not self._short:
            return False
        found = f" {' '.join(words(text))} "
        return any(f" {short} " in found for short in self._short)


def pack_for_training(
    conn: sqlite3.Connection,
    owner: str,
    settings: Owner,
    out: Path,
    *,
    recipe: str = "demo",
    adapter: bool = True,
) -> Packed:
    """Write what training on another machine needs.

    Raises:
        UserError: There is nothing to train on.
    """
    guard = _guard(conn)
    withheld: Counter[str] = Counter()

    def kept(what: str, rows: Iterable[Row], texts: Callable[[Row], list[str]]) -> list[Row]:
        return _kept(rows, texts, guard, withheld, what)

    files = {stage: recipe_path(recipe, stage) for stage in ("sft", "dpo")}
    read_recipe(files["dpo"], "dpo")
    sft = read_recipe(files["sft"], "sft")
    made = build_examples(
        conn,
        settings,
        max_tokens=sft.training.get("max_length") or _LONGEST,
        identity=sft.ours["identity"],
    )
    examples = kept("sft", made, _texts_of_messages)
    preferences = kept("dpo", (row.to_row() for row in build_preferences(conn)), _texts_of_choice)
    if all(row["source"] == "identity" for row in examples):
        raise UserError(
            f"owner {owner!r}",
            "nothing to train on",
            f"Run: {make_command('ingest', owner)} FROM=~/my-writing",
        )
    for row in examples:
        row.pop("record_ids", None)
    rows = _store_rows(conn, "p.split = 'train'", guard, withheld, wordy=("rewrite",))
    members = _members(rows)
    members["packed/sft-rows.jsonl"] = jsonl(examples)
    members["packed/dpo-rows.jsonl"] = jsonl(preferences)
    members["packed/owner.yaml"] = _settings_that_travel(settings)
    members |= {f"packed/recipe/{stage}.yaml": path for stage, path in files.items()}
    folder = newest(owner, "sft")
    if adapter and folder is not None and preferences:
        members |= _twin_members(folder)
    counts = {"packed/sft-rows.jsonl": len(examples), "packed/dpo-rows.jsonl": len(preferences)}
    counts |= {f"rows/{table}.jsonl": len(found) for table, found in rows.items()}
    manifest = Manifest("train", owner, schema_version(conn), __version__, {}, recipe)
    return Packed(write_bundle(out, manifest, members), Counter(counts), withheld)


def pack_for_labelling(
    conn: sqlite3.Connection, owner: str, out: Path, *, adapter: bool = False
) -> Packed:
    """Write what was made on this machine: answers, pairs, choices, lineage and scorecard.

    Raises:
        UserError: There are no pairs.
    """
    withheld: Counter[str] = Counter()
    rows = _store_rows(conn, "1", _guard(conn), withheld, wordy=_WORDY)
    rows["verdicts"] = _of_pairs(export_rows(conn, "verdicts"), rows["pairs"])
    if not rows["pairs"]:
        raise UserError(
            f"owner {owner!r}", "no pairs to label", f"Run: {make_command('sample', owner)}"
        )
    members = _members(rows)
    for folder in numbered(owner):
        if adapter:
            members |= _twin_members(folder)
        members[f"lineage/{folder.name}/twin.json"] = folder / "twin.json"
    members |= _scorecard(owner)
    counts = Counter({f"rows/{table}.jsonl": len(found) for table, found in rows.items()})
    manifest = Manifest("label", owner, schema_version(conn), __version__, {})
    return Packed(write_bundle(out, manifest, members), counts, withheld)


def _guard(conn: sqlite3.Connection) -> SealedGuard:
    sealed = iter_records(conn, levels=["sealed"], include_left_out=True)
    return SealedGuard(record.text for record in sealed)


def _kept(
    rows: Iterable[Row],
    texts: Callable[[Row], list[str]],
    guard: SealedGuard,
    withheld: Counter[str],
    what: str,
) -> list[Row]:
    kept = []
    for row in rows:
        if guard.finds(*texts(row)):
            withheld[what] += 1
        else:
            kept.append(row)
    return kept


def _store_rows(
    conn: sqlite3.Connection,
    side: str,
    guard: SealedGuard,
    withheld: Counter[str],
    *,
    wordy: tuple[str, ...],
) -> dict[str, list[Row]]:
    """Return the rows of the store that may travel, by table.

    Args:
        conn: The store.
        side: SQL on `p`, a known prompt.
        guard: Finds what repeats a sealed record.
        withheld: Takes the counts of what it found.
        wordy: Kinds of events with words in them that may travel, where their pair does.
    """
    found = conn.execute(
        f"SELECT id, messages, source, thread, split, level FROM known_prompts p "
        f"WHERE {side} AND level < {SEALED} ORDER BY id"
    )
    prompts = _kept(
        map(dict, found),
        lambda row: _texts(json.loads(row["messages"])),
        guard,
        withheld,
        "prompts",
    )
    open_pairs = {
        row[0] for row in conn.execute(f"SELECT id FROM known_pairs WHERE level < {SEALED}")
    }
    known = {row["id"] for row in prompts}
    answers = _kept(
        (row for row in export_rows(conn, "answers") if row["prompt_id"] in known),
        lambda row: [row["text"]],
        guard,
        withheld,
        "answers",
    )
    drawn = {row["id"] for row in answers}
    pairs = [
        row
        for row in export_rows(conn, "pairs")
        if row["id"] in open_pairs and {row["answer_a"], row["answer_b"]} <= drawn
    ]
    used = {row[side] for row in pairs for side in ("answer_a", "answer_b")}
    threads = {row["thread"] for row in prompts}
    return {
        "threads": [r for r in export_rows(conn, "threads") if r["thread"] in threads],
        "prompts": prompts,
        "answers": [row for row in answers if row["id"] in used],
        "pairs": pairs,
        "events": _events(conn, {row["id"] for row in pairs}, guard, withheld, wordy),
    }


def _events(
    conn: sqlite3.Connection,
    pairs: set[str],
    guard: SealedGuard,
    withheld: Counter[str],
    wordy: tuple[str, ...],
) -> list[Row]:
    """Return the events: all that hold no words, so that an undo or a seal always arrives."""
    travelling = []
    for row in export_rows(conn, "events"):
        if row["kind"] in _WORDY:
            if row["kind"] not in wordy or (row["pair_id"] and row["pair_id"] not in pairs):
                continue
            if guard.finds(*_texts(json.loads(row["payload"]))):
                withheld["events"] += 1
                continue
        travelling.append(row)
    return travelling


def _of_pairs(rows: list[Row], pairs: list[Row]) -> list[Row]:
    known = {row["id"] for row in pairs}
    return [row for row in rows if row["pair_id"] in known]


def _members(rows: dict[str, list[Row]]) -> dict[str, bytes | Path]:
    return {f"rows/{table}.jsonl": jsonl(found) for table, found in rows.items()}


def _twin_members(folder: Path) -> dict[str, bytes | Path]:
    files = {name: folder / name for name in _TWIN}
    return {f"checkpoints/{folder.name}/{n}": path for n, path in files.items() if path.is_file()}


def _scorecard(owner: str) -> dict[str, bytes | Path]:
    """Return the newest scorecard, wherever it was written."""
    cards = [
        *checkpoints_dir(owner).rglob("scorecard.json"),
        *owner_dir(owner).glob("scorecard.json"),
    ]
    if not cards:
        return {}
    card = max(cards, key=lambda path: path.stat().st_mtime_ns)
    files = [card, card.with_suffix(".md")]
    return {f"packed/{path.name}": path for path in files if path.is_file()}


def _settings_that_travel(settings: Owner) -> bytes:
    # Facts travel as rows; other people's names and the rubric stay at home.
    values = {"name": settings.name, "aliases": settings.aliases, "held_out": settings.held_out}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _texts(value: Any) -> list[str]:
    """Return all texts in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]


def _texts_of_messages(row: Row) -> list[str]:
    return [message["content"] for message in row["messages"]]


def _texts_of_choice(row: Row) -> list[str]:
    return [*_texts_of_messages(row), row["chosen"], row["rejected"]]
