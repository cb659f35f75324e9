"""A bundle into this machine's store and checkpoints: nothing lost, nothing doubled.

Every step may be the last before a power cut, and unpacking again finishes the rest: rows merge
as a set, files are renamed when they are whole, a checkpoint that is there is passed over.
"""

import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from align.errors import UserError
from align.files import sync, write_atomically
from align.models.checkpoints import WORK, link_newest, numbered, publish
from align.owner import owner_file
from align.packs.bundle import Bundle
from align.paths import checkpoints_dir, owner_dir, recipes_dir, relative_to_root
from align.store.merge import TABLES, merge
from align.store.schema import shipped_migrations
from align.store.tables import Added


@dataclass
class Unpacked:
    """What came out of a bundle."""

    rows: dict[str, Added] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    checkpoints: list[tuple[str, Path]] = field(default_factory=list)
    known_checkpoints: list[str] = field(default_factory=list)


def check_schema(bundle: Bundle) -> None:
    """Refuse rows of a newer schema than this machine's toolkit knows (UserError)."""
    newest = shipped_migrations()[-1][0]
    if bundle.manifest.schema > newest:
        raise UserError(
            bundle.path,
            f"packed by a newer version (schema {bundle.manifest.schema}, known {newest})",
            "Update the toolkit here: git pull && make setup",
        )


def unpack(bundle: Bundle, conn: sqlite3.Connection, owner_id: str) -> Unpacked:
    """Take everything out of a verified bundle."""
    result = Unpacked()
    result.rows = merge_rows(bundle, conn)
    result.files = place_files(bundle, owner_id)
    place_checkpoints(bundle, owner_id, result)
    return result


def merge_rows(bundle: Bundle, conn: sqlite3.Connection) -> dict[str, Added]:
    """Merge the rows into the store, all or none; UserError of an unknown table or unfit rows."""
    rows = {}
    for name in bundle.under("rows"):
        table = name.removeprefix("rows/").removesuffix(".jsonl")
        # Records never travel: a bundle that brings some was not packed here.
        if table not in TABLES or table in ("records", "prompt_records"):
            raise UserError(bundle.path, f"holds rows of no known kind ({table})", "Pack it again")
        rows[table] = bundle.rows(name)
    try:
        return merge(conn, rows)
    except (KeyError, TypeError, OverflowError, sqlite3.Error) as error:
        raise UserError(
            bundle.path, f"its rows do not fit the store ({error})", "Pack it again"
        ) from error


def place_files(bundle: Bundle, owner_id: str) -> list[Path]:
    """Place rows, recipe, lineage and scorecard in `data/<owner>/packed/`."""
    placed = []
    packed = owner_dir(owner_id) / "packed"
    for name in bundle.under("packed"):
        target = packed / name.removeprefix("packed/")
        write_atomically(target, bundle.read(name), mode=0o600)
        placed.append(target)
    for name in bundle.under("lineage"):
        write_atomically(packed / name, bundle.read(name), mode=0o600)
    settings = "packed/owner.yaml"
    if settings in bundle.manifest.members and not owner_file(owner_id).exists():
        write_atomically(owner_file(owner_id), bundle.read(settings), mode=0o600)
    return placed


def place_checkpoints(bundle: Bundle, owner_id: str, result: Unpacked) -> None:
    """Place each twin under its own number or, where that is another twin's, under the next."""
    names = sorted({name.split("/")[1] for name in bundle.under("checkpoints")})
    for name in names:
        stage = name.rpartition("-")[2]
        twin = bundle.read(f"checkpoints/{name}/twin.json")
        if any(_is_twin(folder, twin) for folder in numbered(owner_id)):
            result.known_checkpoints.append(name)
            link_newest(owner_id, stage)
            continue
        staging = _extracted(bundle, owner_id, name)
        target = checkpoints_dir(owner_id) / name
        if target.exists():
            target = publish(staging, owner_id, stage)
        else:
            staging.rename(target)
            sync(target.parent)
            link_newest(owner_id, stage)
        result.checkpoints.append((name, target))


def recipe_word(bundle: Bundle, owner_id: str) -> str:
    """Return what `--recipe` takes on this machine for the recipe that was packed."""
    name = bundle.manifest.recipe
    for member in bundle.under("packed/recipe"):
        here = recipes_dir() / name / Path(member).name
        if not here.is_file() or here.read_bytes() != bundle.read(member):
            return relative_to_root(owner_dir(owner_id) / "packed" / "recipe")
    return name


def _extracted(bundle: Bundle, owner_id: str, name: str) -> Path:
    staging = checkpoints_dir(owner_id) / WORK / f"unpack-{name}"
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(parents=True)
    for member in bundle.under(f"checkpoints/{name}"):
        bundle.extract(member, staging / Path(member).name)
    return staging


def _is_twin(folder: Path, twin: bytes) -> bool:
    try:
        return (folder / "twin.json").read_bytes() == twin
    except OSError:
        return False
