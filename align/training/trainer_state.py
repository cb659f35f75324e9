"""What transformers leaves out of a save, and a resumed run needs to equal one never stopped.

Between two lines of the log the loss and TRL's figures are gathered in memory. And where rows are
grouped by length, an epoch's order hangs on the state of torch's generator at its start.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import torch


def save_carried(folder: Path, trainer: Any, rank: int, more: dict[str, Any]) -> None:
    """Write one process's sums beside the save; `more` is plain data of the caller's."""
    figures = getattr(trainer, "_metrics", None)
    values = {
        "loss": trainer._tr_loss.detach().cpu(),
        "logged_at": trainer._globalstep_last_logged,
        "figures": {mode: dict(of) for mode, of in figures.items()} if figures else {},
        "tokens": getattr(trainer, "_total_train_tokens", None),
        **more,
    }
    torch.save(values, _file(folder, rank))


def load_carried(folder: Path, rank: int) -> dict[str, Any]:
    """Return what was written; nothing where the save has another number of processes."""
    path = _file(folder, rank)
    if not path.is_file():
        return {}
    found: dict[str, Any] = torch.load(path, weights_only=True)
    return found


def take_up(trainer: Any, carried: dict[str, Any]) -> None:
    """Give a trainer that is about to go on the sums of the one that stopped."""
    if not carried:
        return
    trainer._tr_loss = carried["loss"].to(trainer._tr_loss.device)
    trainer._globalstep_last_logged = carried["logged_at"]
    for mode, figures in carried["figures"].items():
        trainer._metrics[mode] = defaultdict(list, figures)
    if carried["tokens"] is not None:
        trainer._total_train_tokens = carried["tokens"]


def take_rate(optimizer: Any, scheduler: Any, rate: float) -> None:
    """Let a resumed run go on with another learning rate than that of its save, same schedule."""
    schedule = getattr(scheduler, "scheduler", scheduler)
    factors = getattr(schedule, "lr_lambdas", None)
    if factors is None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        return
    schedule.base_lrs = [rate] * len(factors)
    schedule._last_lr = [rate * factor(schedule.last_epoch) for factor in factors]
    for group, now in zip(optimizer.param_groups, schedule._last_lr, strict=True):
        group["initial_lr"], group["lr"] = rate, now


def _file(folder: Path, rank: int) -> Path:
    return folder / f"carried_{rank}.pt"
