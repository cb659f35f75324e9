"""Whole runs on a tiny base: published, resumed, skipped, locked, and loadable by plain peft."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.errors import UserError
from align.models import checkpoints
from align.training.prepared_run import prepare, run_lock
from tests.tiny import write_tiny_base
from tests.tiny_runs import words, write_rows

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def losses(folder: Path) -> list[float]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def test_sft_without_a_store_publishes_a_twin_with_its_lineage(trained: Path) -> None:
    twin = checkpoints.resolve("ann", "sft")
    assert twin.name == "001-sft" and os.readlink(trained / "checkpoints/ann/sft") == "001-sft"
    lineage = twin.lineage
    assert lineage is not None and twin.path is not None
    assert lineage.rows["train"] + lineage.rows["held_out"] == 24
    assert lineage.mix == {"imported": lineage.rows["train"]}
    assert lineage.sampling["max_new_tokens"] == 12
    assert lineage.metrics["last_loss"] < lineage.metrics["first_loss"]
    assert "held_out_loss" in lineage.metrics
    names = {path.name for path in twin.path.iterdir()}
    assert "ref" not in names and "adapter_model.safetensors" in names


def test_same_inputs_are_skipped_and_others_are_not(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sft.main(words(trained, "sft")) == 0
    assert "nothing changed" in capsys.readouterr().err
    assert not (trained / "checkpoints/ann/002-sft").exists()
    assert sft.main(words(trained, "sft", "--seed", "4")) == 0
    assert (trained / "checkpoints/ann/002-sft").is_dir()
    assert os.readlink(trained / "checkpoints/ann/sft") == "002-sft"


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> Any:
    """Let Ctrl-C come after so many steps."""
    from align.training.callbacks import RunMonitor

    def stopped(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == steps:
            raise KeyboardInterrupt

    patch = pytest.MonkeyPatch()
    patch.setattr(RunMonitor, "on_step_end", stopped)
    return patch


def test_resumed_sft_equals_uninterrupted(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = trained / "checkpoints/ann/001-sft"
    kept = whole.rename(trained / "whole")
    (trained / "checkpoints/ann/sft").unlink()
    patch = stop_after(monkeypatch, 3)
    assert sft.main(words(trained, "sft")) == 130
    patch.undo()
    assert not whole.exists()
    assert sft.main(words(trained, "sft")) == 0
    assert "going on from step 2" in capsys.readouterr().err
    assert losses(whole) == losses(kept)
    name = "adapter_model.safetensors"
    assert (whole / name).read_bytes() == (kept / name).read_bytes()
    assert not list((trained / "checkpoints/ann/.work").iterdir())


def test_dpo_starts_from_the_sft_adapter_and_resumes_bit_for_bit(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dpo.main(words(trained, "dpo")) == 0
    first = trained / "checkpoints/ann/002-dpo"
    lineage = checkpoints.load(first).lineage
    assert lineage is not None and lineage.parent is not None
    assert lineage.parent["name"] == "001-sft"
    assert losses(first)[0] == pytest.approx(0.6931, abs=1e-4)
    assert lineage.metrics["held_out_pairs"] == lineage.rows["held_out"] > 0
    assert not (first / "ref").exists()
    kept = first.rename(trained / "whole")
    (trained / "checkpoints/ann/dpo").unlink()
    patch = stop_after(monkeypatch, 3)
    assert dpo.main(words(trained, "dpo")) == 130
    patch.undo()
    assert dpo.main(words(trained, "dpo")) == 0
    assert losses(first) == losses(kept)
    name = "adapter_model.safetensors"
    assert (first / name).read_bytes() == (kept / name).read_bytes()


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_rows_go_by_length_in_the_same_order_after_a_stop(
    stage: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = words(trained, stage, "--train_sampling_strategy", "group_by_length")
    main = sft.main if stage == "sft" else dpo.main
    assert main(line) == 0
    name = "adapter_model.safetensors"
    folder = trained / "checkpoints/ann" / ("002-sft" if stage == "sft" else "002-dpo")
    whole, kept = losses(folder), (folder / name).read_bytes()
    shutil.rmtree(folder)
    (trained / "checkpoints/ann" / stage).unlink()
    patch = stop_after(monkeypatch, 3)
    assert main(line) == 130
    patch.undo()
    assert main(line) == 0
    assert losses(folder) == whole
    assert (folder / name).read_bytes() == kept


def test_half_written_save_is_never_read_back(tmp_path: Path) -> None:
    from align.training.saves import WHOLE, last_whole, remove_broken

    for step, whole in ((2, True), (4, True), (10, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / WHOLE).touch()
    assert last_whole(tmp_path) == tmp_path / "checkpoint-4"
    remove_broken(tmp_path)
    assert not (tmp_path / "checkpoint-10").exists()


def test_checkpoint_loads_with_plain_peft_from_any_folder(
    trained_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer

    from align.models.chat_template import render_prompt
    from align.models.loading import load_model

    monkeypatch.chdir(tmp_path)
    folder = trained_root / "checkpoints/ann/sft"
    plain = AutoPeftModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(trained_root))
    twin = load_model(checkpoints.resolve("ann", "sft"))
    ask = [{"role": "user", "content": "Tell me about number 3."}]
    ids = torch.tensor([render_prompt(tokenizer, ask)])
    assert ids[0].tolist() == render_prompt(twin.tokenizer, ask)
    with torch.no_grad():
        assert torch.allclose(plain(ids).logits, twin.model(ids).logits, atol=1e-4)


def test_changed_base_is_refused_and_a_moved_one_is_found(trained: Path) -> None:
    place = trained / "models" / "tiny"
    shutil.move(place, trained / "models" / "elsewhere")
    assert checkpoints.resolve("ann", "sft").base.path.name == "elsewhere"
    write_tiny_base(place, seed=1)
    assert checkpoints.resolve("ann", "sft").base.path.name == "elsewhere"
    shutil.rmtree(trained / "models" / "elsewhere")
    with pytest.raises(UserError, match=r"001-sft: its base models/tiny changed"):
        checkpoints.resolve("ann", "sft")
    shutil.rmtree(place)
    with pytest.raises(UserError, match="can't be found"):
        checkpoints.resolve("ann", "sft")


def test_changed_adapter_and_changed_template_are_refused(trained: Path) -> None:
    from align.models.loading import load_model

    folder = trained / "checkpoints/ann/001-sft"
    template = folder / "chat_template.jinja"
    kept = template.read_text()
    template.write_text(kept.replace("assistant", "bot"))
    with pytest.raises(UserError, match="chat template"):
        load_model(checkpoints.resolve("ann", "sft"))
    template.write_text(kept)
    with (folder / "adapter_model.safetensors").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\1\2\3")
    with pytest.raises(UserError, match="not the adapter"):
        checkpoints.resolve("ann", "sft")


@pytest.mark.parametrize("word", ["dpo", "007-sft", "no/such/folder"])
def test_missing_checkpoint_is_one_clear_line(trained: Path, word: str) -> None:
    with pytest.raises(UserError):
        checkpoints.resolve("ann", word)


def test_lock_refuses_a_second_run_and_dies_with_its_process(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import time\nfrom align.training.prepared_run import run_lock\n"
        "with run_lock('ann'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert sft.main(words(trained, "sft", "--seed", "9")) == 2
        assert f"another run trains here (process {holder.pid})" in capsys.readouterr().err
        holder.kill()
    with run_lock("ann"):
        pass


def test_no_choices_says_which_command_makes_them(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.store.connection import open_store

    open_store("ann", create=True).close()
    assert dpo.main(["--owner", "ann", "--recipe", "tiny"]) == 2
    assert "make sample OWNER=ann && make label OWNER=ann" in capsys.readouterr().err


def test_packed_rows_train_where_there_is_no_writing(trained: Path) -> None:
    from align.training.training_request import parse_request

    packed = trained / "data/ann/packed"
    packed.mkdir(parents=True, exist_ok=True)
    shutil.copy(trained / "sft.jsonl", packed / "sft-rows.jsonl")
    asked = parse_request("sft", ["--owner", "ann", "--recipe=tiny"])
    run = prepare(asked)
    assert len(run.rows.train) + len(run.rows.held_out) == 24


def test_rewrites_are_counted_in_the_mix_and_those_taken_back_are_not(trained: Path) -> None:
    from align.store.adding import add_records
    from align.store.connection import open_store
    from align.store.records import Record
    from align.training.training_request import parse_request
    from tests.store.rows import add_pair, append_event

    conn = open_store("ann", create=True)
    asked = parse_request("sft", ["--owner", "ann", "--recipe=tiny", "--identity", "false"])
    rewritten = [
        append_event(
            conn, kind="rewrite", actor="owner", pair_id=add_pair(conn, f"Well, {at}?"),
            payload={"text": f"My own words {at}."},
        )
        for at in range(3)
    ]  # fmt: skip
    undone = {"target": [rewritten[0].device, rewritten[0].counter]}
    append_event(conn, kind="undo", actor="owner", payload=undone)
    # Where the writing stayed on another machine, the rewrites that travelled are known twice.
    packed = trained / "data/ann/packed"
    packed.mkdir(parents=True)
    travelled = [
        {
            "messages": [
                {"role": "user", "content": f"Well, {at}?"},
                {"role": "assistant", "content": f"My own words {at}."},
            ],
            "source": "rewrite",
        }
        for at in range(2)
    ]
    writing = (trained / "sft.jsonl").read_text()
    write_rows(packed / "sft-rows.jsonl", travelled)
    with (packed / "sft-rows.jsonl").open("a") as file:
        file.write(writing)
    run = prepare(asked)
    rows = [*run.rows.train, *run.rows.held_out]
    assert len(rows) == 24 + 2
    kept = [row["messages"][1]["content"] for row in rows if row["source"] == "rewrite"]
    assert sorted(kept) == ["My own words 1.", "My own words 2."]
    # Where the writing is, they come from the store.
    record = Record.new(
        kind="document", source="posts", origin="o", thread="o", text="Words.", is_owner=True,
        level="open", split="train",
    )  # fmt: skip
    add_records(conn, [record])
    assert prepare(asked).rows.mix == {"posts": 1, "rewrite": 2}


def test_broken_rows_are_refused_with_their_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(trained / "broken.jsonl", [{"prompt": "a", "completion": "b"}, {"x": 1}])
    line = ["--owner", "ann", "--recipe", "tiny", "--dataset", str(rows)]
    assert sft.main(line) == 2
    assert "broken.jsonl:2: no messages in it" in capsys.readouterr().err


def test_recipe_for_a_model_that_is_nowhere_is_one_clear_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sft.main(words(trained, "sft", "--model_name_or_path", "models/none/here")) == 2
    said = capsys.readouterr().err
    assert "model 'models/none/here' can't be found" in said and said.count("\n") == 1


def test_generation_hangs_on_prompt_and_seed_only(trained: Path) -> None:
    from align.models.loading import load_model

    twin = load_model(checkpoints.resolve("ann", "sft"))
    asks = [[{"role": "user", "content": f"Tell me about number {at}."}] for at in range(9)]
    whole = twin.generate(asks, seed=1, n=2, max_new_tokens=12, batch_size=18)
    assert twin.generate(asks[4:6], seed=1, n=2, max_new_tokens=12, batch_size=3) == whole[4:6]
    assert twin.generate(asks, seed=2, n=2, max_new_tokens=12) != whole
    greedy = twin.generate(asks[:2], seed=1, temperature=0, n=2, max_new_tokens=12)
    assert greedy[0][0] == greedy[0][1]
    assert all("<|im_end|>" not in text for texts in whole for text in texts)
