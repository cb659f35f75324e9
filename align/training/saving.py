"""Saves on the way: which are whole, and what becomes of those that are not."""

import os
import shutil
from pathlib import Path

from align.files import write_atomically
from align.training.run import is_main

WHOLE = "whole"


def last_whole(work: Path) -> Path | None:
    """Return the newest save that was finished; half-written ones are removed."""
    whole: list[Path] = []
    for folder in sorted(work.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])):
        if (folder / WHOLE).is_file():
            whole.append(folder)
        elif is_main():
            shutil.rmtree(folder, ignore_errors=True)
    return whole[-1] if whole else None


def mark_whole(folder: Path) -> None:
    """Say that a save is finished, once all of it is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
    write_atomically(folder / WHOLE, "")
