"""`align choices`, as it is typed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from align.store.adding import add_records
from align.store.choices import current_choices
from align.store.connection import open_store
from tests.commands.line import Line
from tests.little_twins import tiny_base
from tests.store.rows import add_pair, append_event, record


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


def choose(conn: Any, pair: str, outcome: str, **more: Any) -> None:
    values = {"kind": "choice", "actor": "owner", "payload": {"outcome": outcome}} | more
    append_event(conn, pair_id=pair, **values)


@pytest.fixture
def pairs(root: Path) -> list[str]:
    """Ann chose a, both and b, rewrote, and something of hers is sealed, some of the arena."""
    conn = open_store("ann", create=True)
    pairs = [add_pair(conn, f"{i}?") for i in range(5)]
    choose(conn, pairs[0], "a", time="2026-01-05T08:00:00.000000Z")
    choose(conn, pairs[1], "both", time="2026-02-05T08:00:00.000000Z")
    choose(conn, pairs[2], "b")
    append_event(conn, kind="private", actor="owner", pair_id=pairs[2])
    rewritten = {"text": "In my own words.", "of": "b"}
    choose(conn, pairs[3], "rewrite", kind="rewrite", payload=rewritten)
    choose(conn, pairs[4], "a", actor="simulated", time="2026-03-05T08:00:00.000000Z")
    arena = add_pair(
        conn, "Who won?", ("x", "y"), ("001-sft", "002-dpo"), "arena", split="evaluation"
    )
    choose(conn, arena, "b")
    return [*pairs, arena]


def listed(line: Line, *words: object) -> list[str]:
    out = line("choices", "list", "--owner", "ann", *words)
    return [each.split("\t")[2] for each in out.splitlines()]


def test_choices_are_counted(root: Path, line: Line) -> None:
    assert line("choices", "count", "--owner", "ann") == "0\n"


def test_decisive_choices_are_counted_apart(pairs: list[str], line: Line) -> None:
    assert line("choices", "count", "--owner", "ann") == "6\n"
    # Nothing is trained on the sealed pair, nor on the arena's.
    assert line("choices", "count", "--decisive", "--owner", "ann") == "3\n"


def test_choices_are_listed_and_filtered(pairs: list[str], line: Line) -> None:
    assert sorted(listed(line)) == sorted(pairs)
    assert listed(line, "--outcome", "both") == [pairs[1]]
    assert listed(line, "--actor", "simulated") == [pairs[4]]
    assert pairs[0] not in listed(line, "--since", "2026-02-01")
    assert pairs[1] in listed(line, "--since", "2026-02-05T09:00+01:00")
    assert pairs[1] not in listed(line, "--since", "2026-02-05T08:00:01")
    assert listed(line, "--checkpoint", "002-dpo") == [pairs[5]]
    assert listed(line, "--grep", "OWN words") == [pairs[3]]
    assert listed(line, "--grep", "^4[?]$", "--actor", "simulated") == [pairs[4]]
    assert listed(line, "--grep", "^4[?]$", "--actor", "owner") == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["list", "--outcome", "left"], "'left' is not known. Say one of: a, b, both"),
        (["list", "--actor", "me"], "'me' is not known"),
        (["list", "--since", "yesterday"], "'yesterday' is no date"),
        (["list", "--grep", "("], "no regular expression"),
        (["list", "--checkpoint", "dpo"], "no checkpoint 'dpo'"),
        (["export", "--format", "csv"], "'csv' is not known"),
        (["export", "--format", "trl", "--outcome", "neither"], "no such choices"),
        (["import", "nowhere.jsonl"], "no such file"),
    ],
)
def test_mistakes_are_one_line(pairs: list[str], line: Line, words: list[str], what: str) -> None:
    assert what in line("choices", *words, "--owner", "ann", code=2)


def test_an_export_has_all_but_what_is_sealed(pairs: list[str], line: Line) -> None:
    conn = open_store("ann")
    append_event(conn, kind="note", actor="owner", pair_id=pairs[0], payload={"text": "hm"})
    flag = {"flag": "voice", "side": "a"}
    append_event(conn, kind="flag", actor="owner", pair_id=pairs[0], payload=flag)
    out = line("choices", "export", "--owner", "ann")
    rows = {row["pair"]: row for row in map(json.loads, out.splitlines())}
    assert set(rows) == {*pairs} - {pairs[2]}
    first = rows[pairs[0]]
    assert (first["a"], first["outcome"], first["actor"]) == ("Fine.", "a", "owner")
    assert first["prompt"] == [{"role": "user", "content": "0?"}]
    assert (first["note"], first["flags"]) == ("hm", [flag])
    assert rows[pairs[3]]["rewrite"] == "In my own words."
    assert (rows[pairs[5]]["purpose"], rows[pairs[5]]["split"]) == ("arena", "evaluation")
    only = line("choices", "export", "--owner", "ann", "--actor", "simulated")
    assert [json.loads(each)["pair"] for each in only.splitlines()] == [pairs[4]]


@pytest.mark.parametrize("format", ["jsonl", "trl"])
def test_what_repeats_sealed_writing_stays_here_and_is_counted(
    pairs: list[str], line: Line, format: str
) -> None:
    conn = open_store("ann")
    secret = "备用钥匙放在门口第三个蓝色花盆下面除了我和妹妹以外谁也不知道"
    add_records(conn, [record(f"今天。{secret}。", level="sealed")])
    choose(conn, add_pair(conn, "Where?", (f"她说{secret}吧", "No idea.")), "b")
    assert "花盆" not in line("choices", "export", "--owner", "ann", "--format", format)
    assert "withheld: 1 choices that repeat sealed writing" in line.err


def test_what_trl_trains_on_is_what_may_be_trained_on(pairs: list[str], line: Line) -> None:
    out = line("choices", "export", "--owner", "ann", "--format", "trl", "--actor", "owner")
    rows = [json.loads(each) for each in out.splitlines()]
    assert {tuple(sorted(row)) for row in rows} == {("chosen", "prompt", "rejected")}
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows] in (
        [("Fine.", "I am doing very well."), ("In my own words.", "Fine."),
         ("In my own words.", "I am doing very well.")],
        [("In my own words.", "Fine."), ("In my own words.", "I am doing very well."),
         ("Fine.", "I am doing very well.")],
    )  # fmt: skip
    assert all(row["prompt"][-1]["role"] == "user" for row in rows)
    assert all(row["chosen"][0]["role"] == "assistant" for row in rows)


@pytest.mark.parametrize("format", ["jsonl", "trl", "parquet"])
def test_what_is_exported_loads_with_datasets(
    pairs: list[str], line: Line, tmp_path: Path, format: str
) -> None:
    from datasets import load_dataset

    out = tmp_path / "mine" / f"choices.{'parquet' if format == 'parquet' else 'jsonl'}"
    line("choices", "export", "--owner", "ann", "--format", format, "--out", out)
    loader = "parquet" if format == "parquet" else "json"
    loaded = load_dataset(loader, data_files=str(out), split="train", cache_dir=str(tmp_path))
    if format == "jsonl":
        assert {"prompt", "a", "b", "outcome", "rewrite"} <= set(loaded.column_names)
        assert len(loaded) == 5
    else:
        assert sorted(loaded.column_names) == ["chosen", "prompt", "rejected"]
        assert len(loaded) == 4
        assert loaded[0]["chosen"][0]["role"] == "assistant"
    assert out.stat().st_mode & 0o077 == 0


def test_an_export_says_which_command_trains_on_it(
    pairs: list[str], line: Line, tmp_path: Path
) -> None:
    out = tmp_path / "my choices.jsonl"
    line("choices", "export", "--owner", "ann", "--format", "trl", "--out", out)
    recipe = tmp_path / "my choices.trl.yaml"
    assert f"trl dpo --config '{recipe}' --model_name_or_path" in line.err
    assert "4 rows in" in line.err
    assert "make dpo OWNER=ann" in line.err
    datasets = yaml.safe_load(recipe.read_text())["datasets"]
    assert [dataset["data_files"] for dataset in datasets] == [str(out)]
    line("choices", "export", "--owner", "ann", "--out", out)
    assert "trl" not in line.err


@pytest.mark.slow
@pytest.mark.parametrize("format", ["trl", "parquet"])
def test_trl_trains_on_an_export_with_the_command_that_was_said(
    pairs: list[str], line: Line, tmp_path: Path, format: str
) -> None:
    out = tmp_path / f"choices.{format}"
    line("choices", "export", "--owner", "ann", "--format", format, "--out", out)
    said = next(each for each in line.err.splitlines() if each.startswith("trl dpo"))
    words = said.split()
    words[0] = str(Path(sys.executable).parent / "trl")
    words[words.index("--model_name_or_path") + 1] = str(tiny_base())
    done = subprocess.run(
        [*words, "--max_steps", "2", "--bf16", "false", "--logging_steps", "1"],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    trained = tmp_path / "choices-trained"
    assert (trained / "model.safetensors").is_file()


def test_choices_come_in_marked_and_once(root: Path, line: Line, tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    rows = [
        {"prompt": "One?", "a": "Left.", "b": "Right.", "outcome": "b"},
        {"prompt": "Two?", "chosen": "Good.", "rejected": "Bad."},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert line("choices", "import", file, "--owner", "ann") == "2 new, 0 known\n"
    assert "make dpo OWNER=ann" in line.err
    assert line("choices", "import", file, "--owner", "ann") == "0 new, 2 known\n"
    assert {choice.actor for choice in current_choices(open_store("ann"))} == {"imported"}
    assert line("choices", "count", "--decisive", "--owner", "ann") == "2\n"


def test_what_counts_as_decisive_is_what_trains(pairs: list[str], line: Line) -> None:
    conn = open_store("ann")
    choose(conn, add_pair(conn, "Held out?", split="evaluation"), "a")
    choose(conn, add_pair(conn, "Same?", ("same", " same ")), "a")
    rows = line("choices", "export", "--owner", "ann", "--format", "trl").splitlines()
    assert line("choices", "count", "--decisive", "--owner", "ann") == "3\n"
    assert len(rows) == 4  # a rewrite is two of them


def test_lines_that_choose_otherwise_are_counted(root: Path, line: Line, tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    rows = [
        {"prompt": "One?", "a": "Left.", "b": "Right.", "outcome": "b", "time": "2026-01-01"},
        {"prompt": "One?", "a": "Right.", "b": "Left.", "outcome": "b", "time": "2026-01-02"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert line("choices", "import", file, "--owner", "ann") == "1 new, 1 known\n"
    assert "1 of them chose otherwise than a newer line" in line.err


def test_nothing_comes_in_of_a_file_with_a_broken_line(
    root: Path, line: Line, tmp_path: Path
) -> None:
    file = tmp_path / "theirs.jsonl"
    good = json.dumps({"prompt": "One?", "chosen": "Good.", "rejected": "Bad."})
    file.write_text(f"{good}\n\n{{}}\n")
    assert "theirs.jsonl:3: no text" in line("choices", "import", file, "--owner", "ann", code=2)
    assert not (root / "data" / "ann").exists()
