"""What is found on a machine, and how a run is spread over it."""

from functools import partial
from pathlib import Path

import pytest

from align.errors import UserError
from align.training.preflight import work
from align.training.preflight.machine import (
    Gpu,
    Layout,
    Machine,
    bytes_of,
    layout_of,
    memory_for,
    multiplies_bfloat16,
    planned_machine,
    this_machine,
)

LAPTOP = Machine((), 16 * 10**9, 12 * 10**9, 8)
SMI = """#!/bin/sh
if [ "$1" = "-L" ]; then printf 'GPU 0: one\\nGPU 1: two\\n'; else
printf 'NVIDIA L4, 23034, 22500\\nNVIDIA L4, 23034, 11000\\n'; fi
"""


def test_memory_sizes_are_read_as_people_write_them() -> None:
    assert bytes_of("24GB") == bytes_of("24g") == 24 * 10**9
    assert bytes_of("24GiB") == 24 << 30
    assert bytes_of("1.5T") == 15 * 10**11
    for nonsense in ("much", "-3GB", "", "GB"):
        with pytest.raises(UserError, match="not an amount of memory"):
            bytes_of(nonsense)


@pytest.mark.parametrize(
    ("said", "multiplies"),
    [
        ("model name : x\nflags\t\t: fpu avx512f avx512_bf16 sse\n", True),
        ("flags : fpu amx_bf16\n\nflags : fpu amx_bf16\n", True),
        ("Features\t: fp asimd i8mm bf16\n", True),
        ("flags : fpu avx2 f16c\nbugs : bf16\n", False),
        ("", False),
    ],
)
def test_a_cpu_multiplies_bfloat16_where_linux_says_so(
    said: str, multiplies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: said)
    assert multiplies_bfloat16.__wrapped__() is multiplies


def test_runs_are_in_bfloat16_where_the_device_multiplies_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu, shared = Layout("cpu"), Layout("cpu", processes=2, zero=2)
    for here in (True, False):
        monkeypatch.setattr(work, "multiplies_bfloat16", partial(bool, here))
        assert work.work_of("sft", {}, None, cpu).is_mixed is here
        assert work.work_of("sft", {"bf16": not here}, None, cpu).is_mixed is not here
        assert work.work_of("sft", {}, None, Layout("mps")).is_mixed is False
        assert work.work_of("sft", {}, None, shared).weight_bytes == 4


def test_planned_gpus_stand_in_for_those_that_are_not_here() -> None:
    four = planned_machine(LAPTOP, "24GB", 4)
    assert len(four.gpus) == 4 and four.gpus[0].free == 24 * 10**9
    assert planned_machine(LAPTOP, None, None) is LAPTOP
    assert planned_machine(LAPTOP, "8GB", 0).ram_free == 8 * 10**9
    with pytest.raises(UserError, match="of how much memory"):
        planned_machine(LAPTOP, None, 2)
    spread = layout_of(
        {"distributed_type": "DEEPSPEED", "deepspeed_config": {"zero_stage": 3}}, four
    )
    assert (spread.device, spread.processes, spread.zero) == ("cuda", 4, 3)


def test_bare_launch_is_read_from_what_accelerate_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "ACCELERATE_USE_DEEPSPEED": "true",
        "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3",
        "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE": "cpu",
        "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": "none",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    box = Machine((Gpu("GPU", 80, 80),) * 4, 10**12, 10**12, 64)
    layout = layout_of({}, box)
    assert (layout.device, layout.processes, layout.here, layout.zero) == ("cuda", 8, 4, 3)
    assert layout.offload == (True, False)


def test_fsdp_shares_weights_as_stage_3_does(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Machine((Gpu("GPU", 80, 80),) * 4, 10**12, 10**12, 64)
    shared = layout_of({"distributed_type": "FSDP", "num_processes": 4}, box)
    assert (shared.processes, shared.zero, shared.is_fsdp) == (4, 3, True)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert layout_of({}, box) == shared


def test_processes_on_one_cpu_share_its_memory() -> None:
    layout = layout_of(
        {"use_cpu": True, "num_processes": 2, "distributed_type": "MULTI_CPU"}, LAPTOP
    )
    assert memory_for(layout, LAPTOP) == 6 * 10**9


def test_gpus_are_those_that_the_process_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    both = this_machine().gpus
    assert [gpu.name for gpu in both] == ["NVIDIA L4", "NVIDIA L4"]
    assert both[0].free == 22500 << 20
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.free for gpu in this_machine().gpus] == [11000 << 20]
