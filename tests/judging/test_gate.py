"""The gate, against values worked out by hand."""

import math
import random
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.judging.gate import (
    LUCK,
    MARGIN,
    MINIMUM,
    Evidence,
    Rival,
    decide,
    effective_cases,
    lower_bound,
    luck,
    weight_of,
    z_of,
)
from align.statistics import Z95


def rival(ahead: int, behind: int, gain: float = 0.2) -> Rival:
    return Rival("the longer answer", ahead, behind, gain)


# 27 of 36 verdicts agree, each on a prompt of its own, of 40 choices.
GOOD = Evidence(
    choices=40, verdicts=36, hits=27, effective=36.0, rivals=(rival(12, 3),),
    by_certainty={"medium": (15, 22), "high": (12, 14)}, self_agreement=(18, 20),
)  # fmt: skip


def counts(**changes: Any) -> Evidence:
    return GOOD._replace(**changes)


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
    ("hits", "verdicts", "again", "weight"),
    [
        # q = 4/6, s = 9/10: (1/3) / (8/10).
        (3, 4, (0, 0), 5 / 12),
        # q = 19/22, s = 27/30: (16/22) / (8/10).
        (18, 20, (18, 20), 10 / 11),
        # q = 40.5/44, s = 19/30: (37/44) / (8/30), no more than a choice.
        (39.5, 42, (10, 20), 1.0),
        (10, 20, (18, 20), 0.0),
        (2, 20, (18, 20), 0.0),
        (0, 0, (0, 0), 0.0),
        # s = 14/30 is less than a coin: 2 q - 1 alone.
        (3, 4, (5, 20), 1 / 3),
    ],
)
def test_a_verdict_weighs_the_judge_s_sureness_by_the_owner_s(
    hits: float, verdicts: int, again: tuple[int, int], weight: float
) -> None:
    assert weight_of(hits, verdicts, again) == pytest.approx(weight)


def simulated_errors(
    right: float, slips: float, n: int, asked: int, draws: int = 400
) -> list[float]:
    """Return how far two weights are from the right one: the lower bound's, and ours."""
    rng = random.Random(f"{right} {slips} {n} {asked}")
    wanted = min(1.0, (2 * right - 1) / (1 - 2 * slips))
    agrees = right * (1 - slips) + (1 - right) * slips
    squares = [0.0, 0.0]
    for _ in range(draws):
        hits = sum(rng.random() < agrees for _ in range(n))
        again = sum((rng.random() < slips) == (rng.random() < slips) for _ in range(asked))
        bound = lower_bound(hits, n, float(n), Z95) or 0.0
        for at, weight in enumerate((max(0, 2 * bound - 1), weight_of(hits, n, (again, asked)))):
            squares[at] += (weight - wanted) ** 2
    return [math.sqrt(square / draws) for square in squares]


@pytest.mark.parametrize("right", [0.7, 0.8, 0.9])
@pytest.mark.parametrize("slips", [0.05, 0.1, 0.2])
@pytest.mark.parametrize(("n", "asked"), [(20, 8), (60, 20), (200, 40)])
def test_the_weight_is_nearer_to_the_right_one_than_the_bound_was(
    right: float, slips: float, n: int, asked: int
) -> None:
    bound, ours = simulated_errors(right, slips, n, asked)
    assert ours < 0.7 * bound
    if slips <= 0.1:
        assert 0.08 <= ours <= 0.37


@pytest.mark.parametrize("flips", [0.0, 0.1, 0.25, 0.5])
def test_the_weight_is_what_flipped_labels_leave_of_the_gradient_where_dpo_begins(
    flips: float,
) -> None:
    def loss(margin: float) -> float:
        return math.log1p(math.exp(-margin))

    def slope(share: float, step: float = 1e-5) -> float:
        mixed = [(1 - share) * loss(m) + share * loss(-m) for m in (step, -step)]
        return (mixed[0] - mixed[1]) / (2 * step)

    # Of very many verdicts, and an owner who never errs, in very many repeats.
    many = 10**9
    weight = weight_of((1 - flips) * many, many, (many, many))
    assert slope(flips) / slope(0.0) == pytest.approx(weight, abs=1e-6)


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


def test_a_judge_that_agrees_opens_the_gate_and_each_certainty_has_its_weight() -> None:
    # z² = 3.8415: centre (.75 + .05335) / 1.10671 = .72590,
    # half 1.96 / 1.10671 · sqrt(.1875 / 36 + 3.8415 / 5184) = .13660.
    gate = decide(GOOD, attempts=1)
    assert gate.is_open
    assert gate.bound == pytest.approx(0.58929, abs=1e-5)
    # 16/24 and 13/16, against 27/30: (1/3) / .8 and (5/8) / .8.
    assert gate.weights == pytest.approx({"medium": 5 / 12, "high": 25 / 32})
    assert gate.weight == pytest.approx((22 * 5 / 12 + 14 * 25 / 32) / 36)
    assert gate.more_choices == 0
    assert "75%" in gate.reason
    assert "58.9%" in gate.reason


