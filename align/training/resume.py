"""A stopped run, and what becomes of it when the next one begins with other inputs.

Without torch.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from align.console import say
from align.errors import UserError
from align.models.checkpoints import WORK, numbered
from align.models.lineage import read as read_lineage
from align.paths import checkpoints_dir
from align.training.prepared_run import TrainingRun
from align.training.run_state import Note, counting, note_of, read_note, standing, write_note
from align.training.saves import last_whole, step_of

# What may change in mid-run. All else decides the adapter's shape, or which rows a step sees.
_MAY_CHANGE = """learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_steps num_train_epochs
max_steps max_grad_norm beta loss_type loss_weights label_smoothing ld_alpha f_divergence_type
f_alpha_divergence_coef discopop_tau lora_dropout disable_dropout gradient_checkpointing
gradient_checkpointing_kwargs precompute_ref_log_probs precompute_ref_batch_size
per_device_eval_batch_size sample_temperature sample_top_p sample_max_new_tokens publish_best"""
# Schedules that are a factor of the step alone: a resumed run can take up another.
_BY_STEP = """linear cosine cosine_with_restarts polynomial constant constant_with_warmup
inverse_sqrt cosine_with_min_lr warmup_stable_decay"""


def check_unfinished(run: TrainingRun) -> None:
    """Refuse a changed recipe, before anything is started.

    Raises:
        UserError: A run with another recipe stopped here, and nobody said what becomes of it.
    """
    other, note = _unfinished(run)
    if other is None or note is None or run.asked.restart or run.asked.allow_recipe_change:
        return
    if _what_else_changed(run, note):
        return
    step = step_of(last_whole(other) or other)
    raise UserError(
        f"{run.stage}, {standing(note, step)}",
        f"the recipe changed since ({_shown(_differences(run, note))})",
        "Go on with the old values, or say --allow-recipe-change (from that step on with the new "
        "ones) or --restart (leaves that run and begins anew)",
    )


def begin(run: TrainingRun) -> None:
    """Settle what becomes of a run that stopped, and note with what this one begins.

    Raises:
        UserError: As `check_unfinished`.
    """
    check_unfinished(run)
    if run.asked.restart:
        _leave_all(run)
    else:
        other, note = _unfinished(run)
        if other and note:
            _settle(run, other, note)
    own = read_note(run.work) or note_of(run)
    own.left = False
    write_note(run.work, own)


def check_spread(run: TrainingRun, spread: str) -> None:
    """Refuse to go on over other processes than those that saved: each would see other rows.

    Raises:
        UserError: The last save is spread in another way.
    """
    note, save = read_note(run.work), last_whole(run.work)
    if note is None or save is None or note.spread in (None, spread) or run.asked.restart:
        return
    raise UserError(
        f"{run.stage}, {standing(note, step_of(save))}",
        f"it was trained by {note.spread}, and now it would be {spread}",
        "Go on with the same --accelerate, or say --restart (leaves that run and begins anew)",
    )


def _settle(run: TrainingRun, other: Path, note: Note) -> None:
    """Go on from a stopped run with new values where that can be; else leave it, and say why."""
    step = step_of(last_whole(other) or other)
    differences = _differences(run, note)
    because = _what_else_changed(run, note)
    if not because and (fixed := _fixed(differences)):
        because = f"{', '.join(fixed)} can't change in mid-run"
    if not because:
        _adopt(run, other, note, step, differences)
        return
    say(f"{run.stage}: {because}: beginning anew (what {standing(note, step)} is left)")
    note.left = True
    write_note(other, note)


def _fixed(differences: dict[str, list[Any]]) -> list[str]:
    """Return the keys among those that changed which can't change in mid-run."""
    fixed = [key for key in differences if key not in _MAY_CHANGE.split()]
    schedules = differences.get("lr_scheduler_type", [])
    if any((one or "linear") not in _BY_STEP.split() for one in schedules):
        fixed.append("lr_scheduler_type")
    return fixed


def _adopt(
    run: TrainingRun, other: Path, note: Note, step: int, differences: dict[str, list[Any]]
) -> None:
    shutil.rmtree(run.work)
    other.rename(run.work)
    # Its key knows neither ld_alpha nor dropout: it may be another recipe's by now.
    for cached in run.work.glob("reference-*.arrow"):
        cached.unlink()
    changed = {"step": step, "changes": differences}
    now = note_of(run)
    now.changes = [*note.changes, changed]
    write_note(run.work, now)
    say(f"{run.stage}: from step {step} on with {_shown(differences)}")


def _leave_all(run: TrainingRun) -> None:
    for folder in _folders(run):
        note, save = read_note(folder), last_whole(folder)
        if note and save and not note.left:
            say(f"{run.stage}: beginning anew (what {standing(note, step_of(save))} is left)")
            if folder == run.work:
                folder = folder.rename(_free_name(folder))
            note.left = True
            write_note(folder, note)


def _free_name(folder: Path) -> Path:
    number = 1
    while (name := folder.with_name(f"{folder.name}.left-{number}")).exists():
        number += 1
    return name


def _unfinished(run: TrainingRun) -> tuple[Path | None, Note | None]:
    """Return the stopped run of this stage with other inputs that saved last.

    There is none for a run that goes on from a save of its own.
    """
    if last_whole(run.work):
        return None, None
    published = {
        read_lineage(path).inputs
        for path in numbered(run.owner_id)
        if path.name.endswith(f"-{run.stage}")
    }
    latest: tuple[Path | None, Note | None] = None, None
    saved = 0.0
    for folder in _folders(run):
        note, save = read_note(folder), last_whole(folder)
        if note is None or save is None or note.inputs in {run.inputs, *published}:
            continue
        if note.left and not run.asked.allow_recipe_change:
            continue
        if save.stat().st_mtime > saved:
            latest, saved = (folder, note), save.stat().st_mtime
    return latest


def _folders(run: TrainingRun) -> list[Path]:
    return sorted((checkpoints_dir(run.owner_id) / WORK).glob(f"{run.stage}-*"))


def _what_else_changed(run: TrainingRun, note: Note) -> str:
    """Return what differs beside the recipe's values, as a sentence; "" if nothing does."""
    if note.base != run.base.hash:
        return "the base changed since"
    if note.parent != (run.parent.hash if run.parent else None):
        return "the twin that it starts from changed since"
    if note.rows != run.rows.hash:
        more = len(run.rows.train) - note.train_rows
        return "the rows changed since" + (f" ({more:+d})" if more else "")
    return "" if _differences(run, note) else "the code changed since"


def _differences(run: TrainingRun, note: Note) -> dict[str, list[Any]]:
    now = json.loads(json.dumps(counting(run.recipe)))
    keys = [*note.recipe, *(key for key in now if key not in note.recipe)]
    return {
        key: [note.recipe.get(key), now.get(key)]
        for key in keys
        if note.recipe.get(key) != now.get(key)
    }


def _shown(differences: dict[str, list[Any]]) -> str:
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
