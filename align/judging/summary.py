"""What `align judge` prints and logs of a run: counts and rates, no text of anybody's."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from align.claude.budget import Budget
from align.claude.prices import Usage
from align.console import dollars
from align.judging.figures import Calibration
from align.judging.judge_answers import JudgeCounts
from align.judging.measurement import Outcome
from align.levels import LEVELS, Level
from align.store.gates import GateRow


def eligible_pairs(
    by_level: dict[Level, int], levels: Iterable[Level], sources: dict[str, int], owner_id: str
) -> Iterator[str]:
    """Yield how many pairs a judge may see at the owner's levels, and how to open more.

    `sources` has what keeps pairs back, and how many.
    """
    seen = sum(by_level[level] for level in levels)
    total = sum(by_level.values())
    counts = ", ".join(f"{by_level[level]:,} {level}" for level in LEVELS)
    yield f"{total:,} pairs for training: {counts}. The judge may see {seen:,}."
    if sources and seen < total:
        source = next(iter(sources))
        yield f"  To open one source, here {source} ({sources[source]:,} pairs):"
        yield f"  align records set-level open --source {source} --owner {owner_id}"


def by_kind(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind, by name."""
    return ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.items()) if n)


def verdict_counts(judged: JudgeCounts, gate: GateRow) -> Iterator[str]:
    """Yield what judging came to, and how much of it counts in training."""
    verdicts, abstentions = judged.verdicts.total(), judged.abstentions.total()
    if not verdicts + abstentions:
        yield "No pair waits for a verdict of this judge."
        return
    counting = sum(judged.verdicts[certainty] for certainty in gate.certainties)
    yield f"{verdicts:,} of {verdicts + abstentions:,} pairs have a verdict{_of(judged.verdicts)}"
    if abstentions:
        yield f"{abstentions:,} have none{_of(judged.abstentions)}"
    if judged.problems:
        yield f"{judged.problems.total():,} answers without use{_of(judged.problems)}"
    yield f"{counting:,} count in training, each {gate.weight:.2f} of a choice"


def run_cost(outcome: Outcome, usage: Usage | None, budget: Budget) -> Iterator[str]:
    """Yield what a run cost, how much of the input came from the cache, and what is left to ask."""
    answers = outcome.measuring.answers + outcome.judging.answers
    read = usage.read_tokens if usage else 0
    cached = (
        f"; {usage.cache_read_tokens / read:.0%} of the input from the cache"
        if usage and read
        else ""
    )
    # What was lost on the way was paid too, and no word on the cost is no zero.
    unsure = f", and up to {dollars(budget.unsure)} that nobody stated" if budget.unsure else ""
    yield f"{answers:,} answers, {dollars(budget.spent)}{unsure}{cached}"
    if left := budget.unasked:
        yield f"The budget left {left:,} requests unasked; the same command goes on with them."


def history(gates: Iterable[GateRow]) -> Iterator[str]:
    """Yield every attempt at the gate, the oldest first."""
    for row in gates:
        figures = Calibration.from_json(dict(row.report))
        share, interval = figures.accuracy, figures.interval
        agrees = "-"
        if share is not None and interval is not None:
            agrees = f"{share:.0%} ({interval.low:.0%} to {interval.high:.0%})"
        gate = f"open, {row.weight:.2f} at {', '.join(row.certainties)}" if row.is_open else "shut"
        yield "\t".join(
            (row.time[:16], row.judge, row.model, row.prompt_hash[:8], f"{figures.cases:,} choices",
             agrees, gate)
        )  # fmt: skip


def track(owner_id: str, outcome: Outcome) -> None:
    """Log one run. Without a key, or with `WANDB_MODE=offline`, wandb keeps it on this machine.

    A hash of the owner's id groups the runs; the id itself stays here.
    """
    from align.training.tracking.wandb_runs import close_run, open_run

    gate = outcome.gate
    run = open_run(
        owner_id,
        job_type="judge",
        name=f"judge {gate.judge}",
        tags=["judge", gate.judge],
        config={"judge": gate.judge, "model": gate.model, "prompt_hash": gate.prompt_hash},
    )
    run.log(run_figures(outcome))
    close_run(run)


def run_figures(outcome: Outcome) -> dict[str, float]:
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


def _of(counts: Mapping[str, int]) -> str:
    kinds = by_kind(counts)
    return f": {kinds}" if kinds else ""


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
