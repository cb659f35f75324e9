"""The rows of a DPO run: choices, verdicts that count, real replies; and the verdicts' gates."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.owner import load_owner
from align.paths import simulated_file, store_path
from align.preferences.choice_rows import build_preferences
from align.preferences.packed_rows import still_judged, with_packed
from align.preferences.preference import JUDGE
from align.recipe.recipe_file import Recipe
from align.store.gates import gates_named
from align.training.frozen_rows import Row, packed_rows, read_dpo_rows, rows_store


def preference_rows(owner: str, dataset: str | None, recipe: Recipe, twin: str) -> list[Row]:
    """Return the rows that a recipe asks for.

    Args:
        owner: Whose choices.
        dataset: A rows file instead of the owner's store.
        recipe: Says what is held out, and which rows there are beside choices.
        twin: Hash of the checkpoint that is trained.

    Raises:
        UserError: There are none.
    """
    if dataset:
        rows = read_dpo_rows(Path(dataset).expanduser(), recipe.ours["held_out"])
    else:
        rows = _rows_of_store(owner, recipe, twin)
    # A judge's word measures nothing, whatever a file says.
    return [row for row in rows if row["weight"] > 0 and not _measures_by_verdict(row)]


def judging(owner: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the gates of the rows' verdicts said, by gate: counts and rates, no text.

    Empty where no row is a verdict; of a gate that is not known here only the rows are counted.
    """
    by_gate = Counter(str(row["gate"]) for row in rows if row.get("gate"))
    if not by_gate:
        return {}
    known = {}
    if store_path(owner).is_file():
        with rows_store(owner) as conn:
            known = gates_named(conn, by_gate)
    told: dict[str, Any] = {}
    for id, count in sorted(by_gate.items()):
        told[id] = {"rows": count}
        if (gate := known.get(id)) is not None:
            told[id] |= {
                "judge": gate.judge,
                "model": gate.model,
                "prompt_hash": gate.prompt_hash,
                "weight": gate.weight,
                "certainties": list(gate.certainties),
                "choices": gate.choices,
                "time": gate.time,
                "report": dict(gate.report),
            }
    return told


def pair_command(owner: str) -> str:
    """Return the command that makes choices for an owner."""
    if simulated_file(owner):
        return make_command("simulate", owner)
    return make_command("label", owner)


def _rows_of_store(owner: str, recipe: Recipe, twin: str) -> list[Row]:
    """Return the rows of the store, and what it can't make of those that travelled."""
    ours, packed = recipe.ours, packed_rows(owner, "dpo")
    travelled = read_dpo_rows(packed, ours["held_out"]) if packed.is_file() else []
    if not ours["verdicts"]:
        travelled = [row for row in travelled if row["source"] != JUDGE]
    rows, pairs = [], 0
    if store_path(owner).is_file() or not packed.is_file():
        settings = {key: ours[key] for key in ("held_out", "verdicts", "against_records")}
        with rows_store(owner) as conn:
            made = build_preferences(conn, load_owner(owner), checkpoint_hash=twin, **settings)
            rows = [row.to_row() for row in made]
            pairs = conn.execute("SELECT count(*) FROM pairs").fetchone()[0]
            travelled = still_judged(conn, travelled, ours["held_out"])
    rows = with_packed(rows, travelled, ours["against_records"])
    if not rows:
        raise _no_rows(owner, pairs, against_records=ours["against_records"] > 0)
    return rows


def _no_rows(owner: str, pairs: int, *, against_records: bool) -> UserError:
    command = pair_command(owner)
    first = "" if pairs else f"{make_command('sample', owner)} && "
    if against_records:
        first, command = "", f"align sample --against-records --owner {owner}"
    return UserError(f"owner {owner}", "no choices to train on yet", f"Run: {first}{command}")


def _measures_by_verdict(row: Row) -> bool:
    return row["split"] == "held_out" and bool(row.get("gate"))
