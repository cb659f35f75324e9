"""The one door into a training, before torch: check what is asked, and write what was settled.

`align sft` and `align dpo` come through here; after a bare `accelerate launch`, rank 0 does.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from align.recipe.accelerate_config import processes, zero_stage
from align.training import resume
from align.training.preflight.checks import before_download, on_rows
from align.training.prepared_run import TrainingRun, prepare, run_lock, write_run
from align.training.recipe_family import named
from align.training.run_state import spread_of
from align.training.time_budget import cut_to_minutes
from align.training.training_request import TrainingRequest


def settle(request: TrainingRequest, accelerate: dict[str, Any] | None = None) -> TrainingRun:
    """Return the run that is asked for, with all checked that can be before it begins.

    The accelerate file's content is None where the launcher alone knows it. UserError: something is
    not in order.
    """
    request = named(request)
    before_download(request, accelerate or {})
    run = prepare(request, download=True, write=request.minutes is None)
    if request.minutes is not None:
        cut, request = cut_to_minutes(request, run, accelerate or {})
        run = replace(prepare(request), cut=cut)
    if run.finished:
        return run
    if not request.restart:
        resume.check_recipe_unchanged(run)
        if accelerate is not None:
            fsdp = str(accelerate.get("distributed_type")).upper() == "FSDP"
            spread = spread_of(processes(accelerate), zero_stage(accelerate), fsdp=fsdp)
            resume.check_spread(run, spread)
    with run_lock(run.owner_id):
        pass  # Another run would be in the way; it is said before the rows are looked at.
    return replace(run, planned=on_rows(run, accelerate or {}))


def begin(run: TrainingRun, *, restart: bool) -> Path:
    """Settle what becomes of a stopped run, and write this one; UserError where another runs."""
    with run_lock(run.owner_id):
        resume.begin(run, restart=restart)
        return write_run(run)
