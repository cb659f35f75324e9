"""Pairs that come back, sides swapped, to see how often the owner agrees with themselves."""

from dataclasses import dataclass

from align.choices.selection import draw, left_side
from labeler.session.acts import Decision
from labeler.session.current_choices import CurrentChoices

# Share of the answers that are followed by a pair that comes back.
SHARE = 0.06
# How many answers ago it must have been answered, to be forgotten by now.
APART = 30


@dataclass(frozen=True)
class Repeat:
    """A pair that comes back."""

    first: Decision  # its answer
    left_is: str  # the answer that stands left now, which stood right then
    probability: float  # of this pair's coming back rather than another


def repeat_due(choices: CurrentChoices, seed: int) -> Repeat | None:
    """Return the pair that comes back now, None where a new one is next.

    It depends on the seed and the current choices only, so a restart gives the same. Only right
    after a new answer is there a chance of one: two never follow each other, and one that was
    skipped does not come again at once.
    """
    if not choices.decisions:
        return None
    last, n = choices.decisions[-1], len(choices.answers)
    is_new = last.is_answer and len(choices.answers[last.pair_id]) == 1
    if not is_new or draw(seed, str(n), "repeat") >= SHARE:
        return None
    eligible = _eligible(choices)
    if not eligible:
        return None
    first = eligible[int(draw(seed, str(n), "which") * len(eligible))]
    left = first.left or left_side(first.seed if first.seed is not None else seed, first.pair_id)
    return Repeat(first, "b" if left == "a" else "a", 1 / len(eligible))


def _eligible(choices: CurrentChoices) -> list[Decision]:
    """Return the answers that may be asked for again: no rewrites, not private, not twice."""
    excluded = {pair_id for pair_id, times in choices.came_back.items() if times}
    excluded.update(pair_id for pair_id in choices.marks if choices.is_private(pair_id))
    answers = choices.answers
    return [
        first
        for first in choices.labels[:-APART]
        if first.kind == "choice"
        and first.pair_id not in excluded
        and first is answers[first.pair_id][-1]
    ]
