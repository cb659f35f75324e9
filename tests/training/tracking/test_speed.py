"""Work by formula, held against values derived by hand; and one real measurement."""

import pytest

from align.training.tracking.speed import (
    Lengths,
    Passed,
    attention_flops_per_token,
    lengths_of,
    measured_peak_flops,
    passed_weights,
    train_flops_per_token,
)

# Without attention and head, work is a multiple of N.
BODY = Passed(body=1000, head=0, layers=0, width=0)
ANY = Lengths(tokens=1, learned=0.5, attended=10)


@pytest.mark.parametrize(
    ("trains_all", "gradient_checkpointing", "live_reference", "times"),
    [
        (False, False, False, 4),
        (False, True, False, 6),
        (False, False, True, 6),
        (False, True, True, 8),
        (True, False, False, 6),
        (True, True, False, 8),
    ],
)
def test_work_of_a_token_is_a_multiple_of_the_weights(
    trains_all: bool, gradient_checkpointing: bool, live_reference: bool, times: int
) -> None:
    work = train_flops_per_token(
        BODY,
        ANY,
        trains_all=trains_all,
        gradient_checkpointing=gradient_checkpointing,
        live_reference=live_reference,
    )
    assert work == times * 1000


def test_head_counts_by_the_positions_that_are_learned() -> None:
    passed = Passed(body=1000, head=400, layers=0, width=0)
    plain = {"trains_all": False, "gradient_checkpointing": False, "live_reference": False}
    assert train_flops_per_token(passed, ANY, **plain) == 4 * (1000 + 200)


def test_attention_counts_its_causal_half_and_twice_more_on_the_way_back() -> None:
    passed = Passed(body=0, head=0, layers=2, width=8)
    # Scores and weighted sum: 2 products of 8 multiply-adds with 5 tokens, 2 layers.
    assert attention_flops_per_token(passed, 10) == 2 * 2 * 8 * 5 * 2
    plain = {"trains_all": False, "gradient_checkpointing": False, "live_reference": False}
    assert train_flops_per_token(passed, ANY, **plain) == 3 * 320


def test_lengths_count_a_prompt_once_for_each_answer() -> None:
    rows = [{"prompt_ids": [0] * 6, "chosen_ids": [0] * 2, "rejected_ids": [0] * 4, "weight": 1.0}]
    # Sequences of 8 and 10.
    assert lengths_of(rows) == Lengths(tokens=18, learned=6 / 18, attended=164 / 18)
    told = [{"input_ids": [0] * 4, "labels": [-100, -100, -100, 7]}, {"input_ids": [0] * 4}]
    assert lengths_of(told) == Lengths(tokens=8, learned=5 / 8, attended=4)
    assert lengths_of([]) is None


def test_a_model_is_counted_without_its_embedding_and_its_adapter() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2}  # fmt: skip
    # q and o 16 x 16, k and v 16 x 8, three of 16 x 24, two norms of 16; a norm at the end.
    body = 2 * (2 * 256 + 2 * 128 + 3 * 384 + 2 * 16) + 16
    for tied in (True, False):
        model = LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=tied))
        wanted = Passed(body=body, head=800, layers=2, width=16)
        assert passed_weights(model) == wanted
        adapted = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear"))
        assert passed_weights(adapted) == wanted


def test_peak_is_measured_without_touching_the_random_numbers() -> None:
    import torch

    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert measured_peak_flops("cpu", torch.float32) > 1e8
    assert torch.equal(torch.get_rng_state(), before)
