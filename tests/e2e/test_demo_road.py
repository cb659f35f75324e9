"""The demo's whole road, by the commands that a user types; slow, so CI's own stretch."""

import os
from pathlib import Path

import pytest

from align.evaluation.scorecard import Scorecard, from_json
from benchmarks.road import drive, make_root

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    # CI has just walked it, by the README's own command, and names the root where it did.
    walked = os.environ.get("WALKED_ROOT")
    root: Path = Path(walked) if walked else tmp_path_factory.mktemp("road")
    if not walked:
        make_root(root)
        drive(root, "demo", seed=0)
    return from_json((root / "checkpoints/demo/scorecard/scorecard.json").read_text())


def test_enough_prompts_were_held_out(card: Scorecard) -> None:
    assert card.prompts >= 240


@pytest.mark.parametrize(
    ("first", "second", "target"), [("sft", "base", 0.9), ("dpo", "sft", 0.75)]
)
def test_each_stage_wins_over_the_one_before(
    card: Scorecard, first: str, second: str, target: float
) -> None:
    match = card.match(first, second, "voice judge")
    assert match is not None and match.low is not None and match.high is not None
    # One seed is one draw: its interval, not its point, must leave a coin out and allow the target.
    assert match.low > 0.5
    assert match.high >= target


def test_each_stage_comes_closer_to_the_owners_habits(card: Scorecard) -> None:
    distance = card.measure("distance to the owner's habits")
    assert distance is not None
    assert distance.values["base"] > distance.values["sft"] > distance.values["dpo"]


def test_the_twin_still_speaks_of_what_was_asked(card: Scorecard) -> None:
    topic = card.measure("on topic")
    assert topic is not None
    step = topic.steps[-1]
    assert step.high >= -0.03


def test_held_out_choices_are_predicted_better_than_by_a_coin(card: Scorecard) -> None:
    accuracy = card.measure("held-out reward accuracy")
    assert accuracy is not None
    assert accuracy.values["dpo"] > 0.5
