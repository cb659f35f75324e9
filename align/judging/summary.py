"""What `align judge` says before it asks and after: counts and rates, no text of anybody's."""

from collections.abc import Iterable, Iterator, Mapping

from align.claude.prices import Usage
from align.console import dollars
from align.judging.figures import Calibration
from align.judging.judge_answers import JudgeCounts
from align.judging.measurement import Outcome
from align.levels import LEVELS, Level
from align.store.gates import GateRow


def admitted(
    by_level: dict[Level, int], levels: Iterable[Level], sources: dict[str, int], owner: str
) -> Iterator[str]:
    """Yield how many pairs a judge may see at the owner's levels, and how to open more.

    Args:
        by_level: How many pairs there are of each level.
        levels: Those that the judge may see.
        sources: Of those that it may not: what stands behind how many pairs.
        owner: Whose pairs.
    """
    seen = sum(by_level[level] for level in levels)
    total = sum(by_level.values())
    said = ", ".join(f"{by_level[level]:,} {level}" for level in LEVELS)
    yield f"{total:,} pairs for training: {said}. The judge may see {seen:,}."
    if sources and seen < total:
        source = next(iter(sources))
        yield f"  To open one source, here {source} ({sources[source]:,} pairs):"
        yield f"  align records set-level open --source {source} --owner {owner}"


def kept_from(reasons: Mapping[str, int]) -> str:
    """Return how many pairs a judge is not shown, by reason."""
    return ", ".join(f"{n:,} {reason}" for reason, n in sorted(reasons.items()) if n)


def came_of_it(judged: JudgeCounts, gate: GateRow) -> Iterator[str]:
    """Yield what judging came to, and how much of it counts in training."""
    verdicts, abstentions = judged.verdicts.total(), judged.abstentions.total()
    if not verdicts + abstentions:
        yield "No pair waits for a verdict of this judge."
        return
    counting = sum(judged.verdicts[each] for each in gate.certainties)
    yield f"{verdicts:,} of {verdicts + abstentions:,} pairs have a verdict{_of(judged.verdicts)}"
    if abstentions:
        yield f"{abstentions:,} have none{_of(judged.abstentions)}"
    if judged.problems:
        yield f"{judged.problems.total():,} answers without use{_of(judged.problems)}"
    yield f"{counting:,} count in training, each {gate.weight:.2f} of a choice"


def spent(outcome: Outcome, usage: Usage | None, unasked: int) -> Iterator[str]:
    """Yield what a run cost, how much of the input came from the cache, and what is left to ask."""
    answers = outcome.measuring.answers + outcome.judging.answers
    read = usage.read_tokens if usage else 0
    cached = (
        f"; {usage.cache_read_tokens / read:.0%} of the input from the cache"
        if usage and read
        else ""
    )
    yield f"{answers:,} answers, {dollars(outcome.cost)}{cached}"
    if unasked:
        yield f"The budget left {unasked:,} requests unasked; the same command goes on with them."


def history(gates: Iterable[GateRow]) -> Iterator[str]:
    """Yield every attempt at the gate, the oldest first."""
    for row in gates:
        found = Calibration.from_json(dict(row.report))
        share = (
            "-"
            if found.accuracy is None or found.interval is None
            else (f"{found.accuracy:.0%} ({found.interval.low:.0%} to {found.interval.high:.0%})")
        )
        gate = f"open, {row.weight:.2f} at {', '.join(row.certainties)}" if row.is_open else "shut"
        yield "\t".join(
            (row.time[:16], row.judge, row.model, row.prompt_hash[:8], f"{found.cases:,} choices",
             share, gate)
        )  # fmt: skip


def _of(counts: Mapping[str, int]) -> str:
    said = ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.items()) if n)
    return f": {said}" if said else ""
