"""1x8, 2x4 and 8x1 (batch x accumulation) are one optimiser step: the same loss and gradient."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_runs import dpo_row, sft_row

LAYOUTS = [(1, 8), (2, 4), (8, 1)]
# Answers of very unequal length: a mean over micro-batches would be another.
LONG = "The kettle is on and the rain has not stopped since Tuesday. " * 3


class Gradients:
    """Keeps the gradient that the optimiser is about to use, at each step."""

    def __init__(self) -> None:
        from transformers import TrainerCallback

        kept: list[torch.Tensor] = []

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_pre_optimizer_step(self, *_: Any, model: Any, **__: Any) -> None:
                parts = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
                kept.append(torch.cat(parts).clone())

        self.kept = kept
        self.callback = Callback()


def settings(folder: Path, batch: int, accumulation: int) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": 1,
        "learning_rate": 1e-3,
        "max_grad_norm": 0.0,
        "max_length": None,
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "report_to": "none",
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": 3,
    }


def tiny_adapter(base: Path) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear"))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    return model


def step(trainer: Any) -> tuple[list[float], torch.Tensor]:
    """Return the logged losses and the gradients of a run, a row for each step."""
    gradients = Gradients()
    trainer.add_callback(gradients.callback)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, torch.stack(gradients.kept)


def dpo_run(base: Path, tokenizer: Any, folder: Path, layout: tuple[int, int], **said: Any) -> Any:
    from datasets import Dataset
    from trl import DPOConfig

    from align.training.tokenised import dpo_tokens
    from align.training.weighted_dpo import WeightedCollator, WeightedDPOTrainer, scaled_weights

    rows = [dpo_row(at) for at in range(11)]
    for row in rows[::3]:
        row["chosen"] = LONG
    made = [{**row, "messages": [{"role": "user", "content": row["prompt"]}]} for row in rows]
    tokens = dpo_tokens(tokenizer, made, None).rows
    weights = scaled_weights([row["weight"] for row in tokens])
    for row, weight in zip(tokens, weights, strict=True):
        row["weight"] = weight
    return step(
        WeightedDPOTrainer(
            tiny_adapter(base),
            args=DPOConfig(**settings(folder, *layout), beta=0.3, **said),
            data_collator=WeightedCollator(pad_token_id=tokenizer.pad_token_id),
            train_dataset=Dataset.from_list(tokens),
            processing_class=tokenizer,
        )
    )


def sft_run(base: Path, tokenizer: Any, folder: Path, layout: tuple[int, int]) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from align.training.tokenised import sft_tokens

    rows = [sft_row(at) for at in range(11)]
    for row in rows[::3]:
        row["messages"][-1]["content"] = LONG
    args = SFTConfig(**settings(folder, *layout), dataset_kwargs={"skip_prepare_dataset": True})
    return step(
        SFTTrainer(
            tiny_adapter(base),
            args=args,
            train_dataset=Dataset.from_list(sft_tokens(tokenizer, rows, None).rows),
            processing_class=tokenizer,
        )
    )


def assert_equal(runs: list[Any]) -> None:
    """Hold the first step, of 8 rows, and the last, of the 3 that are left, against each other."""
    losses, gradients = runs[0]
    assert len(losses) == 2 and gradients.abs().max() > 1e-3
    for other, theirs in runs[1:]:
        assert other == pytest.approx(losses, rel=1e-5)
        assert torch.allclose(theirs, gradients, atol=1e-6, rtol=1e-3)


# All that are means over pairs, added up: one run for the five.
SEPARABLE = ["sigmoid", "ipo", "robust", "sigmoid_norm", "apo_zero"]


@pytest.mark.parametrize(
    "said",
    [
        {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]},
        {"loss_type": SEPARABLE, "label_smoothing": 0.1},
    ],
    ids=["tokens", "pairs"],
)
def test_dpo_step_does_not_hang_on_how_it_is_divided(
    said: dict[str, Any], tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    assert_equal([dpo_run(tiny_base, tokenizer, tmp_path, layout, **said) for layout in LAYOUTS])


def test_sft_step_does_not_hang_on_how_it_is_divided(
    tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    assert_equal([sft_run(tiny_base, tokenizer, tmp_path, layout) for layout in LAYOUTS])
