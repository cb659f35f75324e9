"""Recipes and rows for runs on the tiny base, seconds each."""

import json
from pathlib import Path
from typing import Any

from tests.tiny import SENTENCES

SFT = """\
model_name_or_path: models/tiny
learning_rate: 1.0e-2
num_train_epochs: 1
per_device_train_batch_size: 4
max_length: 128
bf16: false
gradient_checkpointing: false
dataloader_pin_memory: false
lora_r: 4
lora_dropout: 0.1
seed: 3
logging_steps: 1
save_steps: 2
held_out: 0.1
sample_max_new_tokens: 12
"""
DPO = """\
learning_rate: 5.0e-3
num_train_epochs: 1
per_device_train_batch_size: 4
beta: 0.3
loss_type: [sigmoid]
max_length: 128
precompute_ref_log_probs: true
bf16: false
gradient_checkpointing: false
dataloader_pin_memory: false
seed: 3
logging_steps: 1
save_steps: 2
held_out: 0.2
"""


def words(root: Path, stage: str, *more: str) -> list[str]:
    """Return the command line of a run on the root's rows."""
    rows = ["--dataset", str(root / f"{stage}.jsonl")]
    return ["--owner", "ann", "--recipe", "tiny", *rows, *more]


def sft_row(at: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"Tell me about number {at}."},
            {"role": "assistant", "content": SENTENCES[at % 5]},
        ]
    }


def dpo_row(at: int) -> dict[str, Any]:
    return {
        "prompt": f"Tell me about number {at}.",
        "chosen": SENTENCES[at % 3],
        "rejected": SENTENCES[3 + at % 2],
        "weight": 1.0 if at % 2 else 0.5,
    }


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
