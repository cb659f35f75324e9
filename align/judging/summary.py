"""What `align judge` prints and logs of a run: counts and rates, no text of anybody's."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from align.claude.budget import Budget
from align.claude.prices import Usage
from align.console import dollars
from align.judging.judge_answers import JudgeCounts
from align.judging.measurement import Outcome
from align.judging.report import by_kind
from align.levels import LEVELS, Level
from align.store.gates import GateRow


def eligible_pairs(
    by_level: dict[Level, int], levels: Iterable[Level], sources: dict[str, int], owner_id: str
) -> Iterator[str]:
    """Yield how many pairs a judge may see, and how to open a source that keeps some back."""
    seen, total = sum(by_level[level] for level in levels), sum(by_level.values())
    counts = ", ".join(f"{by_level[level]:,} {level}" for level in LEVELS)
    yield f"{total:,} pairs for training: {counts}. The judge may see {seen:,}."
    if sources and seen < total:
        source = next(iter(sources))
        yield f"  To open one source, here {source} ({sources[source]:,} pairs):"
        yield f"  align records set-level open --source {source} --owner {owner_id}"


def verdict_counts(judged: JudgeCounts) -> Iterator[str]:
    """Yield what judging came to, and how much of it counts in training."""
    verdicts, abstentions = judged.verdicts.total(), judged.abstentions.total()
    if not verdicts + abstentions:
        yield "No pair waits for a verdict of this judge."
        return
    for counts, what in (
        (judged.verdicts, f"of {verdicts + abstentions:,} pairs have a verdict"),
        (judged.abstentions, "have none"),
        (judged.problems, "answers without use"),
    ):
        if counts or counts is judged.verdicts:
            kinds = f": {by_kind(counts)}" if counts else ""
            yield f"{counts.total():,} {what}{kinds}"
    yield f"{judged.counting:,} count in training, together as {judged.weight:,.1f} choices"


def run_cost(outcome: Outcome, usage: Usage | None, budget: Budget) -> Iterator[str]:
    """Yield what a run cost, how much of the input came from the cache, and what is left to ask."""
    answers = outcome.measuring.answers + outcome.judging.answers
    read = usage.read_tokens if usage else 0
    cached = ""
    if usage and read:
        cached = f"; {usage.cache_read_tokens / read:.0%} of the input from the cache"
    # What was lost on the way was paid too, and no word on the cost is no zero.
    unsure = f", and up to {dollars(budget.unsure)} that nobody stated" if budget.unsure else ""
    yield f"{answers:,} answers, {dollars(budget.spent)}{unsure}{cached}"
    if left := budget.unasked:
        yield f"The budget left {left:,} requests unasked; the same command goes on with them."


def history(gates: Iterable[GateRow]) -> Iterator[str]:
    """Yield every attempt at the gate, the oldest first."""
    for row in gates:
        agrees, share, interval = "-", *map(row.report.get, ("accuracy", "interval"))
        if share is not None and interval is not None:
            agrees = f"{share:.0%} ({interval[0]:.0%} to {interval[1]:.0%})"
        gate = f"open, {row.weight:.2f} at {', '.join(row.certainties)}" if row.is_open else "shut"
        yield "\t".join(
            (row.time[:16], row.judge, row.model, row.prompt_hash[:8],
             f"{row.report.get('cases', 0):,} choices", agrees, gate)
        )  # fmt: skip


def track(owner_id: str, outcome: Outcome) -> None:
    """Log one run to wandb, or to this machine."""
    from align.training.tracking.wandb_runs import close_run, open_run

    gate = next(gate for _, gate in outcome.measured.values())
    config = {"judge": gate.judge, "model": gate.model, "prompt_hash": gate.prompt_hash}
    name = f"judge {gate.judge}"
    run = open_run(owner_id, job_type="judge", name=name, tags=["judge", gate.judge], config=config)
    run.log(run_figures(outcome))
    close_run(run)


def run_figures(outcome: Outcome) -> dict[str, float]:
    """Return all numbers of a run, by name."""
    counted: dict[str, Any] = {"cost_usd": outcome.cost}
    for at, (calibration, gate) in enumerate(outcome.measured.values()):
        # Checkpoints by number: their hashes would be other names in each round.
        of = f"{at}/" if at else ""
        counted |= {f"{of}gate/is_open": gate.is_open, f"{of}gate/weight": gate.weight}
        counted |= _numbers(f"{of}calibration", calibration.to_json())
    for stretch, judged in (("measuring", outcome.measuring), ("judging", outcome.judging)):
        counted |= _numbers(stretch, vars(judged))
    return {name: float(value) for name, value in counted.items()}


def _numbers(name: str, value: Any) -> dict[str, Any]:
    """Return the numbers in a JSON value by their paths."""
    if isinstance(value, bool | int | float):
        return {name: value}
    inner = value.items() if isinstance(value, Mapping) else ()
    return {k: v for key, each in inner for k, v in _numbers(f"{name}/{key}", each).items()}
