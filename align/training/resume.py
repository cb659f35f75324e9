"""A stopped run, and what becomes of it when the next one begins. Without torch."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from align.console import say
from align.errors import UserError
from align.models.checkpoints import WORK, numbered
from align.models.lineage import read as read_lineage
from align.paths import checkpoints_dir
from align.training.prepared_run import TrainingRun
from align.training.run_state import RunState
from align.training.saves import last_whole


class StoppedRun(NamedTuple):
    """A run with at least one whole save that was neither finished nor given up."""

    folder: Path
    state: RunState
    save: Path

    @property
    def progress(self) -> str:
        """Return how far it came."""
        return self.state.progress(self.save)


def check_recipe_unchanged(run: TrainingRun) -> None:
    """Refuse (UserError) a recipe that alone differs from a stopped run's; say what of it does."""
    stopped = _stopped_with_other_inputs(run)
    if stopped is None or _what_else_changed(run, stopped.state):
        return
    raise UserError(
        f"{run.stage}, {stopped.progress}",
        f"the recipe changed since ({_shown(_differences(run, stopped.state))})",
        "Go on with the old values, or say --restart (leaves that run and begins anew)",
    )


def check_spread(run: TrainingRun, spread: str) -> None:
    """Refuse (UserError) to go on over other processes than saved: each would see other rows."""
    state, save = RunState.read(run.work), last_whole(run.work)
    if state is None or save is None or state.spread in (None, spread):
        return
    raise UserError(
        f"{run.stage}, {state.progress(save)}",
        f"it was trained by {state.spread}, and now it would be {spread}",
        "Go on with the same --accelerate, or say --restart (leaves that run and begins anew)",
    )


def begin(run: TrainingRun, *, restart: bool) -> None:
    """Settle what becomes of a run that stopped, and write with what this one begins.

    For the process that holds the lock. UserError: as `check_recipe_unchanged`, unless it restarts.
    """
    if restart:
        _leave_all(run)
    else:
        check_recipe_unchanged(run)
        if stopped := _stopped_with_other_inputs(run):
            reason = _what_else_changed(run, stopped.state)
            say(f"{run.stage}: {reason}: beginning anew (what {stopped.progress} is left)")
            stopped.state.give_up(stopped.folder)
    own = RunState.read(run.work) or RunState.of(run)
    own.left = False
    own.write(run.work)


def _leave_all(run: TrainingRun) -> None:
    for folder, state, save in _stopped_runs(run):
        say(f"{run.stage}: beginning anew (what {state.progress(save)} is left)")
        if folder == run.work:
            names = (folder.with_name(f"{folder.name}.left-{number}") for number in count(1))
            folder = folder.rename(next(name for name in names if not name.exists()))
        state.give_up(folder)


def _stopped_runs(run: TrainingRun) -> Iterator[StoppedRun]:
    """Yield the runs of this stage that saved and were not given up, its own among them."""
    for folder in sorted((checkpoints_dir(run.owner_id) / WORK).glob(f"{run.stage}-*")):
        state, save = RunState.read(folder), last_whole(folder)
        if state and save and not state.left:
            yield StoppedRun(folder, state, save)


def _stopped_with_other_inputs(run: TrainingRun) -> StoppedRun | None:
    """Return the stopped run with other inputs that saved last.

    There is none for a run that goes on from a save of its own.
    """
    if last_whole(run.work):
        return None
    published = {
        read_lineage(path).inputs
        for path in numbered(run.owner_id)
        if path.name.endswith(f"-{run.stage}")
    }
    others = (
        stopped
        for stopped in _stopped_runs(run)
        if stopped.state.inputs not in {run.inputs, *published}
    )
    return max(others, key=lambda stopped: stopped.save.stat().st_mtime, default=None)


def _what_else_changed(run: TrainingRun, state: RunState) -> str:
    """Return what differs beside the recipe's values, as a sentence; "" if nothing does."""
    if state.base != run.base.hash:
        return "the base changed since"
    if state.parent != (run.parent.hash if run.parent else None):
        return "the twin that it starts from changed since"
    if state.rows != run.rows.hash:
        more = len(run.rows.train) - state.train_rows
        return "the rows changed since" + (f" ({more:+d})" if more else "")
    return "" if _differences(run, state) else "the code changed since"


def _differences(run: TrainingRun, state: RunState) -> dict[str, tuple[Any, Any]]:
    """Return the recipe's values that differ: key -> (old, new), None where it isn't set."""
    now = json.loads(json.dumps(run.recipe.decisive))
    keys = dict.fromkeys([*state.recipe, *now])
    values = {key: (state.recipe.get(key), now.get(key)) for key in keys}
    return {key: (old, new) for key, (old, new) in values.items() if old != new}


def _shown(differences: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join(
        f"{key}: {_value(old)} -> {_value(new)}" for key, (old, new) in differences.items()
    )


def _value(value: Any) -> str:
    if value is None:
        return "not said"
    if isinstance(value, float) and 0 < abs(value) < 1e-2:
        digits, power = f"{value:e}".split("e")
        return f"{float(digits):g}e{int(power)}"
    return json.dumps(value, ensure_ascii=False)
