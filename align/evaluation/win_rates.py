"""Which of two checkpoints answers more like the owner, prompt by prompt.

Ties count half in a win rate and are also shown apart: two answers that both reach the owner's
own level, or that both break a bound, are no win for either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from align.statistics import wilson

WIN, TIE, LOSS = 1.0, 0.5, 0.0


@dataclass(frozen=True)
class ScoredAnswer:
    """One answer as a judge sees it: its score, and whether it keeps the bounds of a win."""

    score: float
    sound: bool


class WinRate(NamedTuple):
    """How often the first of two checkpoints won; None for no prompts."""

    wins: float
    ties: float
    losses: float
    rate: float | None  # wins and half the ties, over all prompts
    low: float | None  # of Wilson's interval of the rate
    high: float | None


def verdict(first: ScoredAnswer, second: ScoredAnswer) -> float:
    """Return 1 where the first answer wins, 0.5 for a tie, 0 where the second wins.

    An answer that breaks a bound never wins over one that keeps it, whatever its score.
    """
    if first.sound != second.sound:
        return WIN if first.sound else LOSS
    if not first.sound or first.score == second.score:
        return TIE
    return WIN if first.score > second.score else LOSS


def win_rate(verdicts: Sequence[float], repeats: int = 1) -> WinRate:
    """Count verdicts: 1, 0.5 or 0 for each prompt and seed, of which each prompt has `repeats`.

    Answers to one prompt are no independent cases, so the counts are per prompt, and may be
    fractions.
    """
    wins, ties, losses = (sum(v == kind for v in verdicts) / repeats for kind in (WIN, TIE, LOSS))
    n, won = wins + ties + losses, wins + 0.5 * ties
    low, high = wilson(won, n) or (None, None)
    return WinRate(wins, ties, losses, won / n if n else None, low, high)


def prefer_longer(first: int, second: int) -> float:
    """Return the verdict of a judge that only looks at the number of words."""
    return WIN if first > second else LOSS if first < second else TIE


def agreement(verdicts: Sequence[float], others: Sequence[float]) -> tuple[int, int]:
    """Return how often two judges agree where neither saw a tie, and how often that was."""
    both = [(a, b) for a, b in zip(verdicts, others, strict=True) if TIE not in (a, b)]
    return sum(a == b for a, b in both), len(both)
