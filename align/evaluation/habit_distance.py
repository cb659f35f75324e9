"""How far a checkpoint's answers lie from the owner's habits, and the rate of each habit."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from align.statistics import Interval, quantile
from align.text import style

Bins = Sequence[tuple[int, ...]]
# Random halves of the owner's texts, and bootstrap samples of the prompts.
HALVINGS, REPEATS = 20, 1000


def habit_distance(
    owner: Sequence[str], answers: Sequence[str], without: frozenset[str] = frozenset()
) -> float | None:
    """Return the mean total variation over all habits but those `without`; None for no texts.

    0 is alike, 1 apart.
    """
    if not owner or not answers:
        return None
    return _distance([style.bins(t) for t in owner], [style.bins(t) for t in answers], without)


def _distance(first: Bins, second: Bins, without: frozenset[str]) -> float:
    apart = distances(first, second)
    counted = [value for name, value in apart.items() if name not in without]
    return sum(counted) / len(counted)


def total_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """Return half the summed difference of two samples' shares in each bin, 0 to 1."""
    if not first or not second:
        raise ValueError("no texts to compare")
    of_first, of_second = Counter(first), Counter(second)
    return 0.5 * sum(
        abs(of_first[b] / len(first) - of_second[b] / len(second))
        for b in of_first.keys() | of_second.keys()
    )


def distances(first: Bins, second: Bins) -> dict[str, float]:
    """Return each habit's total variation between two sets of texts, given as their `bins`."""
    return {
        habit.name: total_variation([b[i] for b in first], [b[i] for b in second])
        for i, habit in enumerate(style.HABITS)
    }


def floor(owner: Sequence[str], seed: int, without: frozenset[str] = frozenset()) -> float | None:
    """Return the distance between random halves of the owner's own texts: as near as one gets.

    None for fewer than four texts.
    """
    if len(owner) < 4:
        return None
    cut = [style.bins(text) for text in owner]
    rng = random.Random(seed)
    half = len(cut) // 2
    distances = []
    for _ in range(HALVINGS):
        rng.shuffle(cut)
        distances.append(_distance(cut[:half], cut[half:], without))
    return sum(distances) / len(distances)


def change(
    owner: Sequence[str],
    before: Sequence[str],
    after: Sequence[str],
    *,
    seed: int,
    without: frozenset[str] = frozenset(),
) -> Interval | None:
    """Return the 95 % bootstrap interval of distance(after) - distance(before), by prompt.

    `before` and `after` answer the same prompts in the same order, which are drawn together.
    None where there is nothing to compare.
    """
    if not owner or not before:
        return None
    import numpy as np

    cut = [[style.bins(text) for text in side] for side in (owner, before, after)]
    counted = [i for i, habit in enumerate(style.HABITS) if habit.name not in without]
    own, earlier, later = _one_hot(cut, counted)
    share = own.mean(axis=0)
    # Row r says how often each prompt is drawn in repeat r: (REPEATS, prompts).
    weights = np.random.default_rng(seed).multinomial(
        len(before), [1 / len(before)] * len(before), size=REPEATS
    ) / len(before)
    # Total variation summed over all habits' bins is their mean times their number.
    apart = [np.abs(weights @ side - share).sum(axis=1) / 2 for side in (earlier, later)]
    changes = sorted(((apart[1] - apart[0]) / len(counted)).tolist())
    return Interval(quantile(changes, 0.025), quantile(changes, 0.975))


def _one_hot(sides: Sequence[Bins], counted: Sequence[int]) -> list[Any]:
    """Return each side as (texts, bins of all habits together), 1 where a text falls into a bin."""
    import numpy as np

    places = {
        place: number
        for number, place in enumerate(
            sorted({(i, row[i]) for side in sides for row in side for i in counted})
        )
    }
    matrices = []
    for side in sides:
        matrix = np.zeros((len(side), len(places)))
        for at, row in enumerate(side):
            matrix[at, [places[i, row[i]] for i in counted]] = 1
        matrices.append(matrix)
    return matrices
