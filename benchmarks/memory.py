"""How near the memory estimate is to the peak: `python -m benchmarks.memory [--json FILE]`.

Random models of 66 and 146 million weights, and of the smallest real base's shape, go through
`align.sft` and `align.dpo`, each run in a process of its own. On a CPU the peak is the most that
the process had resident, above what it had once everything was imported; on CUDA it is torch's own
count, without the context.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.paths import checkpoints_dir
from align.recipe.accelerate_config import surroundings
from align.training.preflight.dataset import lengths_of
from align.training.preflight.light_tokenizer import light_tokenizer
from align.training.preflight.machine import Layout
from align.training.preflight.memory import Estimate, estimate
from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import work_of
from align.training.tokenised import dpo_tokens, sft_tokens
from benchmarks import harness
from benchmarks.harness import Row, at_most, reported

OFF_BY = 25
CHECKOUT = Path(__file__).resolve().parents[1]
CHILD = "--child"
SHAPES: dict[str, dict[str, Any]] = {
    "Llama-shaped, 66 M": {
        "model_type": "llama", "hidden_size": 640, "intermediate_size": 1728,
        "num_hidden_layers": 10, "num_attention_heads": 10, "num_key_value_heads": 5,
        "vocab_size": 32000,
    },
    "Qwen3-shaped, 146 M": {
        "model_type": "qwen3", "hidden_size": 768, "intermediate_size": 2304,
        "num_hidden_layers": 11, "num_attention_heads": 12, "num_key_value_heads": 6,
        "head_dim": 128, "vocab_size": 64000,
    },
    "SmolLM2-135M": {
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
        "vocab_size": 49152,
    },
}  # fmt: skip
WORDS = "the kettle is on and the rain has not stopped since Tuesday; bring your coat "


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        shape: A name of `SHAPES`.
        stage: `sft` or `dpo`.
        is_full: Whether every weight is trained.
        checkpointing: Whether activations are computed again.
        batch: Rows of a micro-batch.
        length: `max_length`; the rows fill some 60 % of it.
    """

    shape: str
    stage: str
    is_full: bool
    checkpointing: bool
    batch: int
    length: int = 512

    @property
    def name(self) -> str:
        """Return it in words."""
        kind = "full" if self.is_full else "LoRA"
        again = "checkpointing" if self.checkpointing else "no checkpointing"
        return f"{self.shape}, {self.stage} {kind}, batch {self.batch} x {self.length}, {again}"

    @property
    def values(self) -> dict[str, Any]:
        """Return the recipe's values."""
        return {
            **({"model_name_or_path": "models/base"} if self.stage == "sft" else {}),
            "max_steps": 3, "per_device_train_batch_size": self.batch, "max_length": self.length,
            "gradient_checkpointing": self.checkpointing, "learning_rate": 1e-4, "bf16": False,
            "save_strategy": "no", "held_out": 0.0, "use_peft": not self.is_full, "lora_r": 16,
            "lora_dropout": 0.0, "dataloader_pin_memory": False,
        }  # fmt: skip


# Stage, full, checkpointing, batch: each is met with each of the others, not all with all.
KINDS = [
    ("sft", False, False, 1), ("sft", False, False, 4), ("sft", False, True, 4),
    ("sft", True, False, 1), ("sft", True, True, 4),
    ("dpo", False, False, 1), ("dpo", False, True, 4), ("dpo", True, True, 1),
]  # fmt: skip
REAL = "SmolLM2-135M"
CASES = [Case(shape, *kind) for shape in SHAPES if shape != REAL for kind in KINDS]
CASES += [
    Case(REAL, stage, False, False, batch, length)
    for stage in ("sft", "dpo")
    for batch, length in ((2, 512), (1, 1024))
]


def rows(stage: str, length: int = 512, count: int = 12) -> list[dict[str, Any]]:
    """Return rows of about 60 % of a length in tokens, of which two thirds are learned."""
    prompt, answer = WORDS * (3 * length // 512), WORDS * (6 * length // 512)
    if stage == "sft":
        return [{"prompt": f"{n} {prompt}", "completion": f"{answer} {n}"} for n in range(count)]
    return [
        {"prompt": f"{n} {prompt}", "chosen": f"{answer} {n}", "rejected": f"{n} {answer}"}
        for n in range(count)
    ]


def write_base(folder: Path, shape: dict[str, Any]) -> None:
    """Write a model with random weights, in a process of its own so that this one stays small."""
    config = {
        **shape, "max_position_embeddings": 2048, "tie_word_embeddings": True, "bos_token_id": None,
    }  # fmt: skip
    code = (
        "import json, sys, torch\n"
        "from transformers import AutoConfig, AutoModelForCausalLM\n"
        "from tests.tiny import tiny_tokenizer\n"
        "said = json.loads(sys.argv[1]); tokenizer = tiny_tokenizer()\n"
        "said |= {'eos_token_id': tokenizer.eos_token_id, 'pad_token_id': tokenizer.pad_token_id}\n"
        "config = AutoConfig.for_model(**said)\n"
        "AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[2])\n"
        "tokenizer.save_pretrained(sys.argv[2])\n"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(config), folder], check=True,
                   cwd=CHECKOUT)  # fmt: skip


