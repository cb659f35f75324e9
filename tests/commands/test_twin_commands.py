"""`align sample`, `align evaluate` and `align chat`, as they are typed."""

import io
import sys
from pathlib import Path

import pytest

from align.store.adding import add_records
from align.store.connection import open_store
from align.store.pairs import iter_pairs
from align.store.prompts import Prompt, add_prompts
from align.store.records import Record
from tests.commands.line import Line
from tests.little_twins import write_twin

SECRET = "the spare key lies under the third blue pot by the door"


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


@pytest.fixture
def ann(root: Path) -> Path:
    """An owner with a little writing, prompts on both sides, and two twins."""
    conn = open_store("ann", create=True)
    records = [
        Record.new(
            kind="document", source="posts", origin=f"{n}.md", thread=f"d{n}", title=f"Post {n}",
            text=f"well, this is piece {n}... the kettle is on, i suppose. " * 3, is_owner=True,
            level="open", split="evaluation" if n % 5 == 0 else "train",
        )
        for n in range(15)
    ]  # fmt: skip
    add_records(conn, records)
    for split in ("train", "evaluation"):
        add_prompts(
            conn,
            [
                Prompt.new([{"role": "user", "content": f"What of {split} {n}?"}], source="added",
                           thread=f"{split}{n}", split=split)
                for n in range(22)
            ],
        )  # fmt: skip
    sft = write_twin("ann", "sft", seed=1)
    write_twin("ann", "dpo", seed=2, parent=sft)
    return root


@pytest.mark.usefixtures("ann")
def test_sample_says_how_many_and_once_finished_that_it_is(line: Line) -> None:
    said = line("sample", "--owner", "ann", "--checkpoint", "sft", "--pairs", 6)
    assert said.startswith("6 pairs of 001-sft")
    assert "make label OWNER=ann" in line.err
    assert line("sample", "--owner", "ann", "--checkpoint", "sft", "--pairs", 6) == said
    assert "drawn already" in line.err
    assert len(list(iter_pairs(open_store("ann")))) == 6


@pytest.mark.usefixtures("ann")
def test_sample_takes_the_newest_twin_and_adds_the_bundled_prompts(line: Line) -> None:
    said = line("sample", "--owner", "ann", "--pairs", 24, "--max-new-tokens", 3)
    assert "pairs of 002-dpo" in said
    assert "come with the toolkit" in line.err


@pytest.mark.usefixtures("ann")
def test_sample_draws_an_arena_of_two_twins_and_goes_on_where_it_was(line: Line) -> None:
    words = ("sample", "--owner", "ann", "--compare", "sft", "dpo", "--pairs", 8)
    said = line(*words)
    assert said.startswith("8 pairs of 001-sft and 002-dpo: 0 left out")
    assert "Next: labeler --owner ann --arena" in line.err
    assert line(*words) == said
    assert "Drawing" not in line.err
    conn = open_store("ann")
    assert len(list(iter_pairs(conn, purpose="arena"))) == 8
    assert list(iter_pairs(conn)) == []
    more = line("sample", "--owner", "ann", "--compare", "base", "dpo", "--max-new-tokens", 3)
    assert "pairs of base and 002-dpo" in more
    assert "Added" in line.err and "prompts are held out" in line.err


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--compare", "sft", "001-sft"], "001-sft: the same twin"),
        (["--compare", "sft", "dpo", "--checkpoint", "sft"], "--compare names both twins"),
        (["--compare", "sft", "007-dpo"], "no checkpoint '007-dpo'"),
        (["--compare", "sft", "dpo", "--spread"], "--spread: not with --compare"),
        (["--compare", "sft", "dpo", "--accelerate", "cpu"], "--accelerate: not with --compare"),
    ],
)
def test_an_arena_that_cannot_be_is_one_line(line: Line, words: list[str], what: str) -> None:
    assert what in line("sample", "--owner", "ann", *words, code=2)


def test_sample_without_a_twin_says_which_command_makes_one(root: Path, line: Line) -> None:
    assert "make sft OWNER=bob" in line("sample", "--owner", "bob", code=2)


@pytest.mark.usefixtures("ann")
def test_evaluate_prints_one_table_and_where_things_lie(line: Line) -> None:
    said = line("evaluate", "--owner", "ann", "--prompts", 20, "--max-new-tokens", 8)
    assert "dpo over sft   voice judge" in said
    assert "weak judge" in said
    assert "checkpoints/ann/scorecards/001-002-dpo/scorecard.md" in line.err
    assert "make chat OWNER=ann" in line.err
    again = line("evaluate", "--owner", "ann", "--prompts", 20, "--max-new-tokens", 8)
    assert again == said
    assert "Nothing changed" in line.err


def test_evaluate_without_twins_says_which_command_makes_them(root: Path, line: Line) -> None:
    assert "make sft OWNER=bob" in line("evaluate", "--owner", "bob", code=2)


@pytest.mark.usefixtures("ann")
def test_chat_answers_what_is_piped_in(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("chat", "--owner", "ann", "--checkpoint", "sft")
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hello\n\nWhat of it?\n"))
    said = line(*words)
    assert said.count("\n") >= 2
    assert "\x1b" not in said
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hello\n\nWhat of it?\n"))
    assert line(*words) == said
    monkeypatch.setattr(sys, "stdin", io.StringIO("/again\n/nonsense\n"))
    line(*words)
    assert "nothing to try again" in line.err
    assert "/nonsense is not known" in line.err
