"""The rows of a DPO run: choices, verdicts that count, real replies; and the verdicts' gates."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.owner import load_owner
from align.paths import simulated_file, store_path
from align.preferences.choice_rows import build_preferences
from align.preferences.preference import JUDGE
from align.preferences.verdict_rows import still_judged, with_packed
from align.recipe.recipe_file import Recipe
from align.store.connection import open_store
from align.store.gates import gates_named
from align.store.row_counts import count_rows
from align.training.frozen_rows import Row, packed_rows, read_dpo_rows
from align.training.training_request import TrainingRequest


def dpo_rows(request: TrainingRequest, recipe: Recipe, parent_hash: str) -> list[Row]:
    """Return the rows that a request asks for, of choices or of a rows file.

    The recipe says what is held out, and which rows there are beside choices; the hash is that of
    the checkpoint that is trained. UserError: there are none.
    """
    if request.dataset:
        rows = read_dpo_rows(Path(request.dataset).expanduser(), recipe.ours["held_out"])
    else:
        rows = _rows_of_store(request.owner_id, recipe, parent_hash)
    # Verdicts never measure, whatever a file says.
    trained = [row for row in rows if row["weight"] > 0]
    return [row for row in trained if not (row["split"] == "held_out" and row.get("gate"))]


_OF_GATE = (
    "judge", "model", "answered", "prompt_hash", "briefing", "drawn_by", "weight", "choices",
    "time",
)  # fmt: skip


def gate_reports(owner_id: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the gates of the rows' verdicts measured, by gate: counts and rates, no text.

    Empty where no row is a verdict; of a gate that is not known here only the rows are counted.
    """
    by_gate = Counter(str(row["gate"]) for row in rows if row.get("gate"))
    if not by_gate:
        return {}
    known = {}
    if store_path(owner_id).is_file():
        with closing(open_store(owner_id)) as conn:
            known = gates_named(conn, by_gate)
    reports: dict[str, Any] = {}
    for gate_id, count in sorted(by_gate.items()):
        reports[gate_id] = {"rows": count}
        if (gate := known.get(gate_id)) is not None:
            reports[gate_id] |= {key: getattr(gate, key) for key in _OF_GATE}
            reports[gate_id] |= {"certainties": list(gate.certainties), "report": dict(gate.report)}
    return reports


def _rows_of_store(owner_id: str, recipe: Recipe, parent_hash: str) -> list[Row]:
    """Return the rows of the store, and those of the pack that it can't make."""
    ours, packed = recipe.ours, packed_rows(owner_id, "dpo")
    from_pack = read_dpo_rows(packed, ours["held_out"]) if packed.is_file() else []
    if not ours["verdicts"]:
        from_pack = [row for row in from_pack if row["source"] != JUDGE]
    rows, pairs = [], 0
    if store_path(owner_id).is_file() or not packed.is_file():
        keys = ("held_out", "verdicts", "against_records", "clear_weight")
        settings = {key: ours[key] for key in keys}
        with closing(open_store(owner_id)) as conn:
            made = build_preferences(
                conn, load_owner(owner_id), checkpoint_hash=parent_hash, **settings
            )
            rows = [row.to_row() for row in made]
            pairs = count_rows(conn, "pairs")
            from_pack = still_judged(conn, from_pack, ours["held_out"])
    rows = with_packed(rows, from_pack, ours["against_records"])
    if not rows:
        raise _no_rows(owner_id, pairs, against_records=ours["against_records"] > 0)
    return rows


def _no_rows(owner_id: str, pairs: int, *, against_records: bool) -> UserError:
    command = make_command("simulate" if simulated_file(owner_id) else "label", owner_id)
    if not pairs:
        command = f"{make_command('sample', owner_id)} && {command}"
    if against_records:
        command = f"align sample --against-records --owner {owner_id}"
    return UserError(f"owner {owner_id}", "no choices to train on yet", f"Run: {command}")
