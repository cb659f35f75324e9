"""Saves on the way: which are whole, which are kept, and what becomes of the others."""

import os
import shutil
from pathlib import Path

from align.files import write_atomically

WHOLE = "whole"


def step_of(save: Path) -> int:
    """Return the step after which a save was made."""
    return int(save.name.split("-")[1])


def whole_saves(work: Path) -> list[Path]:
    """Return the saves that were finished, oldest first."""
    found = (folder for folder in work.glob("checkpoint-*") if (folder / WHOLE).is_file())
    return sorted(found, key=step_of)


def last_whole(work: Path) -> Path | None:
    """Return the newest save that was finished, or None."""
    found = whole_saves(work)
    return found[-1] if found else None


def remove_broken(work: Path) -> None:
    """Remove half-written saves; for the one process that trains in this folder."""
    for folder in work.glob("checkpoint-*"):
        if not (folder / WHOLE).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def mark_whole(folder: Path) -> None:
    """Say that a save is finished, once all of it is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
    write_atomically(folder / WHOLE, "")


def unmark(folder: Path) -> None:
    """Say that a save is about to be written once more."""
    (folder / WHOLE).unlink(missing_ok=True)


def prune(work: Path, limit: int | None, best: int | None) -> None:
    """Remove all whole saves but the newest `limit` and the best one.

    Only after a new save is whole: at no moment is there none to go on from.

    Args:
        work: The run's folder.
        limit: How many to keep, at least 1; None keeps all.
        best: Step of the save that is never removed.
    """
    if not limit or limit < 1:
        return
    for save in whole_saves(work)[:-limit]:
        if step_of(save) != best:
            # Without its mark first: a removal that is cut short must not leave it looking whole.
            unmark(save)
            shutil.rmtree(save, ignore_errors=True)
