"""A twin exported: what plain transformers and peft load says what the twin says."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from align.commands.export import app
from align.errors import UserError
from align.export import exporting
from align.export.exporting import ExportRequest, export
from align.export.merging import save_tokenizer
from align.models.checkpoints import resolve
from align.models.loading import tokenizer_of
from tests.export.twins import adapter_twin
from tests.tiny import tiny_tokenizer

RUN = CliRunner()


@pytest.fixture
def twin(root: Path) -> Path:
    """A root in which ann has an SFT twin."""
    adapter_twin()
    return root


def plain_answer(folder: Path) -> tuple[Any, list[int]]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello, you."}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    return model, model.generate(**ids, do_sample=False)[0].tolist()


def test_a_merged_model_says_what_the_twin_says(twin: Path) -> None:
    done = export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))
    assert done.kind == "merged" and done.dtype == "float32"
    assert done.agreement is not None and done.agreement.holds
    assert done.agreement.prompts == 20 and done.agreement.same_next == 1.0
    names = {path.name for path in done.folder.iterdir()}
    assert names == {
        "README.md", "config.json", "generation_config.json", "model.safetensors", "twin.json",
        "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip


def test_its_generation_stops_where_the_template_ends_an_answer(twin: Path) -> None:
    export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))
    model, ids = plain_answer(twin / "out")
    config = model.generation_config
    stop = tokenizer_of(resolve("ann", "sft")).convert_tokens_to_ids("<|im_end|>")
    assert config.eos_token_id[0] == stop
    assert config.max_new_tokens == 12 and config.do_sample and config.top_k == 0
    assert ids[-1] == stop or len(ids) > 12


@pytest.mark.parametrize("dtype", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_rounding_is_told_from_error(twin: Path, dtype: str) -> None:
    done = export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True, dtype=dtype))
    assert done.agreement is not None and 0 < done.agreement.largest <= done.agreement.tolerance
    assert json.loads((twin / "out" / "config.json").read_text())["dtype"] == dtype


def test_a_merge_that_went_wrong_is_not_kept(twin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from align.export import merging

    whole = merging.merged

    def without_one_layer(*words: Any) -> Any:
        model, reference = whole(*words)
        model.model.layers[1].mlp.up_proj.weight.data.zero_()
        return model, reference

    monkeypatch.setattr(merging, "merged", without_one_layer)
    with pytest.raises(UserError, match="does not say what the twin says"):
        export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True, dtype="bfloat16"))
    assert not (twin / "out").exists() and not list(twin.glob(".out*"))


def test_a_merge_without_its_adapter_is_not_kept(
    twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from align.export import merging

    whole = merging.merged

    def base_alone(checkpoint: Any, *words: Any) -> Any:
        import torch

        return merging.load_causal_lm(checkpoint.base.path, dtype=torch.float32), whole(
            checkpoint, *words
        )[1]

    monkeypatch.setattr(merging, "merged", base_alone)
    with pytest.raises(UserError, match=r"100\.0% of what training changed is lost"):
        export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))


@pytest.mark.slow
def test_shards_are_no_larger_than_asked(twin: Path) -> None:
    export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True, shard="40KB"))
    shards = sorted((twin / "out").glob("model-*.safetensors"))
    assert len(shards) > 1 and (twin / "out" / "model.safetensors.index.json").is_file()
    plain_answer(twin / "out")


def test_an_adapter_is_what_peft_loads(twin: Path, tmp_path: Path) -> None:
    import torch
    from peft import AutoPeftModelForCausalLM

    checkpoint = resolve("ann", "sft")
    assert checkpoint.path is not None
    (checkpoint.path / "ref").mkdir()
    (checkpoint.path / "rows.jsonl").write_text("left over")
    done = export(checkpoint, ExportRequest(tmp_path / "adapter"))
    names = {path.name for path in done.folder.iterdir()}
    assert names == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "twin.json",
        "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip
    ids = torch.tensor([[5, 6, 7]])
    exported = AutoPeftModelForCausalLM.from_pretrained(done.folder)(ids).logits
    trained = AutoPeftModelForCausalLM.from_pretrained(checkpoint.path)(ids).logits
    assert torch.equal(exported, trained)


def test_what_is_handed_on_names_neither_owner_nor_place(twin: Path) -> None:
    export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))
    for name in ("README.md", "twin.json", "config.json", "generation_config.json"):
        text = (twin / "out" / name).read_text()
        assert not re.search(r"\bann\b", text, re.I) and str(twin) not in text, name
    export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True, name=True, force=True))
    assert "# A twin of ann" in (twin / "out" / "README.md").read_text()
    assert json.loads((twin / "out" / "twin.json").read_text())["owner"] == "ann"


def test_the_card_tells_how_the_twin_was_made(twin: Path) -> None:
    export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))
    page = (twin / "out" / "README.md").read_text()
    for said in ("| learning_rate | 0.01 |", "rows trained on", "rows held out", "held_out_loss",
                 "licence is not known", "not evaluated", "same next token at 100.0%"):  # fmt: skip
        assert said in page, said


def test_the_card_shows_figures_of_a_scorecard_and_no_samples(twin: Path) -> None:
    figures = {
        "measures": [{"name": "voice", "values": {"base": 0.25, "sft": 0.75}, "owner": 0.9}],
        "matches": [
            {"first": "sft", "second": "base", "by": "voice judge", "rate": 0.9, "low": 0.8,
             "high": 0.95},
        ],
    }  # fmt: skip
    export(resolve("ann", "sft"), ExportRequest(twin / "out", scorecard=figures))
    page = (twin / "out" / "README.md").read_text()
    assert "| voice | 0.25 | 0.75 | 0.9 |" in page
    assert "| sft | base | voice judge | 0.9 | 0.80 to 0.95 |" in page


def test_of_a_gate_its_report_stays_behind(twin: Path) -> None:
    checkpoint = resolve("ann", "sft")
    assert checkpoint.lineage is not None
    told = {"judge": "claude", "model": "m", "rows": 9, "choices": 80, "weight": 0.4,
            "report": {"examples": ["a sentence of hers"]}}  # fmt: skip
    lineage = replace(checkpoint.lineage, judging={"g": told})
    export(replace(checkpoint, lineage=lineage), ExportRequest(twin / "out"))
    assert "| claude | m | 9 | 80 | 0.4 |" in (twin / "out" / "README.md").read_text()
    assert "sentence of hers" not in (twin / "out" / "twin.json").read_text()


def test_a_licence_stands_in_the_bases_own_card(twin: Path) -> None:
    page = twin / "models" / "tiny" / "README.md"
    page.write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    export(resolve("ann", "sft"), ExportRequest(twin / "out"))
    written = (twin / "out" / "README.md").read_text()
    assert "license: apache-2.0" in written and "licence: apache-2.0" in written


def test_the_base_is_no_twin(twin: Path) -> None:
    with pytest.raises(UserError, match="exported already"):
        export(resolve("ann", "base"), ExportRequest(twin / "out", merge=True))


def test_a_folder_that_holds_something_is_refused(twin: Path) -> None:
    (twin / "out").mkdir()
    (twin / "out" / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match="--force"):
        export(resolve("ann", "sft"), ExportRequest(twin / "out"))
    with pytest.raises(UserError, match="no export"):
        export(resolve("ann", "sft"), ExportRequest(twin / "out", force=True))
    assert (twin / "out" / "letter.txt").read_text() == "mine"


def test_a_full_disk_is_told_before_anything_is_loaded(
    twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(UserError, match="are needed"):
        export(resolve("ann", "sft"), ExportRequest(twin / "out", merge=True))
    assert not list(twin.glob("*out*"))


def test_the_command_says_where_it_lies(twin: Path) -> None:
    words = ["--owner", "ann", "--checkpoint", "sft", "--merge", "--ollama", "--out"]
    done = RUN.invoke(app, [*words, str(twin / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"{twin / 'out'}  merged, float32" in done.stdout
    assert "FROM .\n" in (twin / "out" / "Modelfile").read_text()


def test_a_type_that_is_none_is_refused(twin: Path) -> None:
    with pytest.raises(UserError, match="Say float32, float16, bfloat16"):
        RUN.invoke(app, ["--owner", "ann", "--dtype", "int8", "--out", "x"], catch_exceptions=False)


def test_an_adapter_alone_gives_no_gguf_and_no_modelfile(root: Path) -> None:
    twin = adapter_twin()
    for request in (
        ExportRequest(root / "out", gguf="q8_0"),
        ExportRequest(root / "out", ollama=True),
    ):
        with pytest.raises(UserError, match="Add --merge"):
            export(twin, request)


@pytest.mark.parametrize("name", ["qwen3", "llama3_2"])
def test_the_exported_template_needs_no_settings(name: str, tmp_path: Path) -> None:
    """Qwen 3 thinks unless told not to, and Llama 3.2 writes the day on which it is asked."""
    import trl
    from transformers import AutoTokenizer

    from align.models.chat_template import render_prompt

    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "<|bos|>"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|eot_id|>"]})
    own = (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    tokenizer.chat_template = own
    save_tokenizer(tokenizer, tmp_path)
    assert tokenizer.chat_template == own
    asked = [{"role": "user", "content": "Well?"}]
    plain = AutoTokenizer.from_pretrained(tmp_path).apply_chat_template(
        asked, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    assert plain == render_prompt(tokenizer, asked)
