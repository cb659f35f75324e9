"""Twins of every kind come out right: tied heads, trained tokens, saved modules, full, DoRA."""

from pathlib import Path
from typing import Any

import pytest

from align.export import exporting
from align.export.exporting import ExportRequest
from tests.export.twins import adapter_twin, full_twin, tiny_base
from tests.tiny import tiny_tokenizer

pytestmark = pytest.mark.slow


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder)


def exported(checkpoint: Any, root: Path) -> Any:
    done = exporting.export(checkpoint, ExportRequest(root / "out", merge=True))
    assert done.agreement is not None and done.agreement.holds
    return loaded(done.folder)


def test_a_tied_head_stays_tied(root: Path) -> None:
    model = exported(adapter_twin(), root)
    assert model.config.tie_word_embeddings
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_a_head_that_training_parted_from_the_embeddings_is_written(root: Path) -> None:
    model = exported(adapter_twin(modules_to_save=["lm_head"]), root)
    assert not model.config.tie_word_embeddings
    assert not model.lm_head.weight.equal(model.model.embed_tokens.weight)


def test_embeddings_trained_whole_stay_the_heads(root: Path) -> None:
    twin = adapter_twin(modules_to_save=["embed_tokens"], ensure_weight_tying=True)
    model = exported(twin, root)
    assert model.config.tie_word_embeddings


def test_single_trained_tokens_are_written(root: Path) -> None:
    model = exported(adapter_twin(trainable_token_indices=[1, 2]), root)
    base = loaded(tiny_base()).model.embed_tokens.weight
    moved = (model.model.embed_tokens.weight != base).any(1).nonzero().flatten().tolist()
    assert moved == [1, 2]


def test_tokens_that_the_base_lacks_travel_with_the_twin(root: Path) -> None:
    from peft import AutoPeftModelForCausalLM

    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|new|>", "<|newer|>"]})
    rows = tokenizer.convert_tokens_to_ids(["<|new|>", "<|newer|>"])
    twin = adapter_twin(tokenizer=tokenizer, trainable_token_indices=rows)
    merged = exported(twin, root)
    assert merged.config.vocab_size == len(tokenizer) == max(rows) + 1
    adapter = exporting.export(twin, ExportRequest(root / "adapter")).folder
    wide = AutoPeftModelForCausalLM.from_pretrained(adapter).merge_and_unload()
    embeddings = wide.get_input_embeddings().weight
    assert embeddings[rows].equal(merged.get_input_embeddings().weight[rows])


def test_dora_is_merged(root: Path) -> None:
    exported(adapter_twin(use_dora=True, use_rslora=True), root)


def test_a_full_twin_is_a_model_with_or_without_merge(root: Path) -> None:
    done = exporting.export(full_twin(), ExportRequest(root / "out"))
    assert done.kind == "full" and done.agreement is not None
    assert done.agreement.holds and done.agreement.lost is None
    base, model = loaded(tiny_base()), loaded(done.folder)
    assert not model.lm_head.weight.equal(base.lm_head.weight)
