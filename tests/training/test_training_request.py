"""The words after `-m align.sft`, and the request that they make."""

import pytest

from align.errors import UserError
from align.training.training_request import TrainingRequest, parse_request


def test_options_are_ours_and_all_else_is_the_recipes_in_its_order() -> None:
    words = [
        "--config", "tiny", "--loss_type", "sigmoid", "sft", "--owner=ann", "--learning_rate",
        "-1e-5", "--restart", "--dataset", "rows.jsonl", "--own", "x", "--publish_best",
    ]  # fmt: skip
    overrides = ("--loss_type", "sigmoid", "sft", "--learning_rate", "-1e-5", "--own", "x",
                 "--publish_best")  # fmt: skip
    assert parse_request("dpo", words) == TrainingRequest(
        "dpo", "ann", "tiny", "rows.jsonl", overrides=overrides, restart=True
    )
    assert parse_request("sft", []) == TrainingRequest("sft")


@pytest.mark.parametrize("words", [["--owner"], ["--owner", "--recipe", "tiny"]])
def test_option_without_its_value_is_refused(words: list[str]) -> None:
    with pytest.raises(UserError, match=r"--owner: no value after it. Say --owner VALUE"):
        parse_request("sft", words)


def test_empty_owner_is_not_the_demo() -> None:
    assert parse_request("sft", ["--owner", ""]).owner_id == ""


def test_words_of_a_request_ask_the_same() -> None:
    request = TrainingRequest(
        "dpo", "ann", "tiny", "rows.jsonl", "002-dpo", ("--beta", "0.3"), restart=True
    )
    assert parse_request("dpo", request.words[1:]) == request
