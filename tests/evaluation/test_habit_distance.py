"""How far texts lie from the owner's habits, against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.evaluation import habit_distance as habits
from align.text import style


@given(st.text())
def test_a_text_lies_at_no_distance_from_itself(text: str) -> None:
    bins = [style.bins(text)]
    assert set(habits.distances(bins, bins).values()) == {0}


def test_total_variation_by_hand() -> None:
    # Shares 3/4, 1/4, 0 against 1/4, 1/4, 1/2: half of 1/2 + 0 + 1/2.
    assert habits.total_variation([0, 0, 0, 1], [0, 1, 2, 2]) == 0.5
    assert habits.total_variation([1, 2], [2, 1]) == 0
    assert habits.total_variation([1], [2]) == 1
    with pytest.raises(ValueError, match="no texts"):
        habits.total_variation([], [1])


def test_habits_that_differ_are_apart() -> None:
    plain, dotted = [style.bins("Yes, I do.")], [style.bins("Yes, I do...")]
    apart = habits.distances(plain, dotted)
    differing = {name for name, value in apart.items() if value}
    assert differing == {"ellipses", "last mark"}
    assert sum(apart.values()) == 2


def test_habit_distance_of_the_same_texts_is_zero_and_of_nothing_absent() -> None:
    texts = ["Well, no.", "I do not know..."]
    assert habits.habit_distance(texts, list(reversed(texts))) == 0
    assert habits.habit_distance([], texts) is None
    assert habits.habit_distance(texts, []) is None


def test_the_habits_that_differ_are_named() -> None:
    apart = habits.distances([style.bins("I do.")], [style.bins("I do!")])
    assert {name for name, value in apart.items() if value} == {"exclamations", "last mark"}


def test_habits_that_the_choices_looked_at_do_not_count() -> None:
    seen = frozenset({"exclamations", "last mark"})
    assert habits.habit_distance(["I do.", "No."], ["I do!", "No!"], seen) == 0
    interval = habits.change(["I do."], ["I do."] * 9, ["I do!"] * 9, seed=0, without=seen)
    assert interval == (0, 0)


def test_the_bootstrap_centres_on_the_plain_difference() -> None:
    owner = ["well, i suppose so...", "oh, perhaps...", "no. fine."]
    before, after = ["It is certain!", "Yes, it is."] * 10, ["well, i do...", "It is."] * 10
    first, second = (habits.habit_distance(owner, side) for side in (before, after))
    interval = habits.change(owner, before, after, seed=1)
    assert first is not None
    assert second is not None
    assert interval is not None
    assert interval.holds(second - first)


def test_a_change_of_habits_is_seen_beyond_the_noise() -> None:
    owner = ["well, i suppose so...", "oh, perhaps..."] * 10
    far, near = ["It is certain!"] * 30, ["well, i suppose..."] * 30
    interval = habits.change(owner, far, near, seed=0)
    assert interval is not None
    assert interval.high < 0
    assert interval == habits.change(owner, far, near, seed=0)
    none = habits.change(owner, near, near, seed=0)
    assert none is not None
    assert none.holds(0)


def test_the_floor_is_far_under_the_distance_to_somebody_else() -> None:
    owner = ["well, i suppose so...", "oh, perhaps...", "i do not know...", "no. fine..."] * 8
    floor = habits.floor(owner, seed=0)
    other = habits.habit_distance(owner, ["The answer is simple and clear, of course!"] * 20)
    assert floor is not None
    assert other is not None
    assert floor < other / 3
    assert habits.floor(["one"], seed=0) is None
