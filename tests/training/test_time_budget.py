"""Minutes: how long a run takes is told before it begins, and a budget cuts epochs, then rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.paths import checkpoints_dir
from align.recipe.recipe_file import read_recipe, recipe_path
from align.training import settle as door
from align.training.frozen_rows import kept
from align.training.preflight import machine_speed
from align.training.preflight.machine import Layout
from align.training.preflight.shapes import known_shape
from align.training.prepared_run import TrainingRun
from align.training.settle import settle
from align.training.time_budget import Expectation, expectation, fitted
from align.training.training_request import TrainingRequest
from tests.tiny_runs import dpo_row, sft_row, write_rows

CPU = {"use_cpu": True, "distributed_type": "NO", "num_processes": 1}
SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of one speed: 110 GFLOP/s of a large product."""
    monkeypatch.setattr(machine_speed, "measured_product", lambda: 110e9)


def expected(stage: str = "sft", *words: str, rows: int = 400) -> Expectation:
    given = {"--per_device_train_batch_size": "4", "--gradient_accumulation_steps": "4"}
    given |= {"--gradient_checkpointing": "false", "--num_train_epochs": "3", "--max_length": "512"}
    given |= {"--bf16": "false"}
    own = [part for pair in given.items() if pair[0] not in words for part in pair]
    recipe = read_recipe(recipe_path("smollm2-135m", stage), stage, [*own, *words])
    make = sft_row if stage == "sft" else dpo_row
    made = [
        {"source": "blog", "messages": [{"role": "user", "content": "x"}], **make(at)}
        for at in range(rows)
    ]
    for at, row in enumerate(made):
        text = "word " * (50 + at % 60)
        row["split"] = "held_out" if at % 10 == 0 else "train"
        row |= {"messages": [{"role": "user", "content": text}, *row["messages"][1:]]}
    found = expectation(recipe, made, known_shape(SMOL), Layout("cpu"))
    assert found is not None
    return found


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_time_grows_with_epochs_rows_and_length_and_falls_without_checkpointing(stage: str) -> None:
    """By the formula: so many operations a token, at six tenths of a large product's speed."""
    now = expected(stage, "--num_train_epochs", "2")
    work = now.time()
    assert now.seconds() == pytest.approx(25 + (work.training + work.beside) / 66e9)
    in_half = expected(stage, "--num_train_epochs", "2", "--bf16", "true").seconds()
    assert in_half < 0.8 * now.seconds() or in_half > 4 * now.seconds()  # as this CPU can
    assert now.seconds(num_train_epochs=4) > 1.7 * now.seconds() - 50
    assert now.seconds(0.5) < 0.6 * now.seconds() + 25
    assert (
        now.seconds(gradient_checkpointing=True)
        > 1.2 * now.seconds(gradient_checkpointing=False) - 25
    )
    # Two epochs of 360 rows of up to 109 words, by letters: 4 operations a weight and token, the
    # head's only where something is learned; a pair is two sequences.
    tokens = 2 * 360 * 125 * (2 if stage == "dpo" else 1)
    assert tokens * 4 * 106e6 < work.training < 1.3 * tokens * 4 * 135e6


def test_steps_are_the_trainers_own_and_evaluations_count() -> None:
    more = ("--eval_strategy", "steps", "--eval_steps", "5")
    plain = expected("sft", "--eval_strategy", "no", "--num_train_epochs", "3").time()
    watched = expected("sft", *more, "--num_train_epochs", "3").time()
    # 360 rows in steps of 16 are 23 an epoch.
    assert plain.steps == watched.steps == 69
    assert watched.training > plain.training
    assert expected("sft", "--max_steps", "7").time().steps == 7
    assert (
        expected("dpo").time().beside
        > expected("dpo", "--precompute_ref_log_probs", "no").time().beside
    )


@pytest.mark.parametrize("stage", ["sft", "dpo"])
@pytest.mark.parametrize("wanted", [0.5, 1, 2, 2.5, 3])
def test_epochs_are_cut_first_and_then_rows_and_what_is_left_fits(
    stage: str, wanted: float
) -> None:
    run = expected(stage, "--num_train_epochs", str(wanted))
    whole = run.time().epochs
    for minutes in (1, 2, 3, 5, 8, 1000):
        budget = minutes * 60
        if run.seconds(0.01, num_train_epochs=min(1, whole)) > budget:
            with pytest.raises(UserError, match=r"too little .* Say --minutes \d"):
                fitted(run, minutes)
            continue
        fit = fitted(run, minutes)
        assert run.seconds(fit.share, num_train_epochs=fit.epochs) <= budget
        assert fit.share == 1 or fit.epochs == min(1, whole)
        assert (fit.epochs, fit.share) == (whole, 1) or run.seconds() > budget
        if fit.share < 1:
            assert run.seconds(fit.share + 0.01, num_train_epochs=fit.epochs) > budget
        elif fit.epochs < whole:
            assert run.seconds(num_train_epochs=min(whole, fit.epochs + 1)) > budget


def test_a_recipe_that_counts_steps_has_no_epochs_to_cut() -> None:
    with pytest.raises(UserError, match="max_steps, which says it already"):
        fitted(expected("sft", "--max_steps", "7"), 5)


