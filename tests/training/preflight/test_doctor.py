"""`align doctor`, and the same checks at the start of a run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.training.preflight.checks import before_download, on_rows, on_tokens
from align.training.preflight.doctor import examine
from align.training.preflight.findings import Finding, fine, lines, wrong
from align.training.prepared_run import prepare
from align.training.training_request import TrainingRequest
from tests.tiny_runs import sft_row, write_rows

CHECKOUT = Path(__file__).resolve().parents[3]
CPU = {"use_cpu": True, "distributed_type": "NO", "num_processes": 1}
ONE_GPU = {"distributed_type": "NO", "num_processes": 1}
DOCTOR = """
import sys
from align.command_line import run
from align.commands.doctor import app
code = run(lambda: app({words!r}, standalone_mode=False))
heavy = sorted({{"torch", "transformers", "trl", "peft", "datasets"}} & set(sys.modules))
print("--", code, heavy)
"""


def asked(root: Path, stage: str, *more: str, recipe: str = "tiny") -> TrainingRequest:
    return TrainingRequest(stage, "ann", recipe, str(root / f"{stage}.jsonl"), "sft", more)


def by_check(found: list[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in found}


def with_bases(root: Path) -> Path:
    shutil.copy(CHECKOUT / "recipes" / "bases.yaml", root / "recipes" / "bases.yaml")
    return root


def with_recipe(root: Path, base: str) -> str:
    folder = root / "recipes" / "hub"
    folder.mkdir()
    text = (root / "recipes" / "tiny" / "sft.yaml").read_text()
    (folder / "sft.yaml").write_text(text.replace("models/tiny", base))
    return "hub"


def test_finished_road_is_fine_from_data_to_reference(trained: Path) -> None:
    sft = by_check(examine(asked(trained, "sft"), ("sft",), CPU)["sft"])
    assert {one.mark.value for one in sft.values()} == {"ok"}
    assert "imported" in sft["dataset"].text
    assert "nothing is cut" in sft["tokens"].text
    dpo = by_check(examine(asked(trained, "dpo"), ("dpo",), CPU)["dpo"])
    assert {one.mark.value for one in dpo.values()} == {"ok"}
    assert dpo["reference"].text.startswith("001-sft of models/tiny")


def test_rows_that_are_cut_or_left_out_are_counted(trained: Path) -> None:
    turns = [
        {"role": role, "content": f"{text} {at}"}
        for at in range(12)
        for role, text in (("user", "And then, what did you do?"), ("assistant", "I walked home"))
    ]
    rows = [sft_row(at) for at in range(6)] + [{"messages": turns}]
    rows.append({"prompt": "word " * 300, "completion": "Too long a question."})
    write_rows(trained / "sft.jsonl", rows)
    found = examine(asked(trained, "sft", "--held_out", "0"), ("sft",), CPU)["sft"]
    tokens = by_check(found)["tokens"]
    assert tokens.mark.value == "look"
    assert "rows lose their oldest turns, never the answer" in tokens.text
    assert "1 are left out" in tokens.text


def test_base_of_the_hub_is_told_without_a_download(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    recipe = with_recipe(with_bases(trained), "meta-llama/Llama-3.1-8B-Instruct")
    ask = asked(trained, "sft", recipe=recipe)
    found = by_check(examine(ask, ("sft",), ONE_GPU)["sft"])
    assert "16.1 GB, to " + str(tmp_path / "hf" / "hub") in found["download"].text
    assert found["licence"].mark.value == "wrong"
    assert "hf auth login" in found["licence"].remedy
    assert found["tokens"].mark.value == "unknown"
    planned = examine(ask, ("sft",), ONE_GPU, max_memory="8GB", gpus=1)
    on_small = by_check(planned["sft"])
    assert on_small["memory"].mark.value == "wrong"
    assert on_small["memory"].remedy.startswith("Add: --")
    # A licence is accepted by a person, on any machine; what this one lacks stops no plan.
    assert on_small["licence"].mark.value == "look"


def test_what_would_stop_a_run_stops_it_before_the_download_and_all_at_once(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    recipe = with_recipe(with_bases(trained), "meta-llama/Llama-3.3-70B-Instruct")
    with pytest.raises(UserError) as caught:
        before_download(asked(trained, "sft", recipe=recipe), CPU)
    said = str(caught.value).splitlines()
    checks = [line.split(": ")[1] for line in said]
    assert {"licence", "memory"} <= {*checks}
    assert "there is no hub token" in str(caught.value)


def test_run_says_one_line_where_all_is_well(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = asked(trained, "dpo")
    before_download(ask, CPU)
    on_rows(prepare(ask), CPU)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("dpo: preflight: 5 checks fine; memory about 0.0 of ")


def test_rows_without_their_stop_token_never_reach_the_trainer(
    trained: Path, tokenizer: Any
) -> None:
    run = prepare(asked(trained, "sft"))
    with pytest.raises(UserError, match="no stop token ends an answer"):
        on_tokens(run, tokenizer, [{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}])
    with pytest.raises(UserError, match="no row fits into max_length"):
        on_tokens(run, tokenizer, [])


def test_command_prints_the_list_without_torch_and_exits_with_2(trained: Path) -> None:
    words = ["--owner", "ann", "--recipe", "tiny", "--stage", "sft", "--json"]
    words += ["--dataset", str(trained / "sft.jsonl")]

    def told(*more: str) -> tuple[dict[str, Any], str]:
        (trained / "recipes" / "accelerate").mkdir(exist_ok=True)
        (trained / "recipes" / "accelerate" / "cpu.yaml").write_text(json.dumps(CPU))
        (trained / "recipes" / "accelerate" / "single_gpu.yaml").write_text(json.dumps(ONE_GPU))
        environment = {**os.environ, "SOUNDALIKE_ROOT": str(trained), "PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(
            [sys.executable, "-c", DOCTOR.format(words=[*words, *more])],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        body, _, end = done.stdout.partition("-- ")
        return json.loads(body), end.strip()

    fine_list, end = told("--accelerate", "cpu")
    assert end.endswith("[]") and not end.startswith("2")
    assert {one["mark"] for one in fine_list["sft"]} == {"ok"}
    broken, end = told("--accelerate", "cpu", "--lerning_rate", "1")
    assert end == "2 []"
    assert broken["sft"][0]["remedy"] == "Did you mean 'learning_rate'?"


def test_list_shows_words_beside_signs_and_no_terminal_controls() -> None:
    shown = lines({"sft": [fine("base", "an \x1b[31mevil[/b] name"), wrong("disk", "full", "Buy")]})
    text = "\n".join(shown)
    assert "+ ok" in text and "x WRONG" in text and "-> Buy" in text
    assert "\x1b" not in text and "[/b]" in text
    assert shown[-1] == "1 fine, 1 wrong."
