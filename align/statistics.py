"""Intervals and agreement: pure functions over counts and lists, standard library only."""

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

# The two-sided 95 % quantile of the normal distribution.
Z95 = 1.959963984540054


class Interval(NamedTuple):
    """A range that holds the unknown value at the stated confidence."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether the value lies inside."""
        return self.low <= value <= self.high


def wilson(successes: float, n: float, z: float = Z95) -> Interval | None:
    """Return Wilson's score interval of a share of `n` cases, or None where there are no cases.

    `z` is the normal quantile; 1.96 gives 95 %.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return None
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not push the bound past the share itself where that is 0 or 1.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high)


def answers_to_settle(wins: float, n: float, z: float = Z95) -> int | None:
    """Return how many more cases, at this rate, until Wilson's interval leaves one half out.

    0 where it does already; None where there are no cases, or as many wins as losses: no number
    of cases settles that. Ties are half a win. `z` is the normal quantile; 1.96 gives 95 %.

    The interval holds one half as long as (share - 1/2)^2 <= z^2 / (4 n): it is the inversion of
    the score test, whose variance under 1/2 is 1 / (4 n).
    """
    if not 0 <= wins <= n:
        raise ValueError(f"{wins} wins of {n}")
    distance = wins / n - 0.5 if n else 0.0
    if distance == 0:
        return None
    wanted = math.floor((z / (2 * distance)) ** 2) + 1
    return max(0, math.ceil(wanted - n))


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return the agreement of two raters beyond chance, -1 to 1.

    None where there are no cases, or where chance alone explains everything (both raters always
    say the same one thing): kappa is 0/0 there.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} ratings against {len(second)}")
    n = len(first)
    if n == 0:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    of_first, of_second = Counter(first), Counter(second)
    expected = sum(count * of_second[label] for label, count in of_first.items()) / n**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    *,
    seed: int,
    repeats: int = 1000,
) -> Interval | None:
    """Return the 95 % percentile bootstrap interval of a statistic, or None for no values.

    The same values and seed give the same interval.
    """
    if not values:
        return None
    rng = random.Random(seed)
    drawn = sorted(statistic(rng.choices(values, k=len(values))) for _ in range(repeats))
    tail = (1 - 0.95) / 2
    return Interval(quantile(drawn, tail), quantile(drawn, 1 - tail))


def paired_difference(
    first: Sequence[float], second: Sequence[float], *, seed: int
) -> tuple[float, Interval] | None:
    """Return the mean of `first - second` per case and its bootstrap interval.

    None where there are no cases. Pairing takes the cases' own difficulty out of the noise.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values against {len(second)}")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    interval = bootstrap(differences, _mean, seed=seed)
    return None if interval is None else (_mean(differences), interval)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of values that are in rising order, linear between neighbours."""
    if not ordered:
        raise ValueError("no values")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return quantile(sorted(values), 0.5)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
