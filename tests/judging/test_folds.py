"""Folds by prompt."""

from collections import Counter

from align.judging.folds import FOLDS, fold_of
from align.preferences.preference import side_of


def test_folds_stay_where_they_were_first_seen() -> None:
    # Written down once: a change would have every judge asked everything again.
    assert [fold_of(f"prompt {n}") for n in range(8)] == [1, 3, 1, 1, 1, 3, 1, 3]


def test_folds_are_about_as_large_as_one_another() -> None:
    sizes = Counter(fold_of(f"prompt {n}") for n in range(4000))
    assert set(sizes) == set(range(FOLDS))
    # A standard deviation is sqrt(4000 / 4 * 3 / 4) = 27.
    assert all(abs(size - 1000) < 110 for size in sizes.values())


def test_folds_know_nothing_of_what_training_holds_out() -> None:
    held_out = [p for n in range(8000) if side_of(p := f"prompt {n}", 0.25) == "held_out"]
    sizes = Counter(map(fold_of, held_out))
    assert all(abs(size / len(held_out) - 1 / FOLDS) < 0.04 for size in sizes.values())
