"""Speed, share of the device's peak, and memory of a random model of half a billion weights."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gpu.ground import Ground, of_tests, watched
from benchmarks.gpu.training import precise
from benchmarks.harness import Row, at_most, reported

# As Qwen2.5-0.5B: huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/config.json
SHAPE = {
    "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936,
    "max_position_embeddings": 4096, "tie_word_embeddings": True,
}  # fmt: skip
_SMALL = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "vocab_size": 1000,
}  # fmt: skip
_WARM_UP = 3
# The issue's own bound on the estimate, in percent.
_OFF_BY = 25.0


@dataclass
class _Meter:
    """What is measured of a run: the seconds of its steps, their tokens and their work."""

    seconds: list[float] = field(default_factory=list)
    tokens_per_step: float = 0.0
    flops_per_token: float = 0.0
    estimated: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Return the rate of the median step; the first ones load kernels."""
        return self.tokens_per_step / statistics.median(self.seconds[_WARM_UP:])


def device(ground: Ground) -> Iterator[Row]:
    """Measure what a large matrix product reaches: in bf16, which few CPUs can, on CUDA."""
    import torch

    from align.training.tracking.speed import measured_peak_flops

    if ground.device == "cuda":
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield reported("memory", memory, "GiB")
        yield reported("devices", ground.gpus)
    dtype = torch.bfloat16 if ground.device == "cuda" else torch.float32
    ground.peak = measured_peak_flops(ground.device, dtype)
    yield reported(f"{dtype} matrix product, measured peak", ground.peak / 1e12, "TFLOP/s")


def half_billion(ground: Ground) -> Iterator[Row]:
    """Run SFT and DPO, with an adapter and with every weight, a few steps each."""
    _write_base(ground)
    for stage in ("sft", "dpo"):
        _write_rows(ground, stage)
    for kind, use_peft in (("LoRA", "true"), ("full", "false")):
        for stage in ("sft", "dpo"):
            yield from _measured(ground, stage, kind, use_peft)


def _measured(ground: Ground, stage: str, kind: str, use_peft: str) -> Iterator[Row]:
    import torch

    name, meter = f"{stage} {kind}", _Meter()
    words = _words(ground, stage, use_peft)
    on_cuda = ground.device == "cuda"
    before = 0
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    with watched(lambda trainer, run: [_watch(trainer, run, meter, ground)]):
        ground.train(stage, f"half-{kind.lower()}", *words)
    yield reported(f"{name}, speed", meter.tokens_per_second, "tokens/s")
    rate = meter.flops_per_token * meter.tokens_per_second
    yield reported(f"{name}, work", rate / 1e12, "TFLOP/s")
    if ground.peak:
        yield reported(f"{name}, share of the measured peak", 100 * rate / ground.peak, "%")
    if on_cuda:
        peak = torch.cuda.max_memory_allocated() - before
        off = 100 * abs(meter.estimated / peak - 1)
        yield reported(f"{name}, memory", peak / 2**30, "GiB")
        yield reported(f"{name}, memory as estimated", meter.estimated / 2**30, "GiB")
        yield at_most(f"{name}, estimate off by", off, _OFF_BY, "%")


def _watch(trainer: Any, run: Any, meter: _Meter, ground: Ground) -> Any:
    """Fill a meter from a run: what it is to do now, how long each step takes as it comes."""
    from transformers import TrainerCallback

    from align.training.preflight.dataset import lengths_of as longest_of
    from align.training.preflight.machine import Layout
    from align.training.preflight.memory import estimate
    from align.training.preflight.shapes import ModelShape
    from align.training.preflight.work import work_of
    from align.training.tracking.speed import lengths_of, passed_weights, train_flops_per_token

    rows = list(trainer.train_dataset)
    lengths = lengths_of(rows)
    assert lengths is not None
    values = run.recipe.values
    meter.tokens_per_step = lengths.tokens / len(rows) * trainer.args.per_device_train_batch_size
    meter.flops_per_token = train_flops_per_token(
        passed_weights(trainer.model),
        lengths,
        trains_all=run.recipe.is_full,
        gradient_checkpointing=trainer.args.gradient_checkpointing,
        live_reference=False,
    )
    shape = ModelShape.from_config(json.loads((run.base.path / "config.json").read_text()))
    work = work_of(run.stage, values, longest_of(rows), Layout(ground.device), evaluates=False)
    meter.estimated = estimate(shape, work).counted

    class Stopwatch(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.started = _now(ground)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.seconds.append(_now(ground) - self.started)

    return Stopwatch()


def _now(ground: Ground) -> float:
    if ground.device == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def _words(ground: Ground, stage: str, use_peft: str) -> tuple[str, ...]:
    """Return the settings of a run: those that a rented GPU would be given."""
    said = {
        "dataset": str(ground.root / f"half-{stage}.jsonl"),
        "per_device_train_batch_size": "8" if stage == "sft" else "4",
        "gradient_checkpointing": "true",
        "max_length": "1024",
        "max_steps": "6" if ground.is_small else "12",
        "learning_rate": "1e-5",
        "held_out": "0",
        # Quoted: a bare "no" is false in YAML.
        "save_strategy": "'no'",
        "use_peft": use_peft,
    }
    if stage == "sft":
        said |= {"model_name_or_path": "models/half", "lora_r": "16", "lora_dropout": "0"}
    return (*precise(ground), *(word for key in said for word in (f"--{key}", said[key])))


def _write_base(ground: Ground) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = of_tests("tiny").tiny_tokenizer()
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    shape = {**SHAPE, **(_SMALL if ground.is_small else {}), **ends, "bos_token_id": None}
    config = AutoConfig.for_model(**shape)
    torch.manual_seed(0)
    with torch.device(ground.device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    folder = ground.root / "models" / "half"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    del model
    ground.tidy()


def _write_rows(ground: Ground, stage: str) -> None:
    """Write rows of about 900 tokens, or pairs of about 500 and 250 for each answer."""
    tiny, runs = of_tests("tiny"), of_tests("tiny_runs")
    tokenizer = tiny.tiny_tokenizer()
    scale = 10 if ground.is_small else 1

    def text(at: int, tokens: int) -> str:
        return _filled(tokenizer, tiny.SENTENCES[:6], at, tokens // scale)

    rows: list[dict[str, Any]] = []
    for at in range(32):
        if stage == "sft":
            rows.append({"prompt": text(at, 250), "completion": text(at + 1, 600)})
        else:
            rows.append({"prompt": text(at, 500), "chosen": text(at + 1, 250),
                         "rejected": text(at + 2, 250)})  # fmt: skip
    runs.write_rows(ground.root / f"half-{stage}.jsonl", rows)


def _filled(tokenizer: Any, sentences: Sequence[str], at: int, tokens: int) -> str:
    said, count = f"{at}.", 0
    while count < tokens:
        sentence = sentences[at % len(sentences)]
        said, at = f"{said} {sentence}", at + 1
        count += len(tokenizer.encode(sentence, add_special_tokens=False))
    return said
