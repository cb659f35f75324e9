"""twin.json: what a twin was made from, written beside its weights and checked on load."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.files import write_atomically
from align.models.weight_files import INDEX, shards, stretches
from align.paths import relative_to_root

FILE = "twin.json"
ADAPTER = "adapter_model.safetensors"
# Of a twin whose every weight was trained: one file, or shards and an index that names them.
_WHOLE = "model.safetensors"
FULL = "full"
_VERSION = 1
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")


@dataclass(frozen=True)
class Lineage:
    """What a twin was made from and how it went."""

    owner: str
    stage: str  # `sft` or `dpo`
    base: dict[str, Any]  # name, path (from the root), hash and revision of the base
    recipe: dict[str, Any]  # file, hash and effective values of the recipe
    # Hash of the frozen rows, how many were trained on and held out and, of choices, what those of
    # each source weigh together.
    rows: dict[str, Any]
    template_hash: str  # `chat_template.template_hash` of the tokenizer it was trained with
    adapter_hash: str  # of the adapter's file; of a full twin's files of weights
    inputs: str  # digest of all that decides the result; equal inputs need no second run
    seed: int
    # Name and hash of the checkpoint it went on from; None for a fresh adapter.
    parent: dict[str, str] | None = None
    mix: dict[str, int] = field(default_factory=dict)  # rows by source
    # temperature, top_p, max_new_tokens and max_prompt_tokens for its answers.
    sampling: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)  # of the libraries that matter
    # How training went; what wasn't measured is absent.
    metrics: dict[str, Any] = field(default_factory=dict)
    # Of the verdicts among the rows: by gate, whose they are, what the judge's calibration found,
    # and how many there are.
    judging: dict[str, Any] = field(default_factory=dict)
    created: str = ""  # UTC, ISO 8601
    # `adapter`, or `full` where every weight was trained and the folder is a whole model.
    kind: str = "adapter"
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


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide a training's result."""
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def read(folder: Path) -> Lineage:
    """Return what twin.json says; UserError: it is missing, broken, or of a newer version."""
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
    known = {part.name for part in fields(Lineage)}
    try:
        return Lineage(**{key: value for key, value in values.items() if key in known})
    except TypeError as error:
        raise UserError(relative_to_root(path), f"incomplete ({error})") from None


def write(folder: Path, lineage: Lineage) -> None:
    """Write twin.json, with the twin's hash in it for people who look."""
    values = {"hash": lineage.hash, **asdict(lineage)}
    if not lineage.judging:
        del values["judging"]
    if lineage.kind != FULL:
        del values["kind"]
    write_atomically(folder / FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def weights_file(folder: Path) -> Path:
    """Return the file that a twin's weights are read from: adapter, whole model, or shards' index.

    It need not exist: where only the lineage arrived, the adapter is the one that is missed.
    """
    present = (folder / name for name in (ADAPTER, INDEX, _WHOLE) if (folder / name).is_file())
    return next(present, folder / ADAPTER)


def weights_files(folder: Path) -> list[Path]:
    """Return all files of a twin's weights, in the order in which they are hashed."""
    file = weights_file(folder)
    if file.name != INDEX:
        return [file]
    return [folder / name for name in shards(file)]


def has_weights(folder: Path) -> bool:
    """Tell whether the twin's weights are here, each shard of them."""
    files = weights_files(folder)
    return bool(files) and all(path.is_file() for path in files)


def weights_hash(folder: Path) -> str:
    """Return the SHA-256 of the weights' bytes (of samples where a file is large)."""
    digest = hashlib.sha256()
    files = weights_files(folder)
    for path in files:
        if len(files) > 1:
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        for chunk in stretches(path):
            digest.update(chunk)
    return digest.hexdigest()


def check_has_weights(folder: Path) -> None:
    """Refuse (UserError) a twin of which only the lineage travelled."""
    if not has_weights(folder):
        raise UserError(
            relative_to_root(folder),
            "only its lineage is here, not its weights",
            "Pack it on the other machine with its adapter, and unpack that here",
        )


def check_weights(folder: Path, lineage: Lineage) -> None:
    """Refuse weights that aren't those twin.json speaks of; missing ones are for later."""
    if has_weights(folder) and weights_hash(folder) != lineage.adapter_hash:
        what = "these are not the weights" if lineage.kind == FULL else "it is not the adapter"
        raise UserError(
            relative_to_root(weights_file(folder)),
            f"{what} that {FILE} describes",
            f"Restore them, or train again: align {lineage.stage} --owner {lineage.owner}",
        )
