"""The gate, against values worked out by hand."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.judging.gate import (
    LUCK,
    MINIMUM,
    Evidence,
    decide,
    effective_cases,
    lower_bound,
    luck,
    weight_of,
    z_of,
)
from align.statistics import Z95

# 27 of 36 verdicts agree, each on a prompt of its own, of 40 choices.
GOOD = Evidence(choices=40, verdicts=36, hits=27, effective=36.0, ahead=12, behind=3)
MEDIUM_UP = ("medium", "high")


def counts(**changes: float) -> Evidence:
    return GOOD._replace(**changes)  # type: ignore[arg-type]


def test_the_first_attempt_has_the_usual_quantile() -> None:
    assert z_of(1) == pytest.approx(Z95)


def test_all_attempts_together_err_in_less_than_one_of_twenty() -> None:
    # 1/2 + 1/6 + ... + 1/(k (k + 1)) = 1 - 1/(k + 1).
    tails = [1 - NormalDist().cdf(z_of(k)) for k in range(1, 51)]
    assert sum(tails) == pytest.approx(0.05 * (1 - 1 / 51))


def test_no_attempt_is_no_number_of_attempts() -> None:
    with pytest.raises(ValueError, match="0 attempts"):
        z_of(0)


@pytest.mark.parametrize(
    ("bound", "weight"), [(1.0, 1.0), (0.75, 0.5), (0.5, 0.0), (0.2, 0.0), (None, 0.0)]
)
def test_a_verdict_weighs_twice_what_is_sure_less_one(bound: float | None, weight: float) -> None:
    assert weight_of(bound) == pytest.approx(weight)


@pytest.mark.parametrize("flips", [0.0, 0.1, 0.25, 0.5])
def test_the_weight_is_what_flipped_labels_leave_of_the_gradient_where_dpo_begins(
    flips: float,
) -> None:
    def loss(margin: float) -> float:
        return math.log1p(math.exp(-margin))

    def slope(share: float, step: float = 1e-5) -> float:
        mixed = [(1 - share) * loss(m) + share * loss(-m) for m in (step, -step)]
        return (mixed[0] - mixed[1]) / (2 * step)

    assert slope(flips) / slope(0.0) == pytest.approx(weight_of(1 - flips), abs=1e-6)


def test_the_bound_is_wilson_s_of_the_independent_verdicts() -> None:
    # 8 of 16 at z = 2 has its lower end at 1/2 - sqrt(5)/10; 16 of 32 may be worth no more.
    low = 0.5 - math.sqrt(5) / 10
    assert lower_bound(8, 16, 16.0, 2.0) == pytest.approx(low)
    assert lower_bound(16, 32, 16.0, 2.0) == pytest.approx(low)
    assert lower_bound(0, 0, 0.0, 2.0) is None


def test_a_verdict_a_prompt_is_an_independent_one() -> None:
    assert effective_cases([(1, 1), (0, 1), (1, 1), (1, 1)]) == 4


def test_verdicts_that_are_right_or_wrong_together_are_worth_one() -> None:
    # Share 1/2 of 8; (±1)² over 4 prompts is 4, and 4 / (8 · 1/4) is a design effect of 2.
    assert effective_cases([(2, 2), (0, 2), (2, 2), (0, 2)]) == pytest.approx(4)


def test_verdicts_are_never_worth_more_than_they_are() -> None:
    assert effective_cases([(1, 2)] * 4) == 8
    assert effective_cases([(3, 3)] * 5) == 15
    assert effective_cases([]) == 0


@given(st.lists(st.integers(1, 4).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))))
def test_verdicts_are_worth_no_less_than_one_for_the_largest_prompt(
    prompts: list[tuple[int, int]],
) -> None:
    n = sum(cases for _, cases in prompts)
    largest = max((cases for _, cases in prompts), default=1)
    assert n / largest - 1e-9 <= effective_cases(prompts) <= n


@pytest.mark.parametrize(
    ("ahead", "behind", "chance"),
    [(0, 0, 1), (1, 0, 1 / 2), (3, 0, 1 / 8), (1, 1, 3 / 4), (4, 1, 6 / 32), (0, 3, 1)],
)
def test_a_coin_s_luck_is_the_binomial_tail(ahead: int, behind: int, chance: float) -> None:
    assert luck(ahead, behind) == pytest.approx(chance)


def test_a_coin_s_luck_is_exact_for_thousands_of_prompts() -> None:
    # By symmetry the tail from one half up is one half and half of the middle term.
    assert luck(2000, 2000) == pytest.approx(0.5 + math.comb(4000, 2000) / 2**4001)


def test_a_judge_that_agrees_opens_the_gate_at_its_certainties() -> None:
    # z² = 3.8415: centre (.75 + .05335) / 1.10671 = .72590,
    # half 1.96 / 1.10671 · sqrt(.1875 / 36 + 3.8415 / 5184) = .13660.
    gate = decide(GOOD, MEDIUM_UP, attempts=1)
    assert gate.is_open
    assert gate.certainties == MEDIUM_UP
    assert gate.bound == pytest.approx(0.58929, abs=1e-5)
    assert gate.weight == pytest.approx(0.17859, abs=2e-5)
    assert gate.more_choices == 0
    assert "75%" in gate.reason
    assert "58.9%" in gate.reason


def test_the_same_figures_count_less_after_other_attempts_and_in_the_end_not_at_all() -> None:
    weights = [decide(GOOD, MEDIUM_UP, attempts=k).weight for k in (1, 2, 4, 40)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > weights[2] > 0
    assert weights[3] == 0
    assert not decide(GOOD, MEDIUM_UP, attempts=40).is_open


def test_few_choices_open_nothing_however_well_they_agree() -> None:
    few = Evidence(MINIMUM - 1, MINIMUM - 1, MINIMUM - 1, MINIMUM - 1.0, 10, 0)
    gate = decide(few, MEDIUM_UP, attempts=1)
    assert (gate.is_open, gate.certainties, gate.weight) == (False, (), 0.0)
    assert gate.more_choices == 1
    assert decide(Evidence(20, 20, 20, 20.0, 10, 0), MEDIUM_UP, attempts=1).is_open


def test_a_judge_without_verdicts_is_not_helped_by_more_choices() -> None:
    gate = decide(Evidence(100, 0, 0, 0.0, 0, 0), MEDIUM_UP, attempts=1)
    assert (gate.is_open, gate.bound, gate.more_choices) == (False, None, None)


def test_the_gate_says_how_many_more_choices_would_tell() -> None:
    # 22 of 36 is 1/9 above one half: (1.96 · 9 / 2)² = 77.8, so 78 verdicts, 42 more than now;
    # 40 choices give 36, so 42 · 40 / 36 = 46.7 choices.
    gate = decide(counts(hits=22), MEDIUM_UP, attempts=1)
    assert not gate.is_open
    assert gate.more_choices == 47


def test_verdicts_that_hang_together_need_more_choices() -> None:
    # The same 22 of 36 worth 18: 78 - 18 = 60 more, from 40 choices for 18: 133.3.
    assert decide(counts(hits=22, effective=18.0), MEDIUM_UP, attempts=1).more_choices == 134


@pytest.mark.parametrize("hits", [0, 9, 18])
def test_no_number_of_choices_helps_a_judge_that_is_no_better_than_a_coin(hits: int) -> None:
    gate = decide(counts(hits=hits), MEDIUM_UP, attempts=1)
    assert (gate.is_open, gate.more_choices) == (False, None)


@pytest.mark.parametrize(("ahead", "behind"), [(0, 0), (4, 4), (3, 9)])
def test_a_judge_that_is_no_better_than_the_longer_answer_is_shut_out(
    ahead: int, behind: int
) -> None:
    gate = decide(counts(ahead=ahead, behind=behind), MEDIUM_UP, attempts=1)
    assert (gate.is_open, gate.more_choices) == (False, None)
    assert "the longer answer" in gate.reason


def test_being_ahead_of_the_longer_answer_by_luck_is_not_enough() -> None:
    # 5 against 3 is a coin's luck in 93/256 = .36. Settled at 1/8 above one half from
    # (.8416 · 4)² = 11.3, so 12 differing prompts, 4 more; 40 choices gave 8: 20 choices.
    gate = decide(counts(ahead=5, behind=3), MEDIUM_UP, attempts=1)
    assert not gate.is_open
    assert gate.more_choices == 20
    assert luck(5, 3) > LUCK > luck(3, 0)
    assert decide(counts(ahead=3, behind=0), MEDIUM_UP, attempts=1).is_open


@given(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 20),
)  # fmt: skip
def test_a_gate_is_either_open_with_a_weight_or_shut_without_one(
    verdicts: tuple[int, int], ahead: int, behind: int, attempts: int
) -> None:
    n, hits = verdicts
    gate = decide(Evidence(n, n, hits, float(n), ahead, behind), MEDIUM_UP, attempts=attempts)
    assert gate.is_open == (gate.weight > 0) == bool(gate.certainties) == (gate.more_choices == 0)
    assert 0 <= gate.weight < 1
