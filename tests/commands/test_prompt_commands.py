"""`align prompts` and `align sample --against-records`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.store.adding import add_records
from align.store.answers import answers_of
from align.store.connection import open_store
from align.store.pairs import iter_pairs
from align.store.records import Record
from align.training.prepared_run import prepare
from align.training.training_request import TrainingRequest
from tests.commands.line import Line
from tests.little_twins import write_twin


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


@pytest.fixture
def ann(root: Path) -> Path:
    """An owner whom people asked a dozen things, a quarter of them held out."""
    kept: dict[str, Any] = {"kind": "turn", "source": "telegram", "level": "train-only"}
    said = [
        (number, at, text)
        for number in range(12)
        for at, text in enumerate((f"What of number {number}?", f"Well, {number} is a number."))
    ]
    records = [
        Record.new(
            text=text, is_owner=bool(at), position=at, origin=f"t{number}", thread=f"t{number}",
            split="evaluation" if number % 4 == 0 else "train", **kept,
        )
        for number, at, text in said
    ]  # fmt: skip
    add_records(open_store("ann", create=True), records)
    return root


@pytest.mark.usefixtures("ann")
def test_what_people_asked_is_added_once(line: Line) -> None:
    assert line("prompts", "from-records", "--owner", "ann", "--limit", 4) == "5 new, 0 known\n"
    assert line("prompts", "from-records", "--owner", "ann") == "7 new, 5 known\n"
    listed = line("prompts", "list", "--owner", "ann")
    assert listed.count("\tasked\ttrain-only\ttrain\t") == 9
    assert listed.count("\tasked\ttrain-only\tevaluation\t") == 3


def test_what_people_asked_of_nobody_is_one_line(root: Path, line: Line) -> None:
    assert "no store" in line("prompts", "from-records", "--owner", "bea", code=2)


@pytest.mark.usefixtures("root")
def test_conversations_of_a_file_are_added(line: Line, tmp_path: Path) -> None:
    said = ["Are you coming?", "Yes.", "By train?"]
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(said)
    ]
    (tmp_path / "p.jsonl").write_text(json.dumps({"messages": messages}))
    assert line("prompts", "add", tmp_path / "p.jsonl", "--owner", "ann") == "1 new, 0 known\n"
    assert line("prompts", "list", "--owner", "ann").endswith("\tBy train?\n")


@pytest.mark.usefixtures("ann")
def test_pairs_for_nothing_are_drawn_of_the_sft_twin_and_go_on(line: Line) -> None:
    sft = write_twin("ann", "sft", seed=1)
    write_twin("ann", "dpo", seed=2, parent=sft)
    line("prompts", "from-records", "--owner", "ann")
    words = ("sample", "--against-records", "--owner", "ann")
    said = "{} pairs of a real reply and an answer of 001-sft, of 9 prompts\n"
    assert line(*words, "--limit", 4) == said.format(4)
    assert line(*words) == said.format(9)
    assert "baseline" not in line.out and "labelling must beat them" in line.err
    assert "--against_records 1.0" in line.err
    assert line(*words) == said.format(9)
    assert "drawn already" in line.err
    conn = open_store("ann")
    assert len(answers_of(conn, sft.hash)) == 9
    assert list(iter_pairs(conn)) == []


@pytest.mark.usefixtures("ann")
def test_a_run_takes_pairs_for_nothing_where_its_recipe_says_so(line: Line) -> None:
    write_twin("ann", "sft", seed=1)
    line("prompts", "from-records", "--owner", "ann")
    weighted = TrainingRequest("dpo", "ann", "demo", overrides=("--against_records", "0.5"))
    with pytest.raises(UserError, match="align sample --against-records --owner ann"):
        prepare(weighted)
    line("sample", "--against-records", "--owner", "ann")
    run = prepare(weighted)
    rows = [*run.rows.train, *run.rows.held_out]
    assert [(row["source"], row["weight"]) for row in rows] == [("record", 0.5)] * 9
    with pytest.raises(UserError, match="no choices to train on"):
        prepare(TrainingRequest("dpo", "ann", "demo"))


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--against-records"], "align prompts from-records --owner ann"),
        (["--against-records", "--pairs", "3"], "--pairs: it has no meaning with"),
        (["--against-records", "--compare", "sft", "base"], "--compare: it has no meaning with"),
        (["--limit", "3"], "--limit: it has no meaning without"),
    ],
)
def test_pairs_for_nothing_that_cannot_be_are_one_line(
    line: Line, words: list[str], what: str
) -> None:
    write_twin("ann", "sft", seed=1)
    assert what in line("sample", "--owner", "ann", *words, code=2)