def test_a_certainty_at_which_the_judge_is_a_coin_counts_nothing() -> None:
    gate = decide(counts(by_certainty={"low": (5, 10), "high": (22, 26)}), attempts=1)
    assert set(gate.weights) == {"high"}


def test_other_attempts_make_the_bound_stricter_and_leave_the_weight() -> None:
    gates = [decide(GOOD, attempts=k) for k in (1, 2, 4, 40)]
    assert [gate.bound for gate in gates] == sorted(
        (gate.bound for gate in gates), reverse=True, key=float
    )
    assert gates[0].weights == gates[2].weights
    assert not gates[3].is_open
    assert gates[3].weight == 0


def test_few_choices_open_nothing_however_well_they_agree() -> None:
    few = counts(choices=MINIMUM - 1, verdicts=MINIMUM - 1, hits=MINIMUM - 1, effective=19.0)
    gate = decide(few, attempts=1)
    assert (gate.is_open, gate.weights, gate.weight) == (False, {}, 0.0)
    assert gate.more_choices == 1
    enough = counts(choices=20, verdicts=20, hits=20, effective=20.0, rivals=(rival(10, 0),))
    assert decide(enough, attempts=1).is_open


@pytest.mark.parametrize(
    ("abstention", "why"),
    [
        ("swapped", "does not say the same both ways round"),
        ("tie", "neither"),
        ("unscored", "could not be used"),
    ],
)
def test_a_judge_without_verdicts_is_told_why_and_not_helped_by_more_choices(
    abstention: str, why: str
) -> None:
    none = Evidence(100, 0, 0, 0.0, (), {}, abstention=abstention)
    gate = decide(none, attempts=1)
    assert (gate.is_open, gate.bound, gate.more_choices) == (False, None, None)
    assert why in gate.reason


@pytest.mark.parametrize(("hits", "verdicts"), [(64, 119), (104, 200), (180, 330)])
def test_a_coin_is_not_sent_for_thousands_of_choices(hits: int, verdicts: int) -> None:
    gate = decide(
        counts(choices=verdicts, verdicts=verdicts, hits=hits, effective=float(verdicts)),
        attempts=1,
    )
    assert (gate.is_open, gate.more_choices) == (False, None)


def test_the_gate_says_how_many_more_choices_would_tell() -> None:
    # 22 of 36 is 1/9 above one half: (1.96 · 9 / 2)² = 77.8, so 78 verdicts, 42 more than now;
    # 40 choices give 36, so 42 · 40 / 36 = 46.7 choices.
    gate = decide(counts(hits=22), attempts=1)
    assert not gate.is_open
    assert gate.more_choices == 47


def test_verdicts_that_hang_together_need_more_choices() -> None:
    # The same 22 of 36 worth 18: 78 - 18 = 60 more, from 40 choices for 18: 133.3.
    assert decide(counts(hits=22, effective=18.0), attempts=1).more_choices == 134


@pytest.mark.parametrize("hits", [0, 9, 18])
def test_no_number_of_choices_helps_a_judge_that_is_no_better_than_a_coin(hits: int) -> None:
    gate = decide(counts(hits=hits), attempts=1)
    assert (gate.is_open, gate.more_choices) == (False, None)


@pytest.mark.parametrize(("ahead", "behind"), [(0, 0), (4, 4), (3, 9)])
def test_a_judge_that_is_no_better_than_the_longer_answer_is_shut_out(
    ahead: int, behind: int
) -> None:
    gate = decide(counts(rivals=(rival(30, 2), rival(ahead, behind))), attempts=1)
    assert (gate.is_open, gate.more_choices) == (False, None)
    assert "the longer answer" in gate.reason


def test_being_ahead_of_the_longer_answer_by_luck_is_not_enough() -> None:
    # 5 against 3 is a coin's luck in 93/256 = .36. Settled at 1/8 above one half from
    # (.6745 · 4)² = 7.3, so 8 differing prompts, as there are: the exact test wants one more.
    gate = decide(counts(rivals=(rival(5, 3),)), attempts=1)
    assert not gate.is_open
    assert gate.more_choices == 1
    assert luck(5, 3) > LUCK > luck(3, 0)
    assert decide(counts(rivals=(rival(3, 0),)), attempts=1).is_open


@given(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 20),
)  # fmt: skip
def test_a_gate_is_either_open_with_a_weight_or_shut_without_one(
    verdicts: tuple[int, int], ahead: int, behind: int, attempts: int
) -> None:
    n, hits = verdicts
    evidence = Evidence(n, n, hits, float(n), (rival(ahead, behind),), {"low": (hits, n)})
    gate = decide(evidence, attempts=attempts)
    assert gate.is_open == (gate.weight > 0) == bool(gate.weights) == (gate.more_choices == 0)
    assert 0 <= gate.weight <= 1


def test_being_ahead_by_little_is_knowing_no_more_than_the_rule() -> None:
    gate = decide(counts(rivals=(rival(12, 3), rival(40, 2, gain=MARGIN / 2))), attempts=1)
    assert (gate.is_open, gate.more_choices) == (False, None)
