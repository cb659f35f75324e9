"""Weights reach the loss, and policy = reference gives ln 2: TRL's real trainer, a tiny model."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from align.errors import UserError
from align.training.tokenised import dpo_tokens
from align.training.weighted_dpo import (
    WeightedCollator,
    WeightedDPOTrainer,
    answer_log_probs,
    scaled_weights,
    weighted_sigmoid_loss,
)
from tests.tiny_runs import dpo_row


def trainer(base: Path, tokenizer: Any, tmp_path: Path, rows: Any = None, **said: Any) -> Any:
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl import DPOConfig

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", lora_dropout=0.0))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    if rows is None:
        made = [{**dpo_row(at), "messages": prompt(at)} for at in range(4)]
        rows = dpo_tokens(tokenizer, made, None).rows
    values = {"output_dir": str(tmp_path), "bf16": False, "max_length": None, "beta": 0.3}
    values |= {"gradient_checkpointing": False, "report_to": "none", "use_cpu": True} | said
    return WeightedDPOTrainer(
        model,
        args=DPOConfig(**values),
        data_collator=WeightedCollator(pad_token_id=tokenizer.pad_token_id),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def prompt(at: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Tell me about number {at}."}]


def gradient(made: Any, rows: list[dict[str, Any]], weights: list[float]) -> torch.Tensor:
    """Return the summed gradient of the rows with these weights."""
    made.model.zero_grad()
    batch = made.data_collator([{**r, "weight": w} for r, w in zip(rows, weights, strict=True)])
    made.model.train()
    loss = made.compute_loss(made.model, batch) * len(rows)
    loss.backward()
    parts = [p.grad.flatten() for p in made.model.parameters() if p.grad is not None]
    return torch.cat(parts).clone()


@pytest.mark.parametrize(
    "loss", [["sigmoid"], ["sigmoid", "sft"], ["ipo"]], ids=lambda names: "+".join(names)
)
def test_gradients_are_linear_in_the_weights(
    loss: list[str], tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    made = trainer(tiny_base, tokenizer, tmp_path, loss_type=loss)
    rows = [made.train_dataset[at] for at in range(3)]
    whole = gradient(made, rows, [1.0, 1.0, 1.0])
    first, rest = gradient(made, rows, [1.0, 0.0, 0.0]), gradient(made, rows, [0.0, 1.0, 1.0])
    assert torch.allclose(first + rest, whole, atol=1e-6)
    scaled = gradient(made, rows, [2.5, 0.5, 0.5])
    assert torch.allclose(2.5 * first + 0.5 * rest, scaled, atol=1e-6)
    assert first.abs().max() > 1e-3


def test_row_twice_equals_row_of_weight_two(
    tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    made = trainer(tiny_base, tokenizer, tmp_path)
    one, other = made.train_dataset[0], made.train_dataset[1]
    twice = gradient(made, [one, one, other], [1.0, 1.0, 1.0])
    assert torch.allclose(gradient(made, [one, other], [2.0, 1.0]), twice, atol=1e-6)


def test_weights_of_one_equal_trl(tiny_base: Path, tokenizer: Any, tmp_path: Path) -> None:
    from trl import DPOTrainer

    made = trainer(tiny_base, tokenizer, tmp_path)
    rows = [made.train_dataset[at] for at in range(3)]
    ours = gradient(made, rows, [1.0, 1.0, 1.0])
    made.model.zero_grad()
    batch = made.data_collator(rows)
    del batch["weight"]
    made.precompute_ref_logps = False
    (DPOTrainer._compute_loss(made, made.model, batch, False) * len(rows)).backward()
    parts = [p.grad.flatten() for p in made.model.parameters() if p.grad is not None]
    assert torch.allclose(torch.cat(parts), ours, atol=1e-7)


@pytest.mark.parametrize("cached", [False, True])
def test_policy_equal_to_reference_gives_ln_2(
    cached: bool, tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    made = trainer(tiny_base, tokenizer, tmp_path, precompute_ref_log_probs=cached)
    made.model.train()
    loss = made.compute_loss(made.model, made.data_collator(list(made.train_dataset)))
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)
    assert made._metrics["train"]["rewards/margins"][0] == pytest.approx(0, abs=1e-5)
    assert made._metrics["train"]["loss/weighted"][0] == pytest.approx(
        math.log(2) * (2 * 0.5 + 2 * 1.0) / 4, abs=1e-5
    )


def test_wrong_reference_stops_the_run_at_step_0(
    tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    made = trainer(tiny_base, tokenizer, tmp_path)
    for name, value in made.model.named_parameters():
        if ".ref." in name:
            value.data.mul_(0)  # the base, as TRL would take it without the SFT adapter
    with pytest.raises(UserError, match="policy and reference differ before training"):
        made.train()
    assert made.state.global_step == 0


def test_stale_cache_of_reference_log_probs_stops_the_run(
    tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    made = trainer(tiny_base, tokenizer, tmp_path, precompute_ref_log_probs=True)
    stale = [value - 3.0 for value in made.train_dataset["ref_chosen_logps"]]
    made.train_dataset = made.train_dataset.remove_columns("ref_chosen_logps").add_column(
        "ref_chosen_logps", stale
    )
    with pytest.raises(UserError, match="not its own"):
        made.train()


def test_batch_coupled_losses_refuse_weights(
    tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="aot"):
        trainer(tiny_base, tokenizer, tmp_path, loss_type=["aot"])


def test_weights_are_scaled_once_to_mean_1() -> None:
    assert scaled_weights([1.0, 0.5, 0.5]) == pytest.approx([1.5, 0.75, 0.75])


def test_weighted_loss_by_hand() -> None:
    chosen, rejected = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])
    expected = (2 * math.log(1 + math.exp(-1)) + 0.5 * math.log(2)) / 2
    loss = weighted_sigmoid_loss(chosen, rejected, torch.tensor([2.0, 0.5]))
    assert loss.item() == pytest.approx(expected)


def test_tokens_beyond_the_shorter_answer_count_by_ld_alpha() -> None:
    log_probs = torch.tensor([[0.0, -1.0, -1.0, -1.0], [0.0, -2.0, 0.0, 0.0]])
    mask = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 1, 0, 0]])
    assert answer_log_probs(log_probs, mask, None).tolist() == [-3.0, -2.0]
    assert answer_log_probs(log_probs, mask, 0.5).tolist() == [-2.0, -2.0]
