"""A scorecard in wandb: figures only. Answers and habits, which hold words, stay here."""

from pathlib import Path
from typing import Any

from align.evaluation.scorecard import Scorecard
from align.models.checkpoints import newest
from align.models.lineage import read
from align.training.tracking.run_config import round_of
from align.training.tracking.wandb_runs import (
    PROJECT,
    close_run,
    log_table,
    names_of,
    open_run,
    without_names,
)

_Table = tuple[list[str], list[list[Any]]]


def is_tracked(owner_id: str) -> bool:
    """Tell whether the newest model's recipe reports to wandb."""
    trackers = _recipe(newest(owner_id)).get("report_to") or []
    return "wandb" in ([trackers] if isinstance(trackers, str) else trackers)


def track(owner_id: str, card: Scorecard) -> None:
    """Log a scorecard as tables of a run, beside the trainings of its round.

    A hash of the owner's id groups the runs; the name stays here.
    """
    checkpoint = newest(owner_id)
    recipe = _recipe(checkpoint)
    shows_owner = bool(recipe.get("wandb_owner"))
    names = [] if shows_owner else names_of(owner_id)
    run = open_run(
        owner_id,
        job_type="evaluate",
        name=f"evaluate {checkpoint.name}" if checkpoint else "evaluate",
        lineage=round_of(owner_id, read(checkpoint)) if checkpoint else "",
        tags=["evaluate"],
        config={"prompts": card.prompts, "seeds": list(card.seeds), "sampling": card.settings,
                "checkpoints": card.checkpoints},
        project=recipe.get("project") or PROJECT,
        shows_owner=shows_owner,
    )  # fmt: skip
    run.summary.update(without_names(figures(card), names))
    for name, (columns, rows) in tables(card).items():
        log_table(run, name, without_names(columns, names), without_names(rows, names))
    close_run(run)


def figures(card: Scorecard) -> dict[str, float]:
    """Return each measure of each checkpoint, and the win rates; unknown ones are absent."""
    values = {
        f"scorecard/{measure.name}/{column}": value
        for measure in card.measures
        for column, value in measure.values.items()
    }
    for match in card.matches:
        if match.rate is not None:
            values[f"win_rate/{match.by}/{match.first} over {match.second}"] = match.rate
    return values


def tables(card: Scorecard) -> dict[str, _Table]:
    """Return the scorecard's two tables as name -> (columns, rows)."""
    columns = list(card.checkpoints)
    measures = [
        [measure.name, measure.better, measure.owner, *map(measure.values.get, columns),
         measure.in_words()]
        for measure in card.measures
    ]  # fmt: skip
    matches = [
        [match.first, match.second, match.by, match.rate, match.low, match.high, match.in_words]
        for match in card.matches
    ]
    return {
        "scorecard": (["measure", "better", "owner", *columns, "in words"], measures),
        "win rates": (["first", "second", "by", "rate", "low", "high", "in words"], matches),
    }


def _recipe(checkpoint: Path | None) -> dict[str, Any]:
    return dict(read(checkpoint).recipe.get("values", {})) if checkpoint else {}
