"""Where scorecards lie: `checkpoints/<owner>/scorecards/NNN-<twin>/`, `scorecard` the newest.

A scorecard's folder is made beside and renamed, and never changes again, as a checkpoint's.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from align.errors import UserError
from align.evaluation.report import markdown
from align.evaluation.scorecard import Scorecard, from_json
from align.files import sync_folder, write_atomically
from align.paths import checkpoints_dir, relative_to_root

FILE, PAGE, LINK = "scorecard.json", "scorecard.md", "scorecard"
_NUMBERED = re.compile(r"(\d{3,})-.+")


def put(owner: str, card: Scorecard) -> Path:
    """Give a scorecard the next number, point the link at it, and return its folder."""
    shelf = checkpoints_dir(owner) / "scorecards"
    shelf.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=shelf))
    try:
        beside.chmod(0o755)
        write_atomically(beside / FILE, card.to_json())
        write_atomically(beside / PAGE, markdown(card))
        last = list(card.checkpoints.values())[-1]["name"]
        folder = _take_number(beside, shelf, last)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _link(checkpoints_dir(owner) / LINK, folder)
    return folder


def scorecards(owner: str) -> list[Path]:
    """Return the folders of the owner's scorecards, oldest first."""
    shelf = checkpoints_dir(owner) / "scorecards"
    if not shelf.is_dir():
        return []
    found = (path for path in shelf.iterdir() if _NUMBERED.fullmatch(path.name))
    return sorted(found, key=lambda path: int(path.name.split("-")[0]))


def find(owner: str, inputs: str) -> Path | None:
    """Return the newest folder whose scorecard has these inputs, or None."""
    for folder in reversed(scorecards(owner)):
        try:
            if read(folder).inputs == inputs:
                return folder
        except UserError:
            continue
    return None


def read(folder: Path) -> Scorecard:
    """Return the scorecard in a folder.

    Raises:
        UserError: It can't be read.
    """
    try:
        return from_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            relative_to_root(folder / FILE), f"can't be read ({error})", "Evaluate again"
        ) from None


def _take_number(beside: Path, shelf: Path, name: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    taken = [path for path in shelf.iterdir() if _NUMBERED.fullmatch(path.name)]
    number = max((int(path.name.split("-")[0]) for path in taken), default=0)
    while True:
        number += 1
        folder = shelf / f"{number:03d}-{name}"
        if any(path.name.startswith(f"{number:03d}-") for path in shelf.iterdir()):
            continue
        beside.rename(folder)
        sync_folder(shelf)
        return folder


def _link(link: Path, folder: Path) -> None:
    beside = link.parent / f".{link.name}.{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(folder.relative_to(link.parent))
    os.replace(beside, link)
    sync_folder(link.parent)
