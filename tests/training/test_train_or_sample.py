"""`align dpo --or-sample`: what an owner with choices, and one without, gets."""

from pathlib import Path

import pytest

from align.store.connection import open_store
from align.training import train_or_sample as walk
from tests.commands.line import Line
from tests.store.rows import add_pair, append_event

DPO = ["dpo", "--or-sample", "--owner", "ann", "--recipe", "tiny", "--accelerate", "zero2"]
TRAIN = "dpo --owner ann --recipe tiny --accelerate zero2"


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


@pytest.fixture
def steps(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Instead of running a step keep its words; values are exit codes, 0 where none is set."""
    codes: dict[str, int] = {}

    def step(words: str) -> int:
        codes.setdefault(words, 0)
        return codes[words]

    monkeypatch.setattr(walk, "launch", lambda request, accelerate: step(TRAIN))
    monkeypatch.setattr(walk, "_run", lambda words: step(" ".join(words)))
    return codes


def choose(outcome: str) -> None:
    with open_store("ann", create=True) as conn:
        pair = add_pair(conn)
        payload = {"outcome": outcome}
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload=payload)


def test_choices_are_trained_on_and_the_models_compared(steps: dict[str, int], line: Line) -> None:
    choose("a")
    line(*DPO)
    assert list(steps) == [TRAIN, "evaluate --owner ann"]
    assert line.err == f".venv/bin/align {TRAIN}\n"


def test_a_training_that_fails_is_not_evaluated(steps: dict[str, int], line: Line) -> None:
    choose("a")
    steps[TRAIN] = 143
    line(*DPO, code=143)
    assert list(steps) == [TRAIN]


@pytest.mark.parametrize("outcome", [None, "neither"])
def test_without_a_choice_that_has_a_winner_pairs_are_drawn_and_packed(
    steps: dict[str, int], line: Line, outcome: str | None
) -> None:
    if outcome:
        choose(outcome)
    line(*DPO)
    assert list(steps) == ["sample --owner ann --accelerate zero2", "pack --owner ann --for label"]
    assert (
        line.err
        == """
No choices of ann yet, so there is nothing to train on. Label, then come back:
    make label OWNER=ann        (here, or on your laptop after: make unpack OWNER=ann FROM=the-pack)
    make dpo OWNER=ann
"""
    )


def test_what_was_not_drawn_is_not_packed(steps: dict[str, int], line: Line) -> None:
    steps["sample --owner ann --accelerate zero2"] = 2
    line(*DPO, code=2, one_line=False)
    assert len(steps) == 1 and "come back" not in line.err


def test_a_step_is_printed_and_its_exit_code_comes_back(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert walk._run(["choices", "count", "--owner", "ann"]) == 0
    said = capfd.readouterr()
    assert (said.out, said.err) == ("0\n", ".venv/bin/align choices count --owner ann\n")
    assert walk._run(["pack", "--owner", "ann", "--for", "label"]) == 2