def prepare(root: Path, shape: str) -> None:
    """Fill a project root with a base of a shape, and rows."""
    write_base(root / "models" / "base", SHAPES[shape])
    for name in ("data", "checkpoints", "recipes/run"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for stage in ("sft", "dpo"):
        for length in (512, 1024):
            lines = [json.dumps(row) + "\n" for row in rows(stage, length)]
            (root / f"{stage}-{length}.jsonl").write_text("".join(lines))


def measured(root: Path, case: Case) -> tuple[str, int]:
    """Run a case in a process of its own; return its device and its peak in bytes."""
    recipe = root / "recipes" / "run" / f"{case.stage}.yaml"
    recipe.write_text(json.dumps(case.values))
    owner = "full" if case.is_full else "lora"
    file = root / f"{case.stage}-{case.length}.jsonl"
    words = ["--owner", owner, "--recipe", "run", "--dataset", str(file)]
    settings: dict[str, Any] = {} if _has_gpu() else {"use_cpu": True}
    environment = {**os.environ, **surroundings(settings), "SOUNDALIKE_ROOT": str(root)}
    command = [sys.executable, "-m", "benchmarks.memory", CHILD, case.stage, *words]
    done = subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{case.name}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["device"], found["peak"]


def estimated(root: Path, case: Case, device: str) -> Estimate:
    """Return what the preflight would say of a case."""
    tokenizer = light_tokenizer(root / "models" / "base")
    lines = (root / f"{case.stage}-{case.length}.jsonl").read_text().splitlines()
    read = [json.loads(line) for line in lines]
    for row in read:
        row["messages"] = [{"role": "user", "content": row["prompt"]}]
        row["weight"] = 1.0
        if case.stage == "sft":
            row["messages"].append({"role": "assistant", "content": row["completion"]})
    made = (sft_tokens if case.stage == "sft" else dpo_tokens)(tokenizer, read, case.length)
    lengths = lengths_of(made.rows)
    work = work_of(case.stage, case.values, lengths, Layout(device), evaluates=False)
    return estimate(ModelShape.from_config({**SHAPES[case.shape], "tie_word_embeddings": True}),
                    work)  # fmt: skip


def train_and_tell(stage: str, words: list[str]) -> None:
    """Train in this process and print its device and its peak above what the imports took."""
    import importlib

    import torch

    for module in ("trl.trainer.sft_trainer", "trl.trainer.dpo_trainer", "peft", "datasets",
                   "align.training.trainer_loop", "align.training.publishing",
                   "align.training.policy", "align.training.weighted_dpo"):  # fmt: skip
        importlib.import_module(module)
    main = importlib.import_module(f"align.{stage}").main
    on_gpu = torch.cuda.is_available()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    code = main(words)
    peak = torch.cuda.max_memory_allocated() if on_gpu else _resident("VmHWM") - before
    print(json.dumps({"device": "cuda" if on_gpu else "cpu", "peak": peak}))
    sys.exit(code)


def _resident(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) * 1024


def _has_gpu() -> bool:
    from align.recipe.accelerate_config import visible_gpus

    return visible_gpus() > 0


def compared(root: Path, case: Case) -> Iterator[Row]:
    """Measure a case and hold the estimate against it."""
    device, peak = measured(root, case)
    told = estimated(root, case, device)
    guess = told.counted if device == "cuda" else told.total
    mb = 1_000_000
    yield reported(f"{case.name}: peak on {device}", peak / mb, "MB")
    yield reported(f"{case.name}: estimate", guess / mb, "MB")
    yield at_most(f"{case.name}: off by", abs(guess / peak - 1) * 100, OFF_BY, "%")


def measure_all(cases: list[Case] | None = None) -> Iterator[Row]:
    """Measure every case, shape by shape; dpo goes on from the twin that sft left."""
    cases = CASES if cases is None else cases
    for shape in dict.fromkeys(case.shape for case in cases):
        with tempfile.TemporaryDirectory(prefix="memory-") as folder:
            root = Path(folder)
            prepare(root, shape)
            for case in cases:
                if case.shape == shape:
                    os.environ["SOUNDALIKE_ROOT"] = str(root)
                    owner = "full" if case.is_full else "lora"
                    if case.stage == "dpo" and not (checkpoints_dir(owner) / "sft").exists():
                        measured(root, Case(shape, "sft", case.is_full, True, 1))
                    yield from compared(root, case)


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        train_and_tell(sys.argv[2], sys.argv[3:])
    harness.run("memory", measure_all, __doc__)
