"""Calibration, against figures counted by hand, and judges whose bias is known."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.choices.verdicts import CERTAINTIES, Judgement, Side, Winner
from align.judging.calibration import FOLDS, Calibration, Case, calibrate, fold_of
from align.judging.figures import Rate
from align.preferences.preference import side_of
from align.statistics import Interval, wilson
from tests.judging.cases import KINDS, Kind, case, other, shapes, simulated


def calibrated(cases: Iterable[Case], attempts: int = 1) -> Calibration:
    return calibrate(cases, self_agreement=None, attempts=attempts)


def mirrored(result: Case) -> Case:
    """The same case with the names of the answers changed."""

    def renamed(judgement: Judgement | None) -> Judgement | None:
        if judgement is None or judgement.winner in (None, "tie"):
            return judgement
        return judgement._replace(winner=other(judgement.winner))  # type: ignore[arg-type]

    return replace(
        result,
        chosen=None if result.chosen is None else other(result.chosen),
        shapes=result.shapes[::-1],
        ab=renamed(result.ba),
        ba=renamed(result.ab),
    )


@pytest.fixture(scope="module")
def counted_by_hand() -> Calibration:
    """24 choices: 18 verdicts, 14 of which agree; 3 swapped, 2 ties, 1 refused."""
    judgement: list[tuple[Winner, Winner, Side | None]] = [
        *[("a", "a", "a")] * 9, *[("a", "a", "b")] * 5,
        ("b", "b", "b"), ("b", "b", "a"), ("b", "b", "a"), ("b", "b", None),
        *[("a", "b", "a")] * 3,
        *[("tie", "a", "a")] * 2,
    ]  # fmt: skip
    cases = [
        case(number, ab, ba, longer=longer, fold=number % FOLDS)
        for number, (ab, ba, longer) in enumerate(judgement)
    ]
    refused = case(23, "a", fold=3)
    cases.append(replace(refused, ab=Judgement(None, None, "refused")))
    # Every other one by other names, so that the owner chose a and b equally often.
    cases = [mirrored(each) if n % 2 else each for n, each in enumerate(cases)]
    return calibrate(cases, self_agreement=(15, 18), attempts=1)


def test_verdicts_and_abstentions_are_counted(counted_by_hand: Calibration) -> None:
    result = counted_by_hand
    assert (result.cases, result.prompts, result.verdicts, result.hits) == (
        24, 24, 18, 14,
    )  # fmt: skip
    assert result.abstentions == {"swapped": 3, "tie": 2, "unscored": 1}
    assert result.problems == {"refused": 1}
    assert result.accuracy == pytest.approx(14 / 18)
    assert result.coverage == pytest.approx(18 / 24)
    assert result.interval == wilson(14, 18)
    assert result.effective == 18


def test_kappa_is_what_chance_leaves(counted_by_hand: Calibration) -> None:
    # The 18 are chosen a nine times and b nine times, and so are the verdicts: chance is 1/2.
    assert counted_by_hand.kappa == pytest.approx(2 * 14 / 18 - 1)


def test_the_swap_rate_is_of_pairs_with_two_winners(counted_by_hand: Calibration) -> None:
    assert counted_by_hand.swap == Rate(3 / 21, *(wilson(3, 21) or ()), 21)


def test_the_slot_rate_is_of_all_answers_with_a_winner(counted_by_hand: Calibration) -> None:
    # 36 of verdicts, half of them first; 6 of swapped ones, all first; none of
    # the ties' two, nor of the refused pair's one: with b first, they name a.
    slot = counted_by_hand.slot
    assert slot is not None
    assert slot.share == pytest.approx(24 / 45)
    assert slot.cases == 45
    # The interval is that of 24 pairs.
    assert Interval(slot.low, slot.high) == wilson(24 / 45 * 24, 24)


def test_the_longer_answer_is_a_yardstick_on_the_same_pairs(counted_by_hand: Calibration) -> None:
    result = counted_by_hand
    # The owner took the longer one in 9 of 14 hits and 2 of 3 misses between unequal answers.
    assert result.longer == Rate(10 / 17, *(wilson(10, 17) or ()), 17)
    assert result.owner_longer == pytest.approx(11 / 17)
    # The best rule on any three folds; of equal length counts half: (9 + 2 + 1/2) / 18.
    assert result.rule == "the longer answer"
    assert result.rule_accuracy == pytest.approx(11.5 / 18)
    # Ahead on the 5 hits with the shorter one; behind on 2 misses, and on the one of equal length.
    assert "better on 5 prompts and worse on 3" in result.gate.reason


def test_the_owner_s_own_agreement_is_a_yardstick(counted_by_hand: Calibration) -> None:
    assert counted_by_hand.self_agreement == Rate(15 / 18, *(wilson(15, 18) or ()), 18)


def test_what_is_not_known_is_absent_and_not_zero() -> None:
    result = calibrated([])
    assert [
        result.accuracy, result.interval, result.coverage, result.kappa, result.swap, result.slot,
        result.longer, result.owner_longer, result.rule, result.rule_accuracy,
        result.self_agreement, result.gate.bound,
    ] == [None] * 12  # fmt: skip
    assert not result.gate.is_open


def test_an_answer_that_never_came_is_a_problem_of_its_own() -> None:
    result = calibrated([replace(case(0, "a"), ba=None)])
    assert result.problems == {"missing": 1}
    assert result.abstentions == {"unscored": 1}
    assert result.slot is not None
    assert result.slot.cases == 1


def test_each_certainty_has_a_weight_of_its_own() -> None:
    # Sure verdicts are right in 38 of 40, unsure ones in every other.
    cases = [
        case(
            number,
            "b" if number in (3, 7) or (number >= 40 and number % 2) else "a",
            certainty="high" if number < 40 else "low",
            longer="a" if number % 3 else "b",
        )
        for number in range(80)
    ]
    result = calibrated(cases)
    assert (result.verdicts, result.hits, result.coverage) == (80, 58, 1.0)
    # 39/42 against 9/10; a coin counts nothing.
    assert result.gate.weights == {"high": 1.0}
    low = result.by_certainty["low"]
    assert (low.share, low.cases) == (0.5, 40)


def test_what_the_owner_calls_both_or_neither_is_half_a_hit() -> None:
    cases = [case(n, "a", longer="ab"[n % 2]) for n in range(40)]  # type: ignore[arg-type]
    torn = [case(100 + n, "a" if n % 2 else "b", chosen=None) for n in range(20)]
    silent = [case(200 + n, "tie", chosen=None) for n in range(20)]
    result = calibrated(cases + torn + silent)
    assert (result.cases, result.ties) == (80, 40)
    assert (result.verdicts, result.hits, result.accuracy) == (60, 50, 50 / 60)
    # 51/62 against 9/10.
    assert result.gate.weights["high"] == pytest.approx((40 / 62) / 0.8)
    assert calibrated(cases).gate.weights["high"] == 1.0
    assert calibrated(torn + silent).gate.more_choices == 20, "none of these has a winner"


def test_a_certainty_that_was_never_seen_is_not_let_through() -> None:
    result = calibrated([case(n, "a", longer="ab"[n % 2]) for n in range(40)])  # type: ignore[arg-type]
    assert set(result.gate.weights) == {"high"}


def test_a_judge_that_names_no_certainty_counts_in_full() -> None:
    cases = [
        case(n, "a", longer="ab"[n % 2], certainty=None)  # type: ignore[arg-type]
        for n in range(40)
    ]
    result = calibrated(cases)
    assert set(result.gate.weights) == {"unstated"}
    assert list(result.by_certainty) == ["unstated"]


def test_answers_to_one_prompt_are_no_independent_cases() -> None:
    # Half of 30 prompts all right, half all wrong: 90 verdicts are worth 30.
    cases = [
        case(n, "a" if (n // 3) % 2 else "b", prompt=n // 3, fold=n // 3 % FOLDS) for n in range(90)
    ]
    result = calibrated(cases)
    assert result.effective == pytest.approx(30)
    assert result.interval == pytest.approx(wilson(15, 30))


def test_a_pair_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a pair comes twice"):
        calibrated([case(1, "a"), case(1, "b")])


def test_a_prompt_in_two_folds_is_refused() -> None:
    with pytest.raises(ValueError, match="two folds"):
        calibrated([case(1, "a", prompt=7, fold=0), case(2, "a", prompt=7, fold=1)])


SIDES: tuple[Side, Side] = ("a", "b")
ANSWERS = st.one_of(
    st.none(),
    st.builds(Judgement, st.sampled_from(["a", "b", "tie"]), st.sampled_from([None, *CERTAINTIES])),
    st.builds(Judgement, st.none(), st.none(), st.sampled_from(["refused", "malformed"])),
)


@st.composite
def any_cases(draw: st.DrawFn) -> list[Case]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, 12), st.sampled_from([*SIDES, None]),
                st.sampled_from([*SIDES, None]), ANSWERS, ANSWERS,
            ),
            max_size=40,
        )
    )  # fmt: skip
    return [
        replace(case(n, "a", prompt=prompt), chosen=chosen, shapes=shapes(longer), ab=ab, ba=ba)
        for n, (prompt, chosen, longer, ab, ba) in enumerate(drawn)
    ]


@settings(max_examples=50)
@given(any_cases())
def test_the_names_of_the_answers_change_nothing(cases: list[Case]) -> None:
    assert calibrated(map(mirrored, cases)) == calibrated(cases)


@settings(max_examples=25)
@given(any_cases(), st.randoms())
def test_the_order_of_the_cases_changes_nothing(cases: list[Case], rng: object) -> None:
    shuffled = list(cases)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert calibrated(shuffled) == calibrated(cases)


@settings(max_examples=50)
@given(any_cases())
def test_every_case_is_counted_once(cases: list[Case]) -> None:
    result = calibrated(cases)
    assert result.verdicts + sum(result.abstentions.values()) == result.cases == len(cases)
    assert result.hits <= result.verdicts
    assert sum(at.cases for at in result.by_certainty.values()) == result.verdicts


@settings(max_examples=50)
@given(any_cases(), st.sampled_from([None, (0, 0), (3, 4)]))
def test_figures_survive_being_written_and_read(
    cases: list[Case], again: tuple[int, int] | None
) -> None:
    written = calibrate(cases, self_agreement=again, attempts=2).to_json()
    assert json.loads(json.dumps(written)) == written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_a_judge_s_bias_is_seen_and_only_the_good_one_passes(kind: Kind, seed: int) -> None:
    result = calibrated(simulated(kind, 200, seed))
    assert result.gate.is_open == (kind == "good")
    if kind == "good":
        assert result.accuracy is not None
        assert result.accuracy > 0.65
    elif kind == "first":
        assert result.slot is not None
        assert result.slot.low > 0.5
    elif kind == "longer":
        assert result.longer is not None
        assert result.longer.low > (result.owner_longer or 0)


def test_a_judge_that_takes_the_longer_answer_is_shut_out_where_the_owner_likes_it() -> None:
    for seed in range(5):
        result = calibrated(simulated("longer", 200, seed, likes_longer=0.8))
        # It agrees with the owner beyond doubt, and still knows nothing of the owner.
        assert result.gate.bound is not None
        assert result.gate.bound > 0.5
        assert not result.gate.is_open
        assert "the longer answer" in result.gate.reason


def opening(kind: Kind, n: int, seeds: int, **of_the_owner: float) -> float:
    open_channel = (
        calibrated(simulated(kind, n, seed, **of_the_owner)).gate.is_open  # type: ignore[arg-type]
        for seed in range(seeds)
    )
    return sum(open_channel) / seeds


def test_fifty_choices_mostly_open_the_gate_to_a_judge_that_is_right_in_80_percent() -> None:
    # Of 1,000 seeds 81 % do, with an owner who slips in 10 %.
    assert opening("good", 50, 100) >= 0.7


def test_a_coin_hardly_ever_opens_the_gate() -> None:
    # 1 to 2 % of seeds do.
    assert opening("random", 50, 100) <= 0.04


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "likes_longer", "most"),
    # A coin's limit is what the first attempt may err by; 1.3 to 1.6 % of seeds were seen. The
    # other is kept out by a test that is less strict, and opens the gate in 1 to 4 %.
    [("random", 0.55, 0.025), ("longer", 0.62, 0.05)],
)
@pytest.mark.parametrize("n", [50, 200])
def test_the_gate_seldom_opens_by_luck(
    kind: Kind, likes_longer: float, most: float, n: int
) -> None:
    assert opening(kind, n, 2000, likes_longer=likes_longer) <= most


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
