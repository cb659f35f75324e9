"""An owner's files on a rented machine: what goes once the pack is home-bound, and what must not.

A pack holds what was made there, never writing. So whatever no pack holds is a reason to refuse.
"""

import json
import os
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from align.errors import UserError
from align.models.checkpoints import WORK, numbered
from align.models.lineage import FILE, has_weights, weights_files
from align.packs.bundle import open_bundle
from align.packs.forgetting import erase, what_to_erase
from align.paths import checkpoints_dir, owner_dir, project_root, relative_to_root
from align.privacy.egress_log import FILE as EGRESS_LOG
from align.store.merge import export_rows
from align.store.row_counts import count_rows
from align.training.prepared_run import run_lock

CANNOT_PROMISE = """\
What deleting cannot promise:
  An SSD keeps old blocks until it needs them, and a journaling, copy-on-write or network file
  system may write beside them, so that overwriting reaches nothing.
  Snapshots, the provider's backups and swap keep what they have.
  Not touched: your shell's history, the hub's cache (bases, nothing of yours), wandb's files
  outside of the folders above and what it uploaded, what you copied to other folders yourself.
  Surest is a machine whose disk was encrypted, or is deleted with the rental."""
# Of these every row is in a pack, unless it was sealed here.
_TRAVELLING = ("pairs", "events", "verdicts", "gates")
_CHUNK = 1 << 20


def check_before_packing(conn: sqlite3.Connection, owner_id: str, adapter: bool | None) -> None:
    """Refuse where something lives here that the pack to be would not hold.

    Without a word on twins' weights, `adapter` is None.

    Raises:
        UserError: There is writing, an egress log, a twin's weights, or a training under way.
    """
    where, folder = f"owner {owner_id!r}", owner_dir(owner_id)
    records = count_rows(conn, "records")
    raw = [name for name in ("writing", "fetched") if (folder / name).exists()]
    if records or raw:
        what = f"{records:,} records" if records else relative_to_root(folder / raw[0])
        raise UserError(
            where,
            f"writing lives here that no pack holds ({what}), so this is not a rented machine",
            f"To erase it all the same: align forget --owner {owner_id}",
        )
    egress_log = folder / EGRESS_LOG
    if egress_log.is_file() and egress_log.stat().st_size:
        raise UserError(
            relative_to_root(egress_log),
            "it says what was sent from here, and no pack holds it",
            "Copy it to your own machine, remove it here, then repeat",
        )
    twins = [path.name for path in numbered(owner_id) if has_weights(path)]
    if twins and adapter is None:
        raise UserError(
            where,
            f"the pack would not hold the weights of {', '.join(twins)}",
            "Add --with-adapter, or --without-adapter to lose them",
        )
    with run_lock(owner_id):
        pass  # A training under way would go on writing.


def check_pack(conn: sqlite3.Connection, owner_id: str, pack: Path, *, adapter: bool) -> None:
    """Read the whole pack back, and refuse where something lives here that it lacks.

    Raises:
        UserError: It is damaged, lies among what is to go, or lacks rows or weights.
    """
    if pack.resolve().is_relative_to(checkpoints_dir(owner_id).resolve()):
        raise UserError(pack, "it lies among what is to go", "Write it elsewhere: --out FILE")
    with open_bundle(pack) as bundle:
        bundle.verify()
        members = bundle.manifest.members
        inside = {table: f"rows/{table}.jsonl" for table in _TRAVELLING}
        packed = {
            table: len(bundle.rows(name)) for table, name in inside.items() if name in members
        }
    here = Counter({table: len(export_rows(conn, table)) for table in _TRAVELLING})
    lacking = here - Counter(packed)
    for folder in numbered(owner_id) if adapter else ():
        files = weights_files(folder) if has_weights(folder) else []
        if any(f"checkpoints/{folder.name}/{file.name}" not in members for file in files):
            lacking[f"weights of {folder.name}"] += 1
    if lacking:
        what = ", ".join(f"{count:,} {name}" for name, count in sorted(lacking.items()))
        raise UserError(
            relative_to_root(pack),
            f"it lacks what lives here, sealed or like sealed writing: {what}; nothing was erased",
            f"To erase all the same: align forget --owner {owner_id}",
        )


def what_to_shred(owner_id: str, pack: Path) -> list[Path]:
    """Return the owner's files and folders on this machine, but for the pack itself."""
    paths = [*what_to_erase(owner_id, writing=True), *_exports(owner_id), *_arrived(owner_id)]
    return [path for path in paths if path.resolve() != pack.resolve()]


def listed(paths: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each path: its bytes, its name, and what in it will not come again."""
    for path in paths:
        files = list(_files(path))
        size = sum(status.st_size for file in files if (status := _status(file)))
        count = f"{len(files):>6,} files" if path.is_dir() and not path.is_symlink() else " " * 12
        yield f"{size:>16,} bytes  {count}  {relative_to_root(path)}"
        for part in sorted(path.glob(f"{WORK}/*-*")):
            yield f"{' ' * 38}of these, an unfinished run: {part.name}"
        for part in sorted(path.glob("logs/wandb/offline-run-*/run-*.wandb")):
            if not part.with_name(f"{part.name}.synced").exists():
                yield f"{' ' * 38}of these, not uploaded to wandb: {part.parent.name}"


def shred(paths: Iterable[Path]) -> Iterator[Path]:
    """Overwrite and delete, path by path, yielding each once it is gone."""
    for path in paths:
        for file in _files(path):
            _overwrite(file)
        yield from erase([path])


def _exports(owner_id: str) -> Iterator[Path]:
    """Yield the folders that `align export` made of the owner's twins, two levels deep at most."""
    root = project_root()
    for pattern in (f"*/{FILE}", f"*/*/{FILE}"):
        for file in sorted(root.glob(pattern)):
            try:
                values = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(values, dict) and "export" in values and values.get("owner") == owner_id:
                yield file.parent


def _arrived(owner_id: str) -> Iterator[Path]:
    """Yield the packs for training with which the owner came here, where they usually lie."""
    folders = {folder.resolve() for folder in (project_root(), Path.cwd(), Path.home())}
    for path in sorted(path for folder in folders for path in folder.glob("*.pack")):
        try:
            with open_bundle(path) as bundle:
                is_owners = (bundle.manifest.owner, bundle.manifest.kind) == (owner_id, "train")
        except (UserError, OSError):
            continue
        if is_owners:
            yield path


def _files(path: Path) -> Iterator[Path]:
    """Yield a path's files; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in names)


def _status(file: Path) -> os.stat_result | None:
    """Return a file's status; None where it went: SQLite's log goes with the last reader."""
    try:
        return file.lstat()
    except FileNotFoundError:
        return None


def _overwrite(file: Path) -> None:
    """Overwrite a file's bytes in place, where they are nobody else's too."""
    status = _status(file)
    if (
        status is None
        or not stat.S_ISREG(status.st_mode)
        or status.st_nlink > 1
        or not os.access(file, os.W_OK)
    ):
        return
    with file.open("r+b") as handle:
        for start in range(0, status.st_size, _CHUNK):
            handle.write(os.urandom(min(_CHUNK, status.st_size - start)))
        handle.flush()
        os.fsync(handle.fileno())
