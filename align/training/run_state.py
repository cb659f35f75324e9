"""run.json in a run's work folder: what it began with, and how far it goes. Without torch."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from align.files import write_atomically
from align.training.prepared_run import TrainingRun
from align.training.saves import last_whole, step_of

FILE = "run.json"


@dataclass
class RunState:
    """The content of run.json; base, parent and rows are hashes."""

    inputs: str  # digest of all that decides the run's result
    recipe: dict[str, Any]  # the values that decide it
    base: str
    parent: str | None
    rows: str
    train_rows: int  # how many rows are trained on
    steps: int | None = None  # length of the whole run, once that is known
    spread: str | None = None  # over how many processes its saves are spread, and by what
    left: bool = False  # given up: a run with other inputs may begin anew without a word

    @classmethod
    def of(cls, run: TrainingRun) -> "RunState":
        """Return the state that a run begins with."""
        return cls(
            inputs=run.inputs,
            recipe=run.recipe.decisive,
            base=run.base.hash,
            parent=run.parent.hash if run.parent else None,
            rows=run.rows.hash,
            train_rows=len(run.rows.train),
        )

    @classmethod
    def read(cls, folder: Path) -> "RunState | None":
        """Return the state of the run in a work folder; None where there is none to read."""
        try:
            values = json.loads((folder / FILE).read_text(encoding="utf-8"))
            known = {field.name for field in fields(cls)}
            return cls(**{key: value for key, value in values.items() if key in known})
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write run.json into a work folder."""
        write_atomically(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    def give_up(self, folder: Path) -> None:
        """Record that nobody goes on with the run: one with other values may begin anew."""
        self.left = True
        self.write(folder)

    def progress(self, save: Path) -> str:
        """Return how far a stopped run came, as in `stopped after step 37 of 120`."""
        return f"stopped after step {step_of(save)}" + (f" of {self.steps}" if self.steps else "")


def record_steps(run: TrainingRun, steps: int, spread: str) -> None:
    """Record how long the whole run is, and how its saves are spread."""
    state = RunState.read(run.work) or RunState.of(run)
    state.steps, state.spread = steps, spread
    state.write(run.work)


def spread_of(processes: int, zero_stage: int, *, fsdp: bool) -> str:
    """Return how saves are spread, as in `1 process` or `2 processes, ZeRO stage 3`."""
    count = "1 process" if processes == 1 else f"{processes} processes"
    return count + (f", ZeRO stage {zero_stage}" if zero_stage else ", FSDP" if fsdp else "")


def stopped_sentence(run: TrainingRun) -> str:
    """Return the sentence that a stopped run ends with."""
    save = last_whole(run.work)
    if save is None:
        return f"{run.stage}: stopped before the first save; the same command begins anew"
    progress = (RunState.read(run.work) or RunState.of(run)).progress(save)
    return f"{run.stage}: {progress}; the same command goes on from there"
