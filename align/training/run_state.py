"""run.json in a run's work folder: what it began with, and how far it goes. Without torch."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from align.files import write_atomically
from align.recipe.recipe_file import Recipe
from align.recipe.recipe_keys import NO_EFFECT, OFF
from align.training.prepared_run import TrainingRun
from align.training.saves import last_whole, step_of

FILE = "run.json"


@dataclass
class Note:
    """What run.json says.

    Attributes:
        inputs: Digest of all that decides the run's result.
        recipe: The values that count.
        base: Hash of the base.
        parent: Hash of the twin that it goes on from, or None.
        rows: Hash of the frozen rows.
        train_rows: How many are trained on.
        steps: Length of the whole run, once that is known.
        spread: Over how many processes its saves are spread, and by what.
        left: Whether it was given up: a run with other inputs may begin anew without a word.
        changes: What changed in mid-run: [{"step", "changes": {key: [old, new]}}].
    """

    inputs: str
    recipe: dict[str, Any]
    base: str
    parent: str | None
    rows: str
    train_rows: int
    steps: int | None = None
    spread: str | None = None
    left: bool = False
    changes: list[dict[str, Any]] = field(default_factory=list)


def counting(recipe: Recipe) -> dict[str, Any]:
    """Return the values of a recipe that decide the result."""
    apart = {*NO_EFFECT, "model_name_or_path", "model_revision"}
    said = recipe.values
    return {
        key: value
        for key, value in said.items()
        if key not in apart and not (key in OFF and value == OFF[key])
    }


def give_up(run: TrainingRun) -> None:
    """Note that a run is worth nothing: one with other values may begin anew."""
    if note := read_note(run.work):
        note.left = True
        write_note(run.work, note)


def note_steps(run: TrainingRun, steps: int, spread: str) -> None:
    """Note how long the whole run is, and how its saves are spread."""
    note = read_note(run.work) or note_of(run)
    note.steps, note.spread = steps, spread
    write_note(run.work, note)


def spread_of(processes: int, by: str) -> str:
    """Return how saves are spread, as in `1 process` or `2 processes, ZeRO stage 3`."""
    count = "1 process" if processes == 1 else f"{processes} processes"
    return f"{count}, {by}" if by else count


def changes_of(run: TrainingRun) -> list[dict[str, Any]]:
    """Return what changed in mid-run: [{"step", "changes": {key: [old, new]}}]."""
    note = read_note(run.work)
    return note.changes if note else []


def where_it_stands(run: TrainingRun) -> str:
    """Return the sentence that a stopped run ends with."""
    save, note = last_whole(run.work), read_note(run.work)
    if save is None:
        return f"{run.stage}: stopped before the first save; the same command begins anew"
    came = standing(note, step_of(save))
    return f"{run.stage}: {came}; the same command goes on from there"


def standing(note: Note | None, step: int) -> str:
    """Return how far a stopped run came, as in `stopped after step 37 of 120`."""
    return f"stopped after step {step}" + (f" of {note.steps}" if note and note.steps else "")


def note_of(run: TrainingRun) -> Note:
    """Return what a run begins with."""
    return Note(
        inputs=run.inputs,
        recipe=counting(run.recipe),
        base=run.base.hash,
        parent=run.parent.hash if run.parent else None,
        rows=run.rows.hash,
        train_rows=len(run.rows.train),
    )


def read_note(folder: Path) -> Note | None:
    """Return what a work folder's run.json says; None where there is none to read."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
        known = {one.name for one in fields(Note)}
        return Note(**{key: value for key, value in said.items() if key in known})
    except (OSError, ValueError, TypeError):
        return None


def write_note(folder: Path, note: Note) -> None:
    """Write a work folder's run.json."""
    write_atomically(folder / FILE, json.dumps(asdict(note), indent=2) + "\n")
