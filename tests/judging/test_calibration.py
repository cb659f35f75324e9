"""Calibration, against figures counted by hand, and judges whose bias is known."""

import json
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.choices.verdicts import CERTAINTIES, Certainty, Judgement, Side, Winner
from align.judging.calibration import FOLDS, Calibration, Case, calibrate, fold_of
from align.judging.figures import Rate
from align.judging.report import tendencies
from align.preferences.preference import side_of
from align.statistics import Interval, wilson
from tests.judging.cases import KINDS, Kind, case, other, simulated


def calibrated(cases: Iterable[Case], attempts: int = 1) -> Calibration:
    return calibrate(cases, self_agreement=None, attempts=attempts)


def mirrored(result: Case) -> Case:
    """The same case with the names of the answers changed."""

    def renamed(judgement: Judgement | None) -> Judgement | None:
        if judgement is None or judgement.winner in (None, "tie"):
            return judgement
        return judgement._replace(winner=other(judgement.winner))  # type: ignore[arg-type]

    return result._replace(
        chosen=other(result.chosen),
        longer=None if result.longer is None else other(result.longer),
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
    cases.append(refused._replace(ab=Judgement(None, None, "refused")))
    # Every other one by other names, so that the owner chose a and b equally often.
    cases = [mirrored(each) if n % 2 else each for n, each in enumerate(cases)]
    return calibrate(cases, self_agreement=(15, 18), attempts=1)


def test_verdicts_and_abstentions_are_counted(counted_by_hand: Calibration) -> None:
    result = counted_by_hand
    assert (result.cases, result.prompts, result.verdicts, result.counted, result.hits) == (
        24, 24, 18, 18, 14,
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
    # Of equal length counts half: (9 + 2 + 1/2) / 18.
    assert result.longer_accuracy == pytest.approx(11.5 / 18)
    assert result.difference == pytest.approx(2.5 / 18)
    assert result.difference_interval is not None
    assert result.difference_interval.holds(2.5 / 18)
    # Ahead on the 5 hits with the shorter one; behind on 2 misses, and on the one of equal length.
    assert "better on 5 prompts and worse on 3" in result.gate.reason


def test_the_owner_s_own_agreement_is_a_yardstick(counted_by_hand: Calibration) -> None:
    assert counted_by_hand.self_agreement == Rate(15 / 18, *(wilson(15, 18) or ()), 18)


def test_what_is_not_known_is_absent_and_not_zero() -> None:
    result = calibrated([])
    assert [
        result.accuracy, result.interval, result.coverage, result.kappa, result.swap, result.slot,
        result.longer, result.owner_longer, result.longer_accuracy, result.difference,
        result.difference_interval, result.self_agreement, result.gate.bound,
    ] == [None] * 13  # fmt: skip
    assert not result.gate.is_open


def test_an_answer_that_never_came_is_a_problem_of_its_own() -> None:
    result = calibrated([case(0, "a")._replace(ba=None)])
    assert result.problems == {"missing": 1}
    assert result.abstentions == {"unscored": 1}
    assert result.slot is not None
    assert result.slot.cases == 1


def by_certainty(fold_0_low: Winner) -> list[Case]:
    """In each fold 10 sure verdicts, all right, and 10 unsure ones, every other one right."""
    cases = []
    for number in range(80):
        fold, is_sure = number % FOLDS, number < 40
        judgement: Winner = "a" if is_sure or (number // FOLDS) % 2 else "b"
        if fold == 0 and not is_sure:
            judgement = fold_0_low
        certainty: Certainty = "high" if is_sure else "low"
        longer: Side = "a" if number % 3 else "b"
        cases.append(case(number, judgement, fold=fold, certainty=certainty, longer=longer))
    return cases


@pytest.mark.parametrize("fold_0_low", ["a", "b"])
def test_the_certainty_that_counts_is_picked_on_the_other_folds(fold_0_low: Winner) -> None:
    result = calibrated(by_certainty(fold_0_low))
    # Sure ones alone: 1/2 · (2 · 30 / 33.84 - 1)² = .299; all with 20 more of 30 right at best:
    # (2 · .7195 - 1)² = .193.
    assert result.picked == ("high",) * FOLDS
    # So what fold 0 says when unsure counts for nothing, right or wrong.
    assert (result.counted, result.hits) == (40, 40)
    assert result.coverage == 0.5
    assert result.gate.certainties == ("high",)
    low = result.by_certainty["low"].accuracy
    assert (low.share, low.cases) == ((15 + 10 * (fold_0_low == "a")) / 40, 40)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, FOLDS - 1))
def test_no_choice_helps_to_pick_what_it_measures(seed: int, fold: int) -> None:
    cases = simulated("good", 60, seed)
    changed = [
        each._replace(chosen=other(each.chosen)) if each.fold == fold else each for each in cases
    ]
    assert calibrated(cases).picked[fold] == calibrated(changed).picked[fold]


def test_a_certainty_that_was_never_seen_is_not_let_through() -> None:
    result = calibrated([case(n, "a", longer="ab"[n % 2]) for n in range(40)])  # type: ignore[arg-type]
    assert result.gate.certainties == ("high",)


def test_a_judge_that_names_no_certainty_counts_in_full() -> None:
    cases = [
        case(n, "a", longer="ab"[n % 2], certainty=None)  # type: ignore[arg-type]
        for n in range(40)
    ]
    result = calibrated(cases)
    assert result.gate.certainties == CERTAINTIES
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
                st.integers(0, 12), st.sampled_from(SIDES), st.sampled_from([*SIDES, None]),
                ANSWERS, ANSWERS,
            ),
            max_size=40,
        )
    )  # fmt: skip
    return [
        case(n, "a", prompt=prompt)._replace(chosen=chosen, longer=longer, ab=ab, ba=ba)
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
    assert result.hits <= result.counted <= result.verdicts
    assert sum(at.accuracy.cases for at in result.by_certainty.values()) == result.verdicts


@settings(max_examples=50)
@given(any_cases(), st.sampled_from([None, (0, 0), (3, 4)]))
def test_figures_survive_being_written_and_read(
    cases: list[Case], again: tuple[int, int] | None
) -> None:
    result = calibrate(cases, self_agreement=again, attempts=2)
    assert Calibration.from_json(json.loads(json.dumps(result.to_json()))) == result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_a_judge_s_bias_is_seen_and_only_the_good_one_passes(kind: Kind, seed: int) -> None:
    result = calibrated(simulated(kind, 200, seed))
    assert result.gate.is_open == (kind == "good")
    seen = tendencies(result)
    if kind == "good":
        assert seen == []
        assert result.accuracy is not None
        assert result.accuracy > 0.65
    else:
        assert {"random": "chance"}.get(kind, kind) in seen
    # A bias that a judge does not have is not put down to it.
    assert ("first" in seen) == (kind == "first")
    assert ("longer" in seen) == (kind == "longer")
    assert ("contrary" in seen) == (kind == "contrary")


def test_a_judge_that_takes_the_longer_answer_is_shut_out_where_the_owner_likes_it() -> None:
    for seed in range(5):
        result = calibrated(simulated("longer", 200, seed, likes_longer=0.8))
        # It agrees with the owner beyond doubt, and still knows nothing of the owner.
        assert result.gate.bound is not None
        assert result.gate.bound > 0.5
        assert not result.gate.is_open
        assert "the longer answer" in result.gate.reason


@pytest.fixture
def without_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes most of the time, and decides nothing."""
    monkeypatch.setattr("align.judging.calibration.bootstrap", lambda *_, **__: None)


def opening(kind: Kind, n: int, seeds: int, **of_the_owner: float) -> float:
    open_channel = (
        calibrated(simulated(kind, n, seed, **of_the_owner)).gate.is_open  # type: ignore[arg-type]
        for seed in range(seeds)
    )
    return sum(open_channel) / seeds


@pytest.mark.usefixtures("without_bootstrap")
def test_fifty_choices_mostly_open_the_gate_to_a_judge_that_is_right_in_80_percent() -> None:
    # Of 1,000 seeds 81 % do, with an owner who slips in 10 %.
    assert opening("good", 50, 100) >= 0.7


@pytest.mark.usefixtures("without_bootstrap")
def test_a_coin_hardly_ever_opens_the_gate() -> None:
    # 1 to 2 % of seeds do.
    assert opening("random", 50, 100) <= 0.04


@pytest.mark.slow
@pytest.mark.usefixtures("without_bootstrap")
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
