"""twin.json: what a twin was made from, written beside its adapter and checked on load."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from align.base import stretches
from align.errors import UserError
from align.files import write_atomically
from align.paths import relative_to_root

FILE = "twin.json"
ADAPTER = "adapter_model.safetensors"
_VERSION = 1


@dataclass(frozen=True)
class Lineage:
    """What a twin was made from and how it went.

    Attributes:
        owner: Whose twin.
        stage: `sft` or `dpo`.
        base: Name, path (from the root), hash and revision of the base.
        recipe: File, hash and effective values of the recipe.
        rows: Hash of the frozen rows, how many were trained on and held out and, of choices, what
            those of each source weigh together.
        template_hash: `align.template.template_hash` of the tokenizer it was trained with.
        adapter_hash: Of the adapter's file.
        inputs: Digest of all that decides the result; equal inputs need no second run.
        seed: The run's seed.
        parent: Name and hash of the checkpoint it went on from; None for a fresh adapter.
        mix: Rows by source.
        sampling: temperature, top_p, max_new_tokens for its answers.
        versions: Of the libraries that matter.
        metrics: How training went; what wasn't measured is absent.
        judging: Of the verdicts among the rows: by gate, whose they are, what the judge's
            calibration found, and how many there are.
        created: UTC, ISO 8601.
    """

    owner: str
    stage: str
    base: dict[str, Any]
    recipe: dict[str, Any]
    rows: dict[str, Any]
    template_hash: str
    adapter_hash: str
    inputs: str
    seed: int
    parent: dict[str, str] | None = None
    mix: dict[str, int] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    judging: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    version: int = _VERSION

    @property
    def hash(self) -> str:
        """Return the twin's identity: what it was made from, whatever folder it lies in."""
        parent = self.parent["hash"] if self.parent else None
        return digest_of(
            self.stage,
            self.base["hash"],
            self.rows["hash"],
            self.recipe["hash"],
            self.seed,
            parent,
            self.template_hash,
        )


def digest_of(*parts: Any) -> str:
    """Return the SHA-256 of JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read(folder: Path) -> Lineage:
    """Return what twin.json says.

    Raises:
        UserError: It is missing, broken, or written by a newer version.
    """
    path = folder / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(relative_to_root(folder), f"no {FILE}, so not a twin") from None
    except (ValueError, OSError) as error:
        raise UserError(relative_to_root(path), f"can't be read ({error})") from None
    if values.get("version", 0) > _VERSION:
        raise UserError(
            relative_to_root(path), "written by a newer version", "Update this checkout"
        )
    known = {one.name for one in fields(Lineage)}
    try:
        return Lineage(**{key: value for key, value in values.items() if key in known})
    except TypeError as error:
        raise UserError(relative_to_root(path), f"incomplete ({error})") from None


def write(folder: Path, lineage: Lineage) -> None:
    """Write twin.json, with the twin's hash in it for people who look."""
    values = {"hash": lineage.hash, **asdict(lineage)}
    if not lineage.judging:
        del values["judging"]
    write_atomically(folder / FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def adapter_hash(folder: Path) -> str:
    """Return the SHA-256 of the adapter's bytes (of samples where it is large)."""
    digest = hashlib.sha256()
    for chunk in stretches(folder / ADAPTER):
        digest.update(chunk)
    return digest.hexdigest()


def check_adapter(folder: Path, lineage: Lineage) -> None:
    """Refuse an adapter that isn't the one twin.json speaks of; a missing one is for later."""
    if (folder / ADAPTER).is_file() and adapter_hash(folder) != lineage.adapter_hash:
        raise UserError(
            relative_to_root(folder / ADAPTER),
            f"it is not the adapter that {FILE} describes",
            f"Restore it, or train again: align {lineage.stage} --owner {lineage.owner}",
        )
