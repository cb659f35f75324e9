"""A file of pairs: labelled without an owner, resumed, exported."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from align.owner import Owner
from align.preferences.choice_import import add_choices, read_choices
from align.preferences.choice_rows import build_preferences
from align.store.acts import all_marks
from align.store.connection import open_store
from labeler.pair_sources import file_pairs

LABELER = [sys.executable, "-m", "labeler.cli"]
LINES = [
    {"prompt": "How are you?", "a": "Fine.", "b": "I am doing very well, thank you!"},
    {
        "prompt": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hm."},
            {"role": "user", "content": "Tea?"},
        ],
        "a": "Please.",
        "b": "Tea would be lovely.",
        "model_a": "mine",
        "model_b": "base",
    },
    {"prompt": "Where to?", "a": "Home.", "b": "To the sea."},
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def label(keys: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*LABELER, *map(str, arguments)], input=keys, capture_output=True, text=True, timeout=60
    )


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_is_labelled_and_goes_on_where_it_was(pairs: Path, tmp_path: Path):
    out = tmp_path / "choices.jsonl"
    done = label("a\nm\nA note.\n.\nq\n", pairs, "--out", out)
    assert done.returncode == 0, done.stderr
    assert len(rows(out)) == 1 and f"Your choices: {out}" in done.stderr
    done = label("=\nn\n", pairs, "--out", out)
    assert "Pair 2 · 2 left" in done.stdout
    found = rows(out)
    assert len(found) == 3
    assert sorted(str(row["outcome"]) in "ab" for row in found) == [False, False, True]
    assert [row["note"] for row in found if "note" in row] == ["A note."]
    by_prompt = {json.dumps(row["prompt"], sort_keys=True): row for row in found}
    for line in LINES:
        row = by_prompt[json.dumps(line["prompt"], sort_keys=True)]
        assert {key: row[key] for key in line} == line


def test_undo_reaches_across_restarts_and_the_output_follows(pairs: Path, tmp_path: Path):
    out = tmp_path / "choices.jsonl"
    label("a\nb\nq\n", pairs, "--out", out)
    assert len(rows(out)) == 2
    label("u\nu\nq\n", pairs, "--out", out)
    assert rows(out) == []


def test_lines_that_are_added_are_asked_next_time(pairs: Path, tmp_path: Path):
    out = tmp_path / "choices.jsonl"
    label("a\nb\n=\n", pairs, "--out", out)
    with pairs.open("a") as file:
        file.write(json.dumps({"prompt": "New?", "a": "Yes.", "b": "No!"}) + "\n")
    assert "Pair 4 · 1 left" in label("e\nMine.\n.\n", pairs, "--out", out).stdout
    assert [row["rewrite"] for row in rows(out) if row["outcome"] == "rewrite"] == ["Mine."]


def test_without_out_the_choices_lie_beside_the_file(pairs: Path):
    assert label("a\n", pairs).returncode == 0
    assert len(rows(pairs.with_suffix(".choices.jsonl"))) == 1


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"prompt": "x", "a": "y"}', "no text under 'b'"),
        ('{"prompt": [], "a": "y", "b": "z"}', "no prompt under 'prompt'"),
        ('{"a": "y", "b": "z"}', "no prompt under 'prompt'"),
        ("{", "not JSON"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_made(pairs: Path, line: str, wrong: str):
    with pairs.open("a") as file:
        file.write(line + "\n")
    done = label("a\n", pairs)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"{pairs}:4: {wrong}" in done.stderr
    assert [path.name for path in pairs.parent.iterdir()] == [pairs.name]


SWAPPED = {"prompt": LINES[0]["prompt"], "a": LINES[0]["b"], "b": LINES[0]["a"]}


@pytest.mark.parametrize("later", [False, True])
def test_a_pair_the_other_way_round_is_the_same_pair(pairs: Path, tmp_path: Path, later: bool):
    out = tmp_path / "choices.jsonl"
    if later:
        label("a\nb\n=\n", pairs, "--out", out)
    with pairs.open("a") as file:
        file.write(json.dumps(SWAPPED) + "\n" + json.dumps(SWAPPED | {"model_a": "x"}) + "\n")
    done = label("" if later else "a\nb\n=\na\n", pairs, "--out", out)
    assert done.returncode == 0 and len(rows(out)) == 3


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--order", "best"], None),
        (["--arena"], None),
        (["--limit", "0"], None),
        ([], ""),
        ([], "\n\n"),
    ],
)
def test_a_failed_start_leaves_nothing_behind(pairs: Path, more: list[str], text: str | None):
    if text is not None:
        pairs.write_text(text)
    done = label("a\n", pairs, *more)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert [path.name for path in pairs.parent.iterdir()] == [pairs.name]


def test_what_is_private_stays_out_of_training_on_its_way_through_files(
    root: Path, pairs: Path, tmp_path: Path
):
    """Labelled in a file, imported, exported for TRL: the private pair is in no row."""
    out = tmp_path / "choices.jsonl"
    label("p\na\nm\nhm\n.\nb\na\n", pairs, "--out", out)
    private = next(row for row in rows(out) if row.get("private"))
    with closing(open_store("ann", create=True)) as conn:
        add_choices(conn, read_choices(out))
        kept = [row.messages[-1]["content"] for row in build_preferences(conn, Owner(name="Ann"))]
        assert len(kept) == 2
        asked = private["prompt"]
        assert (asked if isinstance(asked, str) else asked[-1]["content"]) not in kept  # type: ignore[index]
        assert [marks.get("note") for marks in all_marks(conn).values()] == [None, "hm"]


def test_a_file_is_asked_at_random_and_says_how_many_and_why(tmp_path: Path):
    path = tmp_path / "many.jsonl"
    lines = [{"prompt": "Same?", "a": f"Yes {n}.", "b": f"Rather not {n}!"} for n in range(20)]
    lines += [{"prompt": "Alike?", "a": "one two three", "b": "one two  three"}]
    lines += [{"prompt": "Empty?", "a": "x", "b": " "}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    first = label("a\n", path, "--seed", "5").stdout
    assert "20 of 22 pairs will be asked (not: 1 empty, 1 near-identical)" in first
    assert (
        "19 of 22 pairs will be asked (not: 1 answered already, 1 empty" in label("", path).stdout
    )
    asked = label("n\n" * 22, path).stdout
    assert len(rows(path.with_suffix(".choices.jsonl"))) == 20  # of one prompt, all of them
    order = [int(line.split()[1].rstrip(".!")) for line in asked.splitlines() if "Yes" in line]
    assert sorted(order) != order


def test_a_missing_file_is_one_line(tmp_path: Path):
    done = label("", tmp_path / "none.jsonl")
    assert done.returncode == 2 and "no such file" in done.stderr


def test_a_file_that_another_labeler_has_open_is_refused(pairs: Path, tmp_path: Path):
    out = tmp_path / "choices.jsonl"
    with file_pairs(pairs, out):
        done = label("a\n", pairs, "--out", out)
        assert done.returncode == 2 and f"another labeler is open here (process {os.getpid()})" in (
            done.stderr
        )
        assert not out.exists()
    assert label("a\n", pairs, "--out", out).returncode == 0 and len(rows(out)) == 1