def test_a_long_run_says_what_makes_it_shorter_and_a_short_one_nothing() -> None:
    long = expected("sft", "--gradient_checkpointing", "true", rows=4000)
    assert long.shorter().count("(about ") == 2 and ", or --minutes " in long.shorter()
    assert "--num_train_epochs 1 (about " in long.shorter()
    assert "checkpointing" not in expected("sft", rows=4000).shorter()
    assert expected("sft", rows=40).shorter() == ""
    assert "about " in long.words() and "measured now" in long.words()


def test_a_share_of_rows_is_of_all_sources_and_the_scarcest_stay() -> None:
    rows = [
        {"source": source, "split": "held_out" if at % 5 == 0 else "train", "at": at}
        for at, source in enumerate(
            ["messages", "blog"] * 200 + ["identity"] * 10 + ["rewrite"] * 10
        )
    ]
    some = kept(rows, 0.3)
    assert some == [row for row in rows if row in some]
    train = [row["source"] for row in some if row["split"] == "train"]
    assert (len(train), len(some) - len(train)) == (101, 26)
    assert train.count("identity") + train.count("rewrite") == 16
    # Where little is left, they are half of it.
    few = [row["source"] for row in kept(rows, 0.05) if row["split"] == "train"]
    assert (len(few), few.count("identity") + few.count("rewrite")) == (17, 8)
    scarce = [row for row in rows if row["source"] == "identity"]
    assert len(kept(scarce, 0.5)) == 5
    assert 25 < train.count("blog") < 60
    assert kept(rows, 1.0) == rows
    # Another row moves no other in or out but the last.
    later = kept([*rows, {"source": "blog", "split": "train", "at": 999}], 0.3)
    assert len([row for row in some if row not in later]) <= 1


@pytest.fixture
def long_run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingRequest:
    """A run of ann's on a machine so slow that it takes hours."""
    monkeypatch.setattr(machine_speed, "measured_product", lambda: 2e5)
    write_rows(trained / "many.jsonl", [sft_row(at) for at in range(300)])
    return TrainingRequest(
        "sft", "ann", "tiny", str(trained / "many.jsonl"), overrides=("--num_train_epochs", "3")
    )


def cut(request: TrainingRequest, minutes: float, **more: Any) -> TrainingRun:
    return settle(TrainingRequest(**{**vars(request), "minutes": minutes, **more}), CPU)


def test_a_cut_run_says_what_it_left_out_and_goes_on_as_it_began(
    long_run: TrainingRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = settle(long_run, CPU)
    assert "it would be shorter with --num_train_epochs 1" in capsys.readouterr().err
    run = cut(long_run, 5)
    said = capsys.readouterr().err
    assert f"of {len(whole.rows.train)} rows and 2 of 3 epochs: about " in said
    assert said.count("--minutes 5 leaves out ") == 1
    assert run.recipe.training["num_train_epochs"] == 1
    assert 0 < len(run.rows.train) < len(whole.rows.train)
    assert run.cut["rows"] == len(run.rows.train) and run.cut["of_epochs"] == 3
    # The machine is busier now; a stopped run goes on all the same.
    monkeypatch.setattr(machine_speed, "measured_product", lambda: 1e5)
    assert cut(long_run, 5).inputs == run.inputs
    assert cut(long_run, 5, restart=True).inputs != run.inputs
    assert cut(long_run, 100_000).inputs == whole.inputs
    assert "holds all of it" in capsys.readouterr().err


def test_a_base_of_an_unknown_kind_has_no_minutes(
    long_run: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("align.training.time_budget.base_here", lambda base: _Unknown())
    with pytest.raises(UserError, match=r"--minutes 5: how long .* is not known. Say --num_train"):
        cut(long_run, 5)


class _Unknown:
    shape = None


def test_what_a_run_came_to_is_remembered_for_the_next(root: Path) -> None:
    planned = {"operations": 3e12, "device": "cpu", "product": 1e11}
    first = expected()
    for broken in ("", "[]", "{"):
        machine_speed._file().write_text(broken)
        assert expected().speed == first.speed
    machine_speed.remember("sft", "h", planned, 2.0)
    machine_speed.remember("sft", "h", {}, 200.0)
    assert expected().speed == first.speed
    machine_speed.remember("sft", "", planned, 100.0)
    slower = expected()
    assert slower.speed.flops == pytest.approx(0.3 * 110e9)
    assert slower.seconds() > first.seconds() and "and before" in slower.words()
    # The other stage takes it too, until it has its own.
    assert expected("dpo").speed.flops == slower.speed.flops
    assert json.loads(machine_speed._file().read_text()) == {"cpu ": {"sft": 0.3}}


def test_lineage_records_what_was_cut(long_run: TrainingRequest) -> None:
    from align import sft

    run = cut(long_run, 4)
    assert sft.main(["--settled", str(door.begin(run, restart=False))]) == 0
    twin = json.loads((checkpoints_dir("ann") / "sft" / "twin.json").read_text())
    assert twin["recipe"]["cut"] == run.cut
    assert twin["rows"]["train"] == run.cut["rows"] < run.cut["of_rows"]
    assert run.cut["minutes"] == 4
    assert cut(long_run, 4).finished
