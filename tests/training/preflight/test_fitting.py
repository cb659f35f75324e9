"""Which change is offered where a run does not fit."""

from dataclasses import replace

from align.training.preflight.findings import Mark
from align.training.preflight.fitting import cheapest, memory, remedy
from align.training.preflight.machine import Gpu, Layout, Machine
from align.training.preflight.memory import estimate
from align.training.preflight.shapes import ModelShape, known_shape
from align.training.preflight.work import Lengths, Work

GB = 10**9
EIGHT = known_shape("meta-llama/Llama-3.1-8B-Instruct")
LORA = Work("sft", Lengths(1024, 1024), 8, 8, weight_bytes=2, is_mixed=True,
            checkpointing=False, device="cuda")  # fmt: skip
ONE_GPU = Layout("cuda", 1, 1, 0, (False, False))


def shape() -> ModelShape:
    assert EIGHT
    return EIGHT


def machine(memory: int, gpus: int = 1) -> Machine:
    return Machine((Gpu("GPU", memory, memory),) * gpus, 64 * GB, 60 * GB, 8)


def test_checkpointing_is_offered_before_anything_else() -> None:
    change = cheapest(shape(), LORA, 45 * GB)
    assert change and change.words == "--gradient_checkpointing true"


def test_batch_is_halved_only_as_often_as_it_must_and_the_step_stays_the_same() -> None:
    work = replace(LORA, checkpointing=True, batch=16, eval_batch=1)
    there = estimate(shape(), replace(work, batch=4)).total
    change = cheapest(shape(), work, there)
    words = "--per_device_train_batch_size 4 --gradient_accumulation_steps 4"
    assert change and change.words == words


def test_changes_are_combined_where_one_is_not_enough() -> None:
    work = replace(LORA, batch=16)
    there = estimate(shape(), replace(work, checkpointing=True, batch=4)).total
    change = cheapest(shape(), work, there)
    assert change is not None
    assert "--gradient_checkpointing true" in change.words
    assert "--per_device_train_batch_size" in change.words
    assert "--load_in_4bit" not in change.words
    assert estimate(shape(), change.work).total <= there


def test_full_training_of_a_large_model_is_sent_over_several_gpus() -> None:
    work = replace(LORA, rank=None, weight_bytes=4, checkpointing=True, batch=1, processes=4)
    change = cheapest(shape(), work, 40 * GB, gpus=4)
    assert change and change.words == "--accelerate zero3"


def test_smaller_model_is_named_where_nothing_else_helps() -> None:
    work = replace(LORA, device="cpu", weight_bytes=4, is_mixed=False, checkpointing=True,
                   batch=1, eval_batch=1, lengths=Lengths(256, 256))  # fmt: skip
    layout = Layout("cpu", 1, 1, 0, (False, False))
    small = Machine((), 8 * GB, 8 * GB, 4)
    assert "--recipe qwen3-0.6b" in remedy(shape(), work, layout, small)


def test_run_is_stopped_only_by_what_cannot_fit_even_if_the_estimate_is_off() -> None:
    needed = estimate(shape(), LORA).total
    near = machine(int(needed / 1.1))
    assert memory(shape(), LORA, ONE_GPU, near)[0].mark is Mark.WRONG
    assert memory(shape(), LORA, ONE_GPU, near, stops=True)[0].mark is Mark.WARNING
    far = machine(int(needed / 1.3))
    assert memory(shape(), LORA, ONE_GPU, far, stops=True)[0].mark is Mark.WRONG
    assert memory(shape(), LORA, ONE_GPU, machine(2 * needed))[0].mark is Mark.FINE


def test_unknown_shape_is_unknown_and_not_fine() -> None:
    assert memory(None, LORA, ONE_GPU, machine(80 * GB))[0].mark is Mark.UNKNOWN
