"""Where things lie: everything is found from the project's root, never from the current folder."""

import os
import re
from pathlib import Path

from align.errors import UserError

RESERVED_OWNERS = frozenset({"prompts", "bases"})
_OWNER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def project_root() -> Path:
    """Return `SOUNDALIKE_ROOT` (`--root`), UserError where it is no folder; else the checkout."""
    configured = os.environ.get("SOUNDALIKE_ROOT")
    if configured is None:
        return Path(__file__).resolve().parent.parent
    root = Path(configured).expanduser().resolve()
    if not root.is_dir():
        raise UserError(
            f"SOUNDALIKE_ROOT={configured}", "no such folder", "Name the project's root"
        )
    return root


def checked_owner(owner_id: str) -> str:
    """Return the name if a folder may have it; UserError: reserved, or not `[a-z0-9_-]` alone."""
    if not _OWNER_NAME.fullmatch(owner_id):
        raise UserError(
            f"owner {owner_id!r}",
            "not a valid name",
            "Use small letters, digits, '-' and '_', like 'ann'",
        )
    if owner_id in RESERVED_OWNERS:
        raise UserError(f"owner {owner_id!r}", "this name is reserved", "Choose another")
    return owner_id


def owner_dir(owner_id: str) -> Path:
    """Return `data/<owner>`, which may not exist yet."""
    return project_root() / "data" / checked_owner(owner_id)


def store_path(owner_id: str) -> Path:
    """Return the path of the owner's SQLite file, which may not exist yet."""
    return owner_dir(owner_id) / "twin.db"


def simulated_file(owner_id: str) -> Path | None:
    """Return the file that says how a demo owner chooses, or None where the owner is real."""
    path = owner_dir(owner_id) / "simulated.json"
    return path if path.is_file() else None


def checkpoints_dir(owner_id: str) -> Path:
    """Return `checkpoints/<owner>`, which may not exist yet."""
    return project_root() / "checkpoints" / checked_owner(owner_id)


def recipes_dir() -> Path:
    """Return the folder of the training recipes."""
    return project_root() / "recipes"


def relative_to_root(path: Path) -> str:
    """Return `path` as seen from the root where it lies inside, else as it is."""
    root = project_root()
    resolved = path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)
