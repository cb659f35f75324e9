"""Statistics, against values worked out by hand."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.statistics import (
    Z95,
    Interval,
    answers_to_settle,
    bootstrap,
    cohen_kappa,
    median,
    paired_difference,
    quantile,
    wilson,
)


def test_the_quantile_is_the_normal_distribution_s() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.975)) == Z95


def test_wilson_is_the_formula() -> None:
    # p = 1/2, n = 16, z = 2: centre (1/2 + 4/32) / (1 + 4/16) = 1/2;
    # half 2 / (5/4) * sqrt(1/64 + 4/1024) = 1.6 * sqrt(5/256) = 0.1 * sqrt(5).
    interval = wilson(8, 16, z=2)
    assert interval is not None
    assert interval.low == pytest.approx(0.5 - 0.1 * math.sqrt(5))
    assert interval.high == pytest.approx(0.5 + 0.1 * math.sqrt(5))


def test_wilson_gives_the_intervals_that_the_literature_has() -> None:
    # At 75 % the interval is .66-.83 for 100 cases and .71-.79 for 400.
    assert [round(x, 2) for x in wilson(75, 100) or ()] == [0.66, 0.82]
    assert [round(x, 2) for x in wilson(300, 400) or ()] == [0.71, 0.79]


def test_wilson_of_no_cases_is_absent_and_not_zero() -> None:
    assert wilson(0, 0) is None


def test_wilson_at_the_ends_has_the_closed_form() -> None:
    # 0 of 4 at z = 2: high = z²/(n+z²) = 1/2; all of 4: low = n/(n+z²) = 1/2.
    assert wilson(0, 4, z=2) == Interval(0.0, pytest.approx(0.5))
    assert wilson(4, 4, z=2) == Interval(pytest.approx(0.5), 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_in_bounds(case: tuple[int, int]) -> None:
    wins, n = case
    interval = wilson(wins, n)
    assert interval is not None
    assert 0 <= interval.low <= wins / n <= interval.high <= 1


def test_more_successes_than_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_so_many_more_answers_settle_it_and_one_fewer_does_not(case: tuple[int, int]) -> None:
    wins, n = case
    more = answers_to_settle(wins, n)
    if 2 * wins == n:
        assert more is None
        return
    assert more is not None
    share = wins / n
    settled = wilson(share * (n + more), n + more)
    assert settled is not None and not settled.holds(0.5)
    before = wilson(share * (n + more - 1), n + more - 1)
    if more:
        assert before is not None and before.holds(0.5)


def test_answers_to_settle_by_hand() -> None:
    # At z = 2 and 60 %: (2 / 0.2)^2 = 100 are not enough, 101 are.
    assert answers_to_settle(6, 10, z=2) == 91
    assert answers_to_settle(80, 100) == 0
    assert answers_to_settle(0, 0) is None
    assert answers_to_settle(5, 10) is None


def test_kappa_by_hand() -> None:
    # 8 of 10 agree; first says yes 6 times, second 6: chance is .36 + .16 = .52.
    first = "yyyyyynnnn"
    second = "yyyyynynnn"
    assert cohen_kappa(first, second) == pytest.approx((0.8 - 0.52) / (1 - 0.52))


def test_kappa_of_perfect_and_of_opposite_raters() -> None:
    assert cohen_kappa("abab", "abab") == 1
    assert cohen_kappa("abab", "baba") == -1


def test_kappa_is_absent_where_it_means_nothing() -> None:
    assert cohen_kappa([], []) is None
    assert cohen_kappa("aaa", "aaa") is None


def test_bootstrap_is_decided_by_its_seed_and_holds_the_mean() -> None:
    values = [float(x) for x in range(40)]

    def mean(drawn: object) -> float:
        return sum(drawn) / 40  # type: ignore[call-overload, no-any-return]

    first = bootstrap(values, mean, seed=1)
    assert first == bootstrap(values, mean, seed=1)
    assert first != bootstrap(values, mean, seed=2)
    assert first is not None
    assert first.holds(19.5)
    assert not first.holds(30)
    assert bootstrap([], mean, seed=1) is None


def test_paired_difference_takes_the_cases_own_difficulty_out() -> None:
    hard = [0.0, 10.0, 100.0, 1000.0]
    result = paired_difference([x + 1 for x in hard], hard, seed=0)
    assert result == (1.0, Interval(1.0, 1.0))
    assert paired_difference([], [], seed=0) is None


def test_quantiles_are_linear_between_neighbours() -> None:
    assert quantile([0, 10], 0.25) == 2.5
    assert median([9, 1, 2]) == 2
    assert median([1, 2]) == 1.5
