"""What the curves should not hide."""

import math

import pytest

from align.errors import UserError
from align.training.alarms import alarms, not_finite
from align.training.preference_report import longer_by, pair_metrics
from align.training.reference_check import check_cached, check_reference


def history(chosen: list[float], accuracy: list[float]) -> list[dict[str, float]]:
    return [
        {"step": at + 1, "logps/chosen": c, "rewards/accuracies": a}
        for at, (c, a) in enumerate(zip(chosen, accuracy, strict=True))
    ]


def test_falling_chosen_log_probs_raise_an_alarm() -> None:
    (sentence,) = alarms(history([-40, -42, -55, -61], [0, 0.5, 0.6, 0.7]), 40)
    assert "grow less likely" in sentence and "loss_type: [sigmoid, sft]" in sentence


def test_reward_accuracy_of_1_at_once_raises_an_alarm() -> None:
    (sentence,) = alarms(history([-40] * 4, [0.0, 1.0, 1.0, 1.0]), 40)
    assert "at once" in sentence


def test_an_ordinary_run_raises_none() -> None:
    assert alarms(history([-40, -40, -42, -43], [0, 0.6, 0.7, 0.8]), 8) == []
    assert alarms([], 8) == []


def test_first_value_that_is_no_number_is_named() -> None:
    assert not_finite({"loss": 0.5, "grad_norm": math.nan}) == "grad_norm"
    assert not_finite({"loss": 0.5}) is None


@pytest.mark.parametrize("wrong", [0.01, math.nan])
def test_reward_before_the_first_step_is_refused(wrong: float) -> None:
    check_reference([5e-5, 0.0], [0.0, 0.0], reference="001-sft")
    with pytest.raises(UserError, match="not 001-sft"):
        check_reference([0.0, wrong], [0.0, 0.0], reference="001-sft")


def test_cached_log_probs_may_differ_by_rounding_only() -> None:
    check_cached([-60.0], [-60.0001], half=False)
    with pytest.raises(UserError):
        check_cached([-60.0], [-60.5], half=False)


def test_reward_accuracy_carries_its_interval_and_is_absent_without_pairs() -> None:
    assert pair_metrics([]) == {}
    measured = pair_metrics([(1.0, 0.0)] * 3 + [(0.0, 0.0)])
    assert measured["reward_accuracy"] == 0.75
    low, high = measured["reward_accuracy_interval"]
    assert 0.2 < low < 0.75 < high < 1


def test_length_difference_is_in_words() -> None:
    assert longer_by([{"chosen": "a b c", "rejected": "a"}]) == 2
