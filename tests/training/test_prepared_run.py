"""A run that is settled in one process is the same in those that train it."""

from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.training.prepared_run import prepare, read_run, write_run
from align.training.training_request import parse_request
from tests.tiny_runs import words


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_written_run_is_read_back_whole(trained: Path, stage: str) -> None:
    line = words(trained, stage, "--seed", "5", "--learning_rate", "3e-7")
    run = prepare(parse_request(stage, line))
    file = write_run(run)
    # What is trained on was settled: neither the recipe nor the rows are looked up again.
    (trained / f"{stage}.jsonl").unlink()
    (trained / f"recipes/tiny/{stage}.yaml").unlink()
    assert read_run(file) == run


def test_rows_that_changed_since_they_were_frozen_are_refused(trained: Path) -> None:
    run = prepare(parse_request("sft", words(trained, "sft")))
    file = write_run(run)
    run.rows.path.write_bytes(run.rows.path.read_bytes() + b"{}\n")
    with pytest.raises(UserError, match="its rows changed since they were frozen"):
        read_run(file)


def test_processes_that_read_other_rows_do_not_train_together(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from align.training import trainer_loop

    run = prepare(parse_request("sft", words(trained, "sft", "--seed", "5")))
    others = [("of rank 0", None), ("of rank 1", None)]

    def gathered(seen: list[Any], mine: Any) -> None:
        seen[:] = others

    monkeypatch.setattr(trainer_loop.dist, "all_gather_object", gathered)
    with pytest.raises(UserError, match="the rows changed while the processes read them"):
        trainer_loop._last_save(run, 2)
    others[1] = others[0]
    assert trainer_loop._last_save(run, 2) is None
