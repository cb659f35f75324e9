"""What the curves should not hide."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.errors import UserError
from align.training.alarms import Alarm, alarms
from align.training.training_report import longer_by, pair_metrics
from align.training.weighted_dpo import check_cached, check_reference
from tests.tiny_runs import words, write_rows
from tests.training.test_stopping import tell_at


def history(chosen: list[float], accuracy: list[float]) -> list[dict[str, float]]:
    return [
        {"step": at + 1, "logps/chosen": c, "rewards/accuracies": a}
        for at, (c, a) in enumerate(zip(chosen, accuracy, strict=True))
    ]


def test_falling_chosen_log_probs_raise_an_alarm() -> None:
    (alarm,) = alarms(history([-40, -42, -55, -61], [0, 0.5, 0.6, 0.7]), 40)
    assert alarm.name == "chosen_less_likely" and not alarm.is_fatal
    assert "grow less likely" in alarm.sentence and "loss_type: [sigmoid, sft]" in alarm.sentence


@pytest.mark.parametrize(
    ("told", "alarming"),
    [
        ([(1, 0.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 1.0)], True),
        ([(1, 0.0), (5, 0.5), (6, 1.0), (7, 1.0), (8, 1.0), (9, 1.0), (10, 1.0)], True),
        ([(1, 0.0), (10, 1.0)], True),
        ([(10, 0.9)], True),
        ([(1, 0.0), (25, 1.0)], True),
        # One batch of a few pairs is all right now and then.
        ([(1, 0.0), (2, 1.0), (3, 0.75), (4, 1.0), (5, 1.0), (6, 0.5), (7, 1.0)], False),
        ([(10, 0.8), (20, 1.0)], False),
        ([(1, 0.0), (10, 0.9), (20, 1.0), (30, 1.0)], False),
        ([(1, 0.0)], False),
    ],
)  # fmt: skip
def test_reward_accuracy_of_1_within_ten_steps_raises_an_alarm(
    told: list[tuple[int, float]], alarming: bool
) -> None:
    found = alarms([{"step": step, "rewards/accuracies": right} for step, right in told], 40)
    assert [alarm.name for alarm in found] == ["told_at_once"] * alarming


def test_loss_or_gradient_that_is_no_number_is_fatal() -> None:
    (alarm,) = alarms([{"step": 1, "loss": 0.7}, {"step": 2, "loss": math.nan}], 40)
    assert alarm.is_fatal and alarm.sentence == "loss is not a number any more"
    (alarm,) = alarms([{"step": 1, "loss": 0.7, "grad_norm": math.inf}], 40)
    assert alarm.is_fatal and "grad_norm" in alarm.sentence


def test_an_ordinary_run_raises_none() -> None:
    assert alarms(history([-40, -40, -42, -43], [0, 0.6, 0.7, 0.8]), 8) == []
    assert alarms([], 8) == []


def test_first_value_that_is_no_number_is_named() -> None:
    (alarm,) = alarms([{"step": 1, "loss": 0.5, "grad_norm": math.nan}], 10)
    assert alarm.is_fatal and alarm.sentence.startswith("grad_norm")
    assert alarms([{"step": 1, "loss": 0.5}], 10) == []


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


class Listener:
    """A callback's `on_alarm`, as trackers have it."""

    def __init__(self) -> None:
        self.heard: list[Alarm] = []

    def callback(self) -> Any:
        from transformers import TrainerCallback

        outer = self

        class Told(TrainerCallback):
            def on_alarm(self, alarm: Alarm) -> None:
                outer.heard.append(alarm)

        return Told()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    listener = Listener()
    monkeypatch.setattr("align.training.trainer_loop.callbacks", lambda *_: [listener.callback()])
    return listener


@pytest.mark.slow
def test_real_run_sounds_each_alarm_once_even_if_it_was_stopped_between(
    trained: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    # What was chosen always says one thing, and what was rejected another: a matter of one word.
    pairs = [
        {"prompt": f"Tell me about number {at}.", "chosen": "yes yes", "rejected": "no no"}
        for at in range(24)
    ]
    write_rows(trained / "dpo.jsonl", pairs)
    line = words(trained, "dpo", "--num_train_epochs", "2", "--learning_rate", "0.02")
    patch = tell_at(9)
    assert dpo.main(line) == 143
    patch.undo()
    assert dpo.main(line) == 0
    said = capsys.readouterr().err
    assert said.count("dpo: ! the chosen answers were told from the rejected ones at once") == 1
    assert [alarm.name for alarm in listener.heard].count("told_at_once") == 1
    twin = json.loads((trained / "checkpoints/ann/002-dpo/twin.json").read_text())
    assert sum("told" in sentence for sentence in twin["metrics"]["alarms"]) == 1


@pytest.mark.parametrize("more", [("--save_steps", "100"), ("--logging_steps", "100")])
def test_real_run_that_leaves_the_numbers_stops_and_is_neither_published_nor_gone_on_from(
    trained: Path, listener: Listener, capsys: pytest.CaptureFixture[str], more: tuple[str, str]
) -> None:
    # Between two lines of the log the save looks at the weights itself.
    line = words(trained, "sft", *more)
    broken = [*line, "--learning_rate", "1e38"]
    assert sft.main(broken) == 2
    said = capsys.readouterr().err
    assert "is not a number any more. Lower learning_rate" in said
    assert ("a weight" in said) == (more[0] == "--logging_steps")
    assert not (trained / "checkpoints/ann/002-sft").exists()
    (alarm,) = listener.heard
    assert alarm.name == "stopped" and alarm.is_fatal and "Lower learning_rate" in alarm.sentence
    assert sft.main([*line, "--seed", "8"]) == 0


def test_wrong_reference_ends_a_real_run_and_is_told(
    trained: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    # Dropout makes the policy another model than the reference, before the first step.
    line = words(trained, "dpo", "--disable_dropout", "false")
    assert dpo.main(line) == 2
    assert "policy and reference differ before training" in capsys.readouterr().err
    assert [(alarm.name, alarm.is_fatal) for alarm in listener.heard] == [("stopped", True)]
    assert not (trained / "checkpoints/ann/002-dpo").exists()
