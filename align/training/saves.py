"""A run's saves: which are whole, which are kept, and what transformers leaves out of them.

Imports torch only where a save is written or read.
"""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from align.files import sync, write_atomically

WHOLE = "whole"


def step_of(save: Path) -> int:
    """Return the step after which a save was made."""
    return int(save.name.split("-")[1])


def whole_saves(work: Path) -> list[Path]:
    """Return the saves that were finished, oldest first."""
    saves = (folder for folder in work.glob("checkpoint-*") if (folder / WHOLE).is_file())
    return sorted(saves, key=step_of)


def last_whole(work: Path) -> Path | None:
    """Return the newest save that was finished, or None."""
    saves = whole_saves(work)
    return saves[-1] if saves else None


def remove_broken(work: Path) -> None:
    """Remove half-written saves; for the one process that trains in this folder."""
    for folder in work.glob("checkpoint-*"):
        if not (folder / WHOLE).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def mark_whole(folder: Path) -> None:
    """Mark a save as finished, once all of it is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync(path)
    write_atomically(folder / WHOLE, "")


def unmark(folder: Path) -> None:
    """Take the mark away from a save that is about to be removed or written once more."""
    (folder / WHOLE).unlink(missing_ok=True)


def prune(work: Path, limit: int | None, best: int | None) -> None:
    """Remove all whole saves but the newest `limit` (at least 1; None keeps all) and the best one.

    Only after a new save is whole: at no moment is there none to go on from.
    """
    if not limit or limit < 1:
        return
    for save in whole_saves(work)[:-limit]:
        if step_of(save) != best:
            # Without its mark first: a removal that is cut short must not leave it looking whole.
            unmark(save)
            shutil.rmtree(save, ignore_errors=True)


def save_trainer_state(save: Path, trainer: Any, rank: int, more: dict[str, Any]) -> None:
    """Write one process's sums since the last line of the log, and `more` plain data.

    Between two lines of the log the loss and TRL's figures are gathered in memory, which a
    transformers save leaves out.
    """
    import torch

    figures = getattr(trainer, "_metrics", None)
    state = {
        "loss": trainer._tr_loss.detach().cpu(),
        "logged_at": trainer._globalstep_last_logged,
        "figures": {mode: dict(values) for mode, values in figures.items()} if figures else {},
        "tokens": getattr(trainer, "_total_train_tokens", None),
        **more,
    }
    torch.save(state, _state_file(save, rank))


def load_trainer_state(save: Path, rank: int) -> dict[str, Any]:
    """Return what `save_trainer_state` wrote; empty where the save has fewer processes."""
    import torch

    path = _state_file(save, rank)
    if not path.is_file():
        return {}
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state


def restore_trainer_state(trainer: Any, state: dict[str, Any]) -> None:
    """Give a trainer that is about to go on the sums of the one that stopped."""
    trainer._tr_loss = state["loss"].to(trainer._tr_loss.device)
    trainer._globalstep_last_logged = state["logged_at"]
    for mode, figures in state["figures"].items():
        trainer._metrics[mode] = defaultdict(list, figures)
    if state["tokens"] is not None:
        trainer._total_train_tokens = state["tokens"]


def _state_file(save: Path, rank: int) -> Path:
    return save / f"carried_{rank}.pt"
