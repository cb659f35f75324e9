"""Where scorecards lie: `checkpoints/<owner>/scorecards/NNN-<checkpoint>/`, `scorecard` the newest.

A scorecard's folder is made beside and renamed, and never changes again, as a checkpoint's.
"""

import re
import shutil
import tempfile
from pathlib import Path

from align.errors import UserError
from align.evaluation.report import markdown
from align.evaluation.scorecard import Scorecard, from_json
from align.files import link_atomically, sync, write_atomically
from align.paths import checkpoints_dir, relative_to_root

FILE, PAGE, LINK = "scorecard.json", "scorecard.md", "scorecard"
_NUMBERED = re.compile(r"(\d{3,})-.+")


def save(owner_id: str, card: Scorecard) -> Path:
    """Give a scorecard the next number, point the link at it, and return its folder."""
    root = checkpoints_dir(owner_id) / "scorecards"
    root.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=root))
    try:
        beside.chmod(0o755)
        write_atomically(beside / FILE, card.to_json())
        write_atomically(beside / PAGE, markdown(card))
        last = list(card.checkpoints.values())[-1]["name"]
        folder = _take_number(beside, root, last)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    link_atomically(checkpoints_dir(owner_id) / LINK, folder)
    return folder


def scorecards(owner_id: str) -> list[Path]:
    """Return the folders of the owner's scorecards, oldest first."""
    root = checkpoints_dir(owner_id) / "scorecards"
    return sorted(_numbered(root), key=_number) if root.is_dir() else []


def find(owner_id: str, inputs: str) -> Path | None:
    """Return the newest folder whose scorecard has these inputs, or None."""
    for folder in reversed(scorecards(owner_id)):
        try:
            if read(folder).inputs == inputs:
                return folder
        except UserError:
            continue
    return None


def read(folder: Path) -> Scorecard:
    """Return the scorecard in a folder; UserError where it can't be read."""
    try:
        return from_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            relative_to_root(folder / FILE), f"can't be read ({error})", "Evaluate again"
        ) from None


def _numbered(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if _NUMBERED.fullmatch(path.name)]


def _number(folder: Path) -> int:
    return int(folder.name.split("-")[0])


def _take_number(beside: Path, root: Path, name: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    number = max(map(_number, _numbered(root)), default=0)
    while True:
        number += 1
        folder = root / f"{number:03d}-{name}"
        if any(path.name.startswith(f"{number:03d}-") for path in root.iterdir()):
            continue
        beside.rename(folder)
        sync(root)
        return folder
