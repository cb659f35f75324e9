"""The rows that a run trains on: read, checked, and frozen with a hash. No torch."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.conversations.examples.example_rows import REWRITE
from align.errors import UserError
from align.files import jsonl, parse_jsonl, read_jsonl, write_atomically
from align.paths import owner_dir, relative_to_root
from align.preferences.preference import side_of

Row = dict[str, Any]
# What is left out last: what teaches a twin its name, and an owner's own choices and rewrites, of
# which there are fewest.
_SCARCE = ("identity", REWRITE, "owner")


@dataclass(frozen=True)
class FrozenRows:
    """Rows that never change again."""

    path: Path  # named after its content
    hash: str  # SHA-256 of the file's bytes
    train: list[Row]
    held_out: list[Row]  # these only measure

    @property
    def mix(self) -> dict[str, int]:
        """Return how many rows for training each source gave."""
        return dict(sorted(Counter(str(row["source"]) for row in self.train).items()))

    @property
    def weights(self) -> dict[str, float]:
        """Return what the rows for training of each source weigh together; an example weighs 1."""
        return {
            source: round(
                math.fsum(row.get("weight", 1.0) for row in self.train if row["source"] == source),
                6,
            )
            for source in self.mix
        }


def packed_rows(owner_id: str, stage: str) -> Path:
    """Return where `align unpack` puts the rows that another machine made."""
    return owner_dir(owner_id) / "packed" / f"{stage}-rows.jsonl"


def freeze(owner_id: str, stage: str, rows: Sequence[Row], *, write: bool = True) -> FrozenRows:
    """Write the rows to `data/<owner>/rows/` under the name of their content.

    Each has `split`, `train` or `held_out`. Only rank 0 writes; the others know the same rows.
    """
    data = jsonl(rows)
    digest = hashlib.sha256(data).hexdigest()
    path = owner_dir(owner_id) / "rows" / f"{stage}-{digest[:16]}.jsonl"
    if write and not path.is_file():
        write_atomically(path, data, mode=0o600)
    return _frozen(path, digest, rows)


def kept(rows: Sequence[Row], share: float) -> list[Row]:
    """Return a share of each side's rows in their order: of all sources alike, the scarcest first.

    Those are at most half of what is kept, where there are others. Which ones hangs on a row's own
    text, so that more writing moves few of them.
    """
    chosen: set[int] = set()
    for side in ("train", "held_out"):
        places = [at for at, row in enumerate(rows) if row["split"] == side]
        places.sort(key=lambda at: _lot(rows[at]))
        scarce = [at for at in places if rows[at]["source"] in _SCARCE]
        others = [at for at in places if rows[at]["source"] not in _SCARCE]
        most = math.ceil(share * len(places))
        first = max(most - len(others), most // 2, math.ceil(share * len(scarce)))
        first = min(first, len(scarce))
        chosen.update(scarce[:first], others[: most - first])
    return [row for at, row in enumerate(rows) if at in chosen]


def _lot(row: Row) -> str:
    return hashlib.sha256(jsonl([row])).hexdigest()


def read_frozen(path: Path, digest: str) -> FrozenRows:
    """Return the rows that `freeze` wrote; UserError where they are gone, or others by SHA-256."""
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != digest:
        remedy = "Remove the file, and run the same command again"
        raise UserError(relative_to_root(path), "its rows changed since they were frozen", remedy)
    return _frozen(path, digest, [row for _, row in parse_jsonl(data.splitlines(), str(path))])


def _frozen(path: Path, digest: str, rows: Sequence[Row]) -> FrozenRows:
    sides: dict[str, list[Row]] = {"train": [], "held_out": []}
    for row in rows:
        sides[row["split"]].append(row)
    return FrozenRows(path, digest, sides["train"], sides["held_out"])


def read_sft_rows(path: Path, held_out: float) -> list[Row]:
    """Return the rows of a JSONL file: {messages} or {prompt, completion}, source, split.

    An answer with `"train": false` is context: nothing is learned from it.

    Where no row says which side it is on, a share is held out by the conversation's beginning.
    """
    return _sides([_sft_row(f"{relative_to_root(path)}:{n}", r) for n, r in _lines(path)], held_out)


def read_packed_sft_rows(
    path: Path, held_out: float, store_rows: Sequence[Row] | None
) -> list[Row]:
    """Return the rows that another machine packed, and of rewrites those that stand here.

    `store_rows` are made of this machine's store, which knows what was taken back since; None where
    there is no store.
    """
    rows = read_sft_rows(path, held_out)
    if store_rows is None:
        return rows
    rewrites = [dict(row) for row in store_rows if row["source"] == REWRITE]
    for row in rewrites:
        row["split"] = side_of(row["messages"][0]["content"], held_out)
    return [row for row in rows if row["source"] != REWRITE] + rewrites


def read_dpo_rows(path: Path, held_out: float) -> list[Row]:
    """Return the rows of a JSONL file: {messages or prompt, chosen, rejected}, weight, source.

    Where no row says which side it is on, a share of the prompts is held out.
    """
    return _sides([_dpo_row(f"{relative_to_root(path)}:{n}", r) for n, r in _lines(path)], held_out)


def _lines(path: Path) -> list[tuple[int, Row]]:
    if not path.is_file():
        raise UserError(relative_to_root(path), "no such file", "Name a JSONL file of rows")
    rows = list(read_jsonl(path))
    if not rows:
        raise UserError(relative_to_root(path), "no rows in it")
    return rows


def _sides(rows: list[Row], held_out: float) -> list[Row]:
    if not any(row["split"] == "held_out" for row in rows):
        for row in rows:
            row["split"] = side_of(row.get("prompt_id") or row["messages"][0]["content"], held_out)
    return rows


def _sft_row(where: str, row: Row) -> Row:
    if "messages" in row:
        messages = _messages(where, row["messages"])
    else:
        prompt = _prompt(where, row.get("prompt"))
        messages = [*prompt, {"role": "assistant", "content": _text(where, row, "completion")}]
    if messages[-1]["role"] != "assistant":
        raise UserError(where, "the last message isn't the assistant's", "The owner speaks last")
    if messages[-1].get("train") is False:
        remedy = "Leave out what follows the last one"
        raise UserError(where, "its last answer isn't learned", remedy)
    return {
        "messages": messages,
        "source": str(row.get("source", "imported")),
        "record_ids": list(row.get("record_ids", [])),
        "split": _split(where, row),
    }


def _dpo_row(where: str, row: Row) -> Row:
    messages = _prompt(where, row["messages"] if "messages" in row else row.get("prompt"))
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < 1e6:
        raise UserError(where, f"weight must be a number of at least 0, not {weight!r}")
    digest = hashlib.sha256(str([m["content"] for m in messages]).encode()).hexdigest()[:16]
    gate = {"gate": str(row["gate"])} if row.get("gate") else {}
    return {
        "messages": messages,
        "chosen": _text(where, row, "chosen"),
        "rejected": _text(where, row, "rejected"),
        "weight": float(weight),
        "source": str(row.get("source", "imported")),
        "pair_id": str(row.get("pair_id", "")),
        "prompt_id": str(row.get("prompt_id") or digest),
        "split": _split(where, row),
        **gate,
    }


def _prompt(where: str, prompt: Any) -> list[Row]:
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    messages = _messages(where, prompt)
    if messages[-1]["role"] == "assistant":
        raise UserError(where, "the prompt ends with the assistant's turn", "Someone must ask")
    return messages


def _messages(where: str, messages: Any) -> list[Row]:
    if not isinstance(messages, list | tuple) or not messages:
        messages = [None]
    return [_message(where, message) for message in messages]


def _message(where: str, message: Any) -> Row:
    role, content = (
        (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
    )
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        remedy = 'Each row needs "messages": [{"role": "user", "content": "..."}, ...]'
        raise UserError(where, "no messages in it", remedy)
    is_learned = message.get("train", True)
    if not isinstance(is_learned, bool):
        raise UserError(where, f"'train' must be true or false, not {is_learned!r}")
    is_context = role == "assistant" and not is_learned
    return {"role": role, "content": content, **({"train": False} if is_context else {})}


def _text(where: str, row: Row, key: str) -> str:
    value = row.get(key)
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    if not isinstance(value, str) or not value.strip():
        raise UserError(where, f"no text for '{key}'")
    return value


def _split(where: str, row: Row) -> str:
    split = row.get("split", "train")
    if split not in ("train", "held_out"):
        raise UserError(where, f"split must be train or held_out, not {split!r}")
    return str(split)
