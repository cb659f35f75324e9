"""The shipped base is a plain transformers checkpoint that stops, small and reproducible."""

import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from align.demo.base_model import PAD, START, STOP, sample
from align.demo.corpus import examples
from align.demo.train_base import encode, train_base

BASE = Path(__file__).resolve().parents[2] / "data" / "demo" / "base"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(BASE)


TOKENIZER = AutoTokenizer.from_pretrained(BASE) if BASE.exists() else None


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_survives_the_tokenizer(text: str) -> None:
    assert TOKENIZER is not None
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert TOKENIZER.decode(ids) == text


RARE = ["🦊 tea ☕", "nul\0byte", "漢字 かな", " two  spaces ", "\r\n\t", "e\u0301\u0301"]


@pytest.mark.parametrize("text", RARE)
def test_rare_characters_survive_the_tokenizer(
    text: str, tokenizer: PreTrainedTokenizerFast
) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_stop_and_padding_are_different_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.eos_token == STOP
    assert tokenizer.pad_token == PAD
    assert len({tokenizer.convert_tokens_to_ids(t) for t in (START, STOP, PAD)}) == 3


def test_the_template_masks_exactly_the_answers_and_their_stop_tokens(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    """Training reads `encode`; everything else the template: they agree token by token."""
    for example in examples(11, 120):
        messages = example["messages"]
        rendered = tokenizer.apply_chat_template(
            messages, return_dict=True, return_assistant_tokens_mask=True
        )
        ids, learned = encode(messages, tokenizer)
        assert list(rendered["input_ids"]) == ids
        assert [bool(m) for m in rendered["assistant_masks"]] == learned
        kept = tokenizer.decode([i for i, m in zip(ids, learned, strict=True) if m])
        assert kept == "".join(m["content"] + STOP for m in messages if m["role"] == "assistant")


def test_the_prompt_of_generation_is_the_beginning_of_training(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    messages = [
        {"role": "system", "content": "You are Ada."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hm."},
    ]
    whole = tokenizer.apply_chat_template(messages, tokenize=False)
    prompt = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
    assert whole == prompt + "Hm.<|im_end|>\n"


def test_the_base_is_small_and_loads_with_plain_transformers(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    assert sum(p.stat().st_size for p in BASE.rglob("*") if p.is_file()) <= 12e6
    model = AutoModelForCausalLM.from_pretrained(BASE)
    assert model.dtype == torch.bfloat16
    assert 3e6 <= sum(p.numel() for p in model.parameters()) <= 5e6
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert model.config.max_position_embeddings >= 1024


def test_the_base_answers_and_stops(tokenizer: PreTrainedTokenizerFast) -> None:
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    answers = sample(
        model, tokenizer, ["What is chess?", "Who are you?", "Do you like winter?"], temperature=0.0
    )
    assert all(0 < len(tokenizer.encode(text)) < 155 for text in answers)
    assert "chess" in answers[0].lower()


def weights(path: Path) -> str:
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_twenty_steps_from_one_seed_give_the_same_weights(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in ("one", "two"):
            train_base(tmp_path / name, seed=3, steps=20, count=400, batch_tokens=512)
    finally:
        torch.set_num_threads(threads)
    assert weights(tmp_path / "one") == weights(tmp_path / "two")


def test_a_finished_base_replaces_an_older_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "base"
    out.mkdir()
    (out / "left over").write_text("old")
    train_base(out, seed=1, steps=1, count=40, batch_tokens=256)
    assert not (out / "left over").exists()
    assert (out / "model.safetensors").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["base"]
