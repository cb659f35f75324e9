"""Rows as they are trained on, asked with and served: the same tokens, or the run is stopped."""

from pathlib import Path
from typing import Any

import pytest

from align.models.chat_template import dateless, render, template_hash
from align.training.preflight.findings import Mark
from align.training.preflight.light_tokenizer import light_tokenizer
from align.training.preflight.rendering import rendering, token_problems
from align.training.tokenised import dpo_tokens, sft_tokens
from tests.tiny import SENTENCES
from tests.tiny_families import FAMILIES, family_tokenizer
from tests.tiny_runs import dpo_row, sft_row

SFT_ROWS = [sft_row(at) for at in range(8)]
DPO_ROWS = [
    {**dpo_row(at), "messages": [{"role": "user", "content": f"And {at}?"}]} for at in range(8)
]
CONVERSATION = [
    {"role": "system", "content": "You are Ann."},
    {"role": "user", "content": "Tea?"},
    {"role": "assistant", "content": SENTENCES[0], "train": False},
    {"role": "user", "content": "Ünïcode, <|im_end|> and\ttabs?"},
    {"role": "assistant", "content": SENTENCES[1]},
]
BOS = "{{ bos_token }}"


@pytest.fixture
def saved(tokenizer: Any, tmp_path: Path) -> Path:
    tokenizer.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def with_start(tokenizer: Any, template: str) -> Any:
    import copy

    made = copy.deepcopy(tokenizer)
    made.bos_token = "<|endoftext|>"
    made.chat_template = template + tokenizer.chat_template
    return made


def test_light_tokenizer_gives_the_tokens_of_transformers(tokenizer: Any, saved: Path) -> None:
    light = light_tokenizer(saved)
    assert light is not None
    for messages in (CONVERSATION, CONVERSATION[1:3], SFT_ROWS[0]["messages"]):
        assert render(light, messages) == render(tokenizer, messages)
    assert template_hash(light) == template_hash(tokenizer)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_light_tokenizer_knows_every_family(family: str, tmp_path: Path) -> None:
    heavy = family_tokenizer(family)
    heavy.chat_template = dateless(heavy.chat_template)
    heavy.save_pretrained(tmp_path)
    light = light_tokenizer(tmp_path)
    assert light is not None
    for messages in (CONVERSATION[1:], SFT_ROWS[0]["messages"]):
        assert render(light, messages) == render(heavy, messages)
    assert template_hash(light) == template_hash(heavy)
    assert rendering(light, SFT_ROWS, "sft")[0].mark is Mark.FINE
    assert token_problems(light, sft_tokens(light, SFT_ROWS, 256).rows) == []


def test_shipped_base_has_one_stop_token_and_one_text_for_all() -> None:
    folder = Path(__file__).resolve().parents[3] / "data" / "demo" / "base"
    light = light_tokenizer(folder)
    assert light is not None
    assert rendering(light, SFT_ROWS, "sft")[0].mark is Mark.FINE
    assert rendering(light, DPO_ROWS, "dpo")[0].mark is Mark.FINE


def test_tokens_of_real_rows_pass(tokenizer: Any) -> None:
    assert token_problems(tokenizer, sft_tokens(tokenizer, SFT_ROWS, 128).rows) == []
    assert token_problems(tokenizer, dpo_tokens(tokenizer, DPO_ROWS, 128).rows) == []


def test_start_token_once_is_fine_and_twice_is_not(tokenizer: Any) -> None:
    once = with_start(tokenizer, BOS)
    found = rendering(once, SFT_ROWS, "sft")[0]
    assert found.mark is Mark.FINE and "one start token" in found.text
    twice = with_start(tokenizer, BOS + BOS)
    assert "comes twice" in rendering(twice, SFT_ROWS, "sft")[0].text
    assert token_problems(twice, sft_tokens(twice, SFT_ROWS, 128).rows) == [
        "the start token comes twice"
    ]


def test_lost_stop_token_and_shifted_label_are_found(tokenizer: Any) -> None:
    rows = sft_tokens(tokenizer, SFT_ROWS, 128).rows
    cut = [{"input_ids": row["input_ids"][:-1], "labels": row["labels"][:-1]} for row in rows]
    assert token_problems(tokenizer, cut) == ["no stop token ends an answer"]
    shifted = [{**row, "labels": [row["labels"][-1], *row["labels"][1:]]} for row in rows]
    assert "a label is not its own token" in token_problems(tokenizer, shifted)
    pairs = dpo_tokens(tokenizer, DPO_ROWS, 128).rows
    doubled = [{**row, "chosen_ids": [*row["chosen_ids"], row["chosen_ids"][-1]]} for row in pairs]
    assert token_problems(tokenizer, doubled) == ["an answer holds more than one stop token"]


def test_template_without_a_stop_token_is_wrong(tokenizer: Any) -> None:
    import copy

    made = copy.deepcopy(tokenizer)
    made.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    found = rendering(made, SFT_ROWS, "sft")[0]
    assert found.mark is Mark.WRONG and "no stop token" in found.text
