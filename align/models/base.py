"""The base model that a twin grows from: where it lies, what it is, and where it moved to."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.paths import project_root, relative_to_root

# What decides a base's answers; a model card or a licence may change.
_IDENTITY = ("config.json", "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")
_WEIGHTS = (".safetensors", ".bin")
_WHOLE = 64 << 20
INDEX = "model.safetensors.index.json"
_SAMPLES, _SAMPLE = 256, 64 << 10


@dataclass(frozen=True)
class Base:
    """A base model on this machine."""

    name: str  # as the recipe says it: a hub id, or a path (from the root where inside)
    path: Path  # the folder it is loaded from
    hash: str  # SHA-256 over weights, configuration and vocabulary (`hash_of_base`)
    revision: str = "main"  # the hub's revision; `main` for a folder
    is_hub: bool = False  # whether `name` is a hub id

    def to_json(self) -> dict[str, Any]:
        """Return what twin.json keeps of it."""
        return {**asdict(self), "path": _seen_from_root(self.path)}


def resolve_base(name: str, revision: str = "main", *, where: str, download: bool = False) -> Base:
    """Return the base that a recipe names: a folder (from the root), or a model of the hub.

    `where` is what names it, for the error; `download` fetches what the hub's cache lacks.

    Raises:
        UserError: It is in neither place.
    """
    folder = project_root() / Path(name).expanduser()
    if (folder / "config.json").is_file():
        return Base(_seen_from_root(folder), folder, hash_of_base(folder), revision)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise UserError(
            where,
            f"model '{name}' can't be found: no such folder under {project_root()}",
            "Name a folder with config.json as --model_name_or_path",
        )
    snapshot = _cached(name, revision)
    if snapshot is None and download:
        snapshot = _download(name, revision, where)
    if snapshot is None:
        raise UserError(
            where,
            f"model '{name}' can't be found: no such folder, and not in the hub's cache",
            "Name a folder with config.json as --model_name_or_path",
        )
    # A snapshot folder is named after its commit: that is what stays reachable for ever.
    return Base(name, snapshot, hash_of_base(snapshot), snapshot.name, is_hub=True)


def find_base(recorded: dict[str, Any], *, where: str) -> Base:
    """Return the base that twin.json recorded, wherever it lies now.

    Raises:
        UserError: What lies at its place is another model, or it lies nowhere that is looked at.
    """
    changed = None
    for folder in _candidates(recorded):
        if not (folder / "config.json").is_file():
            continue
        hash_now = hash_of_base(folder)
        if hash_now == recorded["hash"]:
            name = recorded["name"] if recorded["is_hub"] else _seen_from_root(folder)
            return Base(name, folder, hash_now, recorded["revision"], recorded["is_hub"])
        if changed is None:
            changed = folder
    if changed is not None:
        raise UserError(
            where,
            f"its base {recorded['name']} changed since it was trained "
            f"({relative_to_root(changed)} is another model now)",
            "Put the old base back, or train again from sft on",
        )
    raise UserError(
        where,
        f"its base {recorded['name']} can't be found",
        f"Put it back at {recorded['path']}, or anywhere under {project_root() / 'models'}",
    )


def hub_home() -> Path:
    """Return where the hub's client keeps its token and, mostly, what it fetches."""
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()


def hub_cache() -> Path:
    """Return where the hub's client puts what it fetches."""
    return Path(os.environ.get("HF_HUB_CACHE", hub_home() / "hub")).expanduser()


def hash_of_base(folder: Path) -> str:
    """Return a SHA-256 that names the model in a folder.

    Files up to 64 MiB count whole; of larger ones size, first MiB and 256 stretches of 64 KiB
    spread evenly, so that a base of many gigabytes takes no minute at every start. Training
    changes every stretch; a single flipped bit may be missed.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.name in _IDENTITY or path.suffix in _WEIGHTS):
            if path.name == "training_args.bin" or path.name.startswith("optimizer"):
                continue
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            for chunk in stretches(path):
                digest.update(chunk)
    return digest.hexdigest()


def stretches(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, or evenly spread samples of a large one's."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            while chunk := file.read(1 << 20):
                yield chunk
            return
        yield file.read(1 << 20)
        for at in range(_SAMPLES):
            file.seek(at * (size - _SAMPLE) // (_SAMPLES - 1))
            yield file.read(_SAMPLE)


def _seen_from_root(path: Path) -> str:
    # Links are kept as they are: a linked data folder is found again under its own name.
    root = project_root()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _candidates(recorded: dict[str, Any]) -> Iterator[Path]:
    """Yield where a base may lie: its recorded place first, then every likely folder."""
    yield project_root() / recorded["path"]
    if recorded["is_hub"]:
        snapshot = _cached(recorded["name"], recorded["revision"])
        if snapshot is not None:
            yield snapshot
    for parent in ("models", "data", ""):
        top = project_root() / parent
        for pattern in ("*/config.json", "*/*/config.json") if parent else ("*/config.json",):
            for config in sorted(top.glob(pattern)):
                yield config.parent


def _cached(name: str, revision: str) -> Path | None:
    """Return the hub cache's snapshot folder of a model, found without importing the hub."""
    repository = hub_cache() / f"models--{name.replace('/', '--')}"
    pointer = repository / "refs" / revision
    commit = pointer.read_text().strip() if pointer.is_file() else revision
    snapshot = repository / "snapshots" / commit
    whole = (snapshot / "config.json").is_file() and any(snapshot.glob("*.safetensors"))
    index = snapshot / INDEX
    if index.is_file():
        files = shards(index)
        whole = whole and bool(files) and all((snapshot / name).is_file() for name in files)
    return snapshot if whole else None


def shards(index: Path) -> list[str]:
    """Return the names of the shards that an index lists; none where it is broken."""
    try:
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return sorted({Path(str(name)).name for name in names})
    except (OSError, ValueError, KeyError, AttributeError):
        return []


def _download(name: str, revision: str, where: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises many kinds; each means: not here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            where,
            f"model '{name}' can't be found: no such folder, and the hub says: "
            f"{reason.rstrip('.')}",
            "Mend the name or the connection, or name a folder as --model_name_or_path",
        ) from error
