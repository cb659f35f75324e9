"""A run of a judge in wandb: counts and rates, never a word of anybody's."""

from collections.abc import Iterator, Mapping
from typing import Any

from align.judging.measurement import Outcome
from align.training.tracking.wandb_runs import close_run, open_run


def track(owner: str, outcome: Outcome) -> None:
    """Log one run. Without a key, or with `WANDB_MODE=offline`, wandb keeps it on this machine.

    Args:
        owner: Whose judge; a hash of the name groups the runs, the name stays here.
        outcome: What the run came to.
    """
    gate = outcome.gate
    run = open_run(
        owner,
        job_type="judge",
        name=f"judge {gate.judge}",
        tags=["judge", gate.judge],
        config={"judge": gate.judge, "model": gate.model, "prompt_hash": gate.prompt_hash},
    )
    run.log(figures(outcome))
    close_run(run)


def figures(outcome: Outcome) -> dict[str, float]:
    """Return all numbers of a run, by name."""
    counted = {
        "gate/is_open": outcome.gate.is_open,
        "gate/weight": outcome.gate.weight,
        "gate/attempts": outcome.attempts,
        "cost_usd": outcome.cost,
        **_numbers("calibration", outcome.calibration.to_json()),
    }
    for stretch, judged in (("measuring", outcome.measuring), ("judging", outcome.judging)):
        counted[f"{stretch}/answers"] = judged.answers
        counted |= _numbers(f"{stretch}/problems", judged.problems)
        counted |= _numbers(f"{stretch}/verdicts", judged.verdicts)
        counted |= _numbers(f"{stretch}/abstentions", judged.abstentions)
    return {name: float(value) for name, value in counted.items()}


def _numbers(name: str, values: Mapping[str, Any]) -> dict[str, float]:
    return dict(_leaves(name, values))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}/{key}", inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _leaves(f"{name}/{place}", inner)
    elif isinstance(value, bool | int | float):
        yield name, float(value)
