"""What is said before and after a judge's day, and what of it goes to wandb."""

from collections import Counter

import pytest

from align.choices.verdicts import Judgement
from align.claude.budget import Budget
from align.claude.prices import Usage
from align.console import dollars
from align.judging.calibration import calibrate
from align.judging.judge_answers import JudgeCounts
from align.judging.measurement import Outcome
from align.judging.summary import eligible_pairs, history, run_cost, run_figures, verdict_counts
from align.store.gates import GateRow
from tests.judging.cases import simulated
from tests.store.rows import gate


def outcome() -> Outcome:
    figures = calibrate(simulated("good", 100, 1), self_agreement=(9, 10), attempts=1)
    row = GateRow(
        judge="claude", model="m", prompt_hash="0123456789abcdef", is_open=figures.gate.is_open,
        weight=figures.gate.weight, certainties=tuple(figures.gate.weights), choices="digest",
        report=figures.to_json(), time="2026-01-31T12:00:00.000000Z",
    )  # fmt: skip
    return Outcome({"hash": (figures, row)})


def test_how_to_open_a_source_is_said_as_a_command_that_can_be_pasted() -> None:
    printed = list(
        eligible_pairs({"open": 3, "train-only": 5, "sealed": 1}, ("open",), {"mail": 5}, "ann")
    )
    assert (
        printed[0] == "9 pairs for training: 3 open, 5 train-only, 1 sealed. The judge may see 3."
    )
    assert printed[-1].strip() == "align records set-level open --source mail --owner ann"
    assert (
        len(list(eligible_pairs({"open": 3, "train-only": 0, "sealed": 0}, ("open",), {}, "ann")))
        == 1
    )


def test_pairs_count_by_certainty_and_what_counts_is_said() -> None:
    judged = JudgeCounts()
    for printed in (Judgement("a", "high"), Judgement("b", "low"), Judgement("a", "medium")):
        judged.conclude(printed, printed, gate(weight=0.4))
    judged.conclude(Judgement("a", "high"), Judgement("b", "high"))
    lines = list(verdict_counts(judged))
    assert lines[0] == "3 of 4 pairs have a verdict: 1 high, 1 low, 1 medium"
    assert lines[1] == "1 have none: 1 swapped"
    assert lines[-1] == "2 count in training, together as 0.8 choices"
    assert list(verdict_counts(JudgeCounts())) == ["No pair waits for a verdict of this judge."]


def test_what_was_spent_says_how_much_the_cache_gave() -> None:
    done = outcome()
    done.judging.answers, done.judging.cost = 10, 0.0341
    usage = Usage(input_tokens=100, output_tokens=10, cache_read_tokens=300)
    budget = Budget()
    budget.spent = 0.034
    told = ["10 answers, $0.034; 75% of the input from the cache"]
    assert list(run_cost(done, usage, budget)) == told
    budget.unasked = 2000
    assert "2,000 requests unasked" in list(run_cost(done, None, budget))[1]


def test_no_word_on_the_cost_is_no_zero() -> None:
    budget = Budget()
    assert budget.reserve(0.31)
    budget.settle(0.31, None)
    (line,) = run_cost(outcome(), None, budget)
    assert line.endswith("$0.00, and up to $0.31 that nobody stated")


def test_every_attempt_is_a_line() -> None:
    (line,) = history(gate for _, gate in outcome().measured.values())
    time, judge, model, prompt, choices, agrees, printed = line.split("\t")
    assert (time, judge, model, prompt) == ("2026-01-31T12:00", "claude", "m", "01234567")
    assert choices == "100 choices"
    assert agrees.endswith("%)")
    assert printed.startswith("open, 0.")


def test_wandb_gets_numbers_and_no_word() -> None:
    done = outcome()
    done.judging.verdicts = Counter({"high": 3})
    logged = run_figures(done)
    assert logged["judging/verdicts/high"] == 3
    assert logged["calibration/accuracy"] == pytest.approx(done.measured["hash"][0].accuracy)
    assert logged["gate/is_open"] == 1.0
    assert all(isinstance(value, float) for value in logged.values())


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "$0.00"), (0.00034, "$0.00034"), (0.0341, "$0.034"), (0.5, "$0.50"), (1.234, "$1.23"),
     (1234.5, "$1,234.50")],
)  # fmt: skip
def test_amounts_are_written_with_the_digits_that_tell(amount: float, written: str) -> None:
    assert dollars(amount) == written
