"""The estimate against torch's own count of tensors, and against what is derived by hand."""

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from align.training.preflight.activations import Batch, kept_by_layer
from align.training.preflight.machine import Layout
from align.training.preflight.memory import estimate, trained_weights
from align.training.preflight.shapes import ModelShape, known_shape
from align.training.preflight.work import Lengths, Work, work_of

TINY = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 400, "tie_word_embeddings": True,
}  # fmt: skip
BIG = known_shape("meta-llama/Llama-3.1-8B-Instruct")


def built(
    model_type: str, *, dropout: float | None = 0.0, dtype: Any = None, attention: str = "sdpa"
) -> tuple[Any, ModelShape]:
    """Return a little model, with an adapter unless `dropout` is None, and its shape."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    said = {**TINY, "model_type": model_type, "head_dim": 8}
    torch.manual_seed(0)
    config = AutoConfig.for_model(**said)
    model = AutoModelForCausalLM.from_config(
        config, dtype=dtype or torch.float32, attn_implementation=attention
    )
    shape = ModelShape.from_config(said)
    assert shape.weights == sum(p.numel() for p in model.parameters())
    if dropout is not None:
        adapter = LoraConfig(r=4, target_modules="all-linear", lora_dropout=dropout)
        model = get_peft_model(model, adapter)
    return model.train(), shape


def kept(model: Any, ids: Any, mask: Any) -> int:
    """Return the bytes that the layers keep for the backward pass, each storage once."""
    import torch

    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    seen: dict[int, int] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    backbone = model.get_base_model().model if hasattr(model, "get_base_model") else model.model
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        last = backbone(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    assert last.requires_grad
    return sum(seen.values())


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dropout", [None, 0.0, 0.1], ids=["full", "lora", "dropout"])
@pytest.mark.parametrize("precision", ["float32", "autocast", "bfloat16", "both"])
@pytest.mark.parametrize("model_type", ["llama", "qwen3", "gemma3_text"])
def test_what_layers_keep_is_what_autograd_keeps(
    model_type: str, precision: str, dropout: float | None, attention: str
) -> None:
    import torch

    is_half, is_mixed = precision in ("bfloat16", "both"), precision in ("autocast", "both")
    dtype = torch.bfloat16 if is_half else torch.float32
    model, shape = built(model_type, dropout=dropout, dtype=dtype, attention=attention)
    ids = torch.arange(3 * 96).reshape(3, 96) % 300
    mask = torch.ones_like(ids)
    mask[0, -5:] = 0
    work = Work(
        "sft", Lengths(96, 96), 3, rank=None if dropout is None else 4, checkpointing=False,
        dropout=dropout or 0.0, weight_bytes=2 if is_half else 4, is_mixed=is_mixed,
        attention=attention,
    )  # fmt: skip
    foreseen = shape.layers * kept_by_layer(shape, work, Batch(3, 96, 3 * 96))
    with torch.autocast("cpu", torch.bfloat16, enabled=is_mixed):
        found = kept(model, ids, mask)
    # The last norm, the mask and the rotations stand beside the layers.
    assert found == pytest.approx(foreseen, rel=0.1)


def test_adapter_has_the_weights_that_peft_gives_it() -> None:
    model, shape = built("qwen3")
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained_weights(shape, Work("sft", Lengths(8, 8), 1, rank=4)) == trained


def test_known_bases_have_the_weights_that_their_shape_gives() -> None:
    for name in ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "HuggingFaceTB/SmolLM2-135M-Instruct",
                 "meta-llama/Llama-3.1-8B-Instruct"):  # fmt: skip
        known = known_shape(name)
        assert known
        assert replace(known, parameters=0).weights == known.parameters


def test_zero_divides_what_its_stages_divide() -> None:
    assert BIG
    once = Work("sft", Lengths(512, 256), 1, weight_bytes=2, rank=None, device="cuda")
    alone = replace(once, accumulation=2)
    parts = {
        stage: estimate(BIG, replace(alone, zero=stage, processes=8)).parts for stage in (1, 2, 3)
    }
    weights = BIG.weights
    for stage in parts:
        # Two numbers of Adam's and a copy, in float32, of each weight: 12 bytes over 8 devices.
        assert parts[stage]["optimiser"] == pytest.approx(weights * 12 / 8)
    assert parts[1]["gradients"] == weights * 2
    assert parts[2]["gradients"] == parts[3]["gradients"] == weights * 2 // 8
    assert parts[2]["weights"] == weights * 2
    assert parts[3]["weights"] < weights * 2 / 8 + 3 * BIG.linear_weights * 2
    away = replace(alone, zero=3, processes=8, offloads_optimizer=True, offloads_weights=True)
    moved = estimate(BIG, away)
    assert "optimiser" not in moved.parts
    assert moved.host == weights * (16 + 2)


def test_quantised_base_takes_a_quarter_and_its_embeddings_stay() -> None:
    assert BIG
    values = {"load_in_4bit": True, "bf16": True, "optim": "paged_adamw_8bit"}
    work = work_of("sft", values, Lengths(512, 256), Layout("cuda"))
    parts = estimate(BIG, work).parts
    assert 5e9 < parts["weights"] < 6.5e9
    assert parts["optimiser"] == trained_weights(BIG, work) * 2


def test_dpo_counts_both_answers_and_its_reference() -> None:
    assert BIG
    work = Work("dpo", Lengths(512, 128), 2, weight_bytes=2, checkpointing=False, device="cuda")
    with_adapter = estimate(BIG, replace(work, reference="adapter"))
    alone = estimate(BIG, replace(work, stage="sft"))
    both, one = with_adapter.parts["activations"], alone.parts["activations"]
    assert both == pytest.approx(2 * one, rel=0.01)
    second = estimate(BIG, replace(work, rank=None, reference="model"))
    assert second.parts["reference"] == second.parts["weights"]


def test_pass_that_caches_the_reference_counts_with_its_own_batch() -> None:
    assert BIG
    values = {"precompute_ref_log_probs": True, "per_device_train_batch_size": 1, "bf16": True,
              "dtype": "bfloat16", "per_device_eval_batch_size": 1}  # fmt: skip
    lengths = Lengths(1024, 128)
    small = work_of("dpo", values, lengths, Layout("cuda"))
    large = work_of("dpo", {**values, "precompute_ref_batch_size": 64}, lengths, Layout("cuda"))
    assert small.scoring_batch == 1
    found = estimate(BIG, large)
    assert found.moment == "reference" and found.total > estimate(BIG, small).total


def test_checkpointing_and_lengths_lower_the_estimate() -> None:
    assert BIG
    work = Work("sft", Lengths(2048, 2048), 4, weight_bytes=2, checkpointing=False, device="cuda")
    plain = estimate(BIG, work).total
    again = estimate(BIG, replace(work, checkpointing=True)).total
    short = estimate(BIG, replace(work, lengths=Lengths(512, 512))).total
    assert again < plain / 2
    assert short < plain / 2


def test_eager_attention_keeps_all_scores() -> None:
    assert BIG
    work = Work("sft", Lengths(2048, 2048), 1, weight_bytes=2, checkpointing=False, device="cuda")
    eager = estimate(BIG, replace(work, attention="eager")).parts["activations"]
    scores = BIG.layers * BIG.heads * 2048 * 2048 * 6
    assert eager > scores
    assert dataclasses.asdict(work)["attention"] == "sdpa"


@pytest.mark.slow
def test_estimate_is_near_the_peak_of_a_real_run() -> None:
    from benchmarks.memory import CASES, OFF_BY, measure_all

    rows = list(measure_all([CASES[0]]))
    assert rows[-1].value is not None
    assert rows[-1].value <= OFF_BY, [f"{row.name}: {row.value}" for row in rows]
