"""How long a run takes on this machine, what would make it shorter, and what fits into minutes."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from align.console import duration, say
from align.errors import UserError
from align.files import write_atomically
from align.models.checkpoints import WORK
from align.models.lineage import digest_of
from align.paths import checkpoints_dir
from align.recipe.recipe_file import Recipe
from align.training.frozen_rows import kept
from align.training.preflight.base_availability import base_here
from align.training.preflight.dataset import Row
from align.training.preflight.light_tokenizer import tokenizer_of
from align.training.preflight.machine import Layout, layout_of, this_machine
from align.training.preflight.machine_speed import Speed, speed_here
from align.training.preflight.run_time import Load, RunTime, load_of, run_time
from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import work_of
from align.training.prepared_run import TrainingRun
from align.training.training_request import Fit, TrainingRequest

# From here on a run is told how it could be shorter.
_LONG = 600.0


@dataclass(frozen=True)
class Expectation:
    """What a run takes on this machine."""

    stage: str
    values: Mapping[str, Any]  # the recipe's
    shape: ModelShape
    layout: Layout
    speed: Speed
    rows: Sequence[Row]  # each with its `split`
    tokenizer: Any  # a light one; None where the base isn't here
    known: dict[float, tuple[Load, Load]] = field(default_factory=dict)  # by share of the rows

    def time(self, share: float = 1.0, **values: Any) -> RunTime:
        """Return what it has to compute, with other values or a share of the rows."""
        changed = {**self.values, **values}
        work = work_of(self.stage, changed, None, self.layout)
        return run_time(self.shape, work, *self._loads(share), changed)

    def _loads(self, share: float) -> tuple[Load, Load]:
        """Return what so many of the rows are to the model: those for training, those held out."""
        if share in self.known:
            return self.known[share]
        rows = kept(self.rows, share) if share < 1 else self.rows
        work = work_of(self.stage, self.values, None, self.layout)
        train, held_out = (
            load_of(self.tokenizer, [r for r in rows if r["split"] == side], work, self.values)
            for side in ("train", "held_out")
        )
        self.known[share] = train, held_out
        return train, held_out

    def seconds(self, share: float = 1.0, **values: Any) -> float:
        """Return how long that takes."""
        return self.time(share, **values).seconds(self.speed.flops)

    def planned(self) -> dict[str, Any]:
        """Return what the run keeps, to learn from how long it really takes."""
        operations = self.time().training
        return {
            "operations": operations,
            "device": self.layout.device,
            "product": self.speed.product,
        }

    def words(self) -> str:
        """Return how long it takes, and how that is known."""
        steps = self.time().steps
        return f"about {duration(self.seconds())} ({steps:,} steps), {self.speed.source}"

    def shorter(self) -> str:
        """Return what would make a long run shorter; of a short one nothing."""
        now = self.seconds()
        if now <= _LONG:
            return ""
        options = {
            "--num_train_epochs 1": self.seconds(num_train_epochs=1),
            "--gradient_checkpointing false": self.seconds(gradient_checkpointing=False),
        }
        said = [
            f"{words} (about {duration(seconds)})"
            for words, seconds in options.items()
            if seconds < 0.9 * now
        ]
        return ", or ".join([*said, f"--minutes {math.ceil(now / 120)}"])


def expectation(
    recipe: Recipe,
    rows: Sequence[Row],
    shape: ModelShape | None,
    layout: Layout,
    *,
    tokenizer: Any = None,
    base_hash: str | None = None,
) -> Expectation | None:
    """Return what a run takes here; None of a kind of base that the formulas don't know.

    Where the base isn't here, neither are a light tokenizer nor a hash of it.
    """
    if shape is None:
        return None
    work = work_of(recipe.stage, recipe.values, None, layout)
    speed = speed_here(work, recipe.stage, base_hash)
    return Expectation(recipe.stage, recipe.values, shape, layout, speed, rows, tokenizer)


def expectation_of(run: TrainingRun, layout: Layout) -> Expectation | None:
    """Return what a run takes here; None of a kind of base that the formulas don't know."""
    rows, shape = [*run.rows.train, *run.rows.held_out], base_here(run.base).shape
    tokenizer, base_hash = tokenizer_of(run), run.base.hash
    return expectation(run.recipe, rows, shape, layout, tokenizer=tokenizer, base_hash=base_hash)


def fitted(expected: Expectation, minutes: float) -> Fit:
    """Return the epochs, and below one the share of the rows, that fit; UserError where none do."""
    where, budget = f"--minutes {minutes:g}", minutes * 60
    if int(expected.values.get("max_steps") or -1) > 0:
        raise UserError(where, "the recipe has max_steps, which says it already", "Keep one")
    wanted = expected.time().epochs
    for epochs in (wanted, *range(math.ceil(wanted) - 1, 0, -1)):
        if expected.seconds(num_train_epochs=epochs) <= budget:
            return Fit(minutes, float(epochs), 1.0)
    once = min(1.0, wanted)
    low, high = 0, 100  # in hundredths of the rows
    while high - low > 1:
        middle = (low + high) // 2
        fits = expected.seconds(middle / 100, num_train_epochs=once) <= budget
        low, high = (middle, high) if fits else (low, middle)
    if low:
        return Fit(minutes, once, low / 100)
    least = math.ceil(expected.seconds(0.05, num_train_epochs=once) / 60) + 1
    raise UserError(where, "too little for this base on this machine", f"Say --minutes {least}")


def cut_to_minutes(
    request: TrainingRequest, run: TrainingRun, accelerate: dict[str, Any]
) -> tuple[dict[str, Any], TrainingRequest]:
    """Return what the request's minutes leave of a run, for its lineage, and the request with it.

    What the same inputs were cut to before stands, so that a stopped run goes on.

    Raises:
        UserError: They are not enough, or nothing is known of this kind of base.
    """
    assert request.minutes is not None
    expected = expectation_of(run, layout_of(accelerate, this_machine()))
    where = f"--minutes {request.minutes:g}"
    if expected is None:
        what = "how long a base of this kind takes is not known"
        raise UserError(where, what, "Say --num_train_epochs or --max_steps")
    key = digest_of(request.minutes, run.inputs)
    known = None if request.restart else _remembered(request.owner_id, run.stage, key)
    fit = known or fitted(expected, request.minutes)
    if known is None:
        text = json.dumps({"key": key, "fit": asdict(fit)}) + "\n"
        write_atomically(_file(request.owner_id, run.stage), text)
    rows, wanted = len(run.rows.train), expected.time().epochs
    most = math.ceil(fit.share * rows)
    seconds = expected.seconds(fit.share, num_train_epochs=fit.epochs)
    left = [f"{rows - most:,} of {rows:,} rows"] * (most < rows)
    left += [f"{wanted - fit.epochs:g} of {wanted:g} epochs"] * (fit.epochs < wanted)
    said = f"leaves out {' and '.join(left)}" if left else "holds all of it"
    say(f"{run.stage}: {where} {said}: about {duration(seconds)}, {expected.speed.source}")
    cut = {**asdict(fit), "of_epochs": wanted, "rows": most, "of_rows": rows}
    return cut, replace(request, fit=fit)


def _remembered(owner_id: str, stage: str, key: str) -> Fit | None:
    try:
        known = json.loads(_file(owner_id, stage).read_text(encoding="utf-8"))
        return Fit(**known["fit"]) if known["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(owner_id: str, stage: str) -> Path:
    return checkpoints_dir(owner_id) / WORK / f"fit-{stage}.json"
