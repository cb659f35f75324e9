"""What a run finds on this machine: devices, memory, cores, disk. No torch."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from align.errors import UserError
from align.recipe.accelerate_config import machines, offload, processes, visible_gpus, zero_stage

# What Metal recommends an application to keep of the memory that CPU and GPU share.
_METAL_SHARE = 0.75
# Flags of x86 and Arm processors that multiply bfloat16.
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@dataclass(frozen=True)
class Gpu:
    """A CUDA device: its name, and its memory in bytes."""

    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Machine:
    """What a run finds."""

    gpus: tuple[Gpu, ...]  # CUDA devices that a process sees
    ram: int  # bytes of memory, as far as this process may use it
    ram_free: int  # bytes of it that are free
    cores: int  # that this process may use
    is_metal: bool = False  # whether it has Apple's GPU
    planned: bool = False  # whether it is one that was made up by `--max-memory` or `--gpus`


@dataclass(frozen=True)
class Layout:
    """How a run is spread."""

    device: str  # `cuda`, `mps` or `cpu`
    processes: int = 1  # over all machines
    here: int = 1  # processes on this machine
    # Stage of ZeRO, 0 for none; FSDP shares as stage 3 does (Zhao et al. 2023, arXiv 2304.11277,
    # section 3).
    zero: int = 0
    # Whether optimiser states, and weights, lie in the machine's memory.
    offload: tuple[bool, bool] = (False, False)
    lacks_gpu: bool = False  # whether a GPU is asked for and none is there
    is_fsdp: bool = False  # whether FSDP shares, and not DeepSpeed


def this_machine() -> Machine:
    """Return what is here."""
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit = _limit_of_container()
    if limit is not None:
        total, free = min(total, limit), min(free, limit)
    is_metal = platform.system() == "Darwin" and platform.machine() == "arm64"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine(gpus_here(), total, free, cores or 1, is_metal)


@cache
def multiplies_bfloat16() -> bool:
    """Tell whether this CPU has instructions for bfloat16, as Linux says; elsewhere no."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", told, re.MULTILINE)
    return flags is not None and bool(_BFLOAT16 & set(flags[1].split()))


def planned_machine(here: Machine, max_memory: str | None, gpus: int | None) -> Machine:
    """Return a machine that one doesn't have: so many GPUs, or one, of so much memory.

    `max_memory`, like `24GB`, is each GPU's, or the machine's where it has none (`gpus` 0).
    UserError: no such amount.
    """
    if max_memory is None and gpus is None:
        return here
    count = gpus if gpus is not None else max(1, len(here.gpus))
    if max_memory is None:
        size = here.gpus[0].total if here.gpus else 0
        if count and not size:
            raise UserError("--gpus", "of how much memory is not clear", "Say --max-memory too")
    else:
        size = bytes_of(max_memory)
    if not count:
        ram = size or here.ram
        return replace(here, gpus=(), ram=ram, ram_free=ram, is_metal=False, planned=True)
    made = Gpu("GPU", size, size)
    return replace(here, gpus=(made,) * count, is_metal=False, planned=True)


def bytes_of(text: str) -> int:
    """Return the bytes of `24GB`, `24G` or `24GiB` (that by 1,024); UserError: it names none."""
    amount = re.fullmatch(r"([0-9.]+)\s*([KMGT]?)(I?)B?", text.strip().upper())
    try:
        number = float(amount[1]) if amount else 0.0
    except ValueError:
        number = 0.0
    if amount is None or not number:
        raise UserError(f"--max-memory {text}", "not an amount of memory", "Say it like 24GB")
    return int(number * (1024 if amount[3] else 1000) ** " KMGT".index(amount[2] or " "))


def layout_of(settings: Mapping[str, Any], machine: Machine) -> Layout:
    """Return how accelerate's settings spread a run; empty ones are read from the environment."""
    values = dict(settings) or settings_of_environment()
    count = processes(values)
    kind = str(values.get("distributed_type") or "NO").upper()
    if machine.planned and machine.gpus and not values.get("use_cpu"):
        count = len(machine.gpus) * machines(values) if kind not in ("NO", "FALSE", "MPS") else 1
    device = "cpu"
    if not values.get("use_cpu"):
        device = "cuda" if machine.gpus else "mps" if machine.is_metal else "cpu"
    here = max(1, count // machines(values))
    # Without a word about devices a CPU is as good as any.
    lacks_gpu = bool(settings) and device == "cpu" and not values.get("use_cpu")
    is_fsdp = kind == "FSDP"
    zero = 3 if is_fsdp else zero_stage(values)
    return Layout(device, count, here, zero, offload(values), lacks_gpu, is_fsdp)


def settings_of_environment() -> dict[str, Any]:
    """Return what accelerate and torchrun told this process, in the words of accelerate's file."""

    def variable(name: str) -> str:
        return os.environ.get(f"ACCELERATE_{name}", "").lower()

    world = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    kind = "MULTI_GPU" if world > 1 else "NO"
    for name in ("FSDP", "DEEPSPEED"):
        kind = name if variable(f"USE_{name}") in ("1", "true") else kind
    file = os.environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE", "none")
    return {
        "num_processes": world,
        "num_machines": max(1, world // max(1, here)),
        "use_cpu": variable("USE_CPU") in ("1", "true"),
        "distributed_type": kind,
        "deepspeed_config": {
            "zero_stage": int(variable("DEEPSPEED_ZERO_STAGE") or 2),
            "offload_optimizer_device": variable("DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE"),
            "offload_param_device": variable("DEEPSPEED_OFFLOAD_PARAM_DEVICE"),
            "deepspeed_config_file": None if file == "none" else file,
        },
    }


def memory_for(layout: Layout, machine: Machine) -> int:
    """Return the bytes that one process may take on its device."""
    if layout.device == "cuda":
        return min(gpu.free for gpu in machine.gpus)
    if layout.device == "mps":
        return int(machine.ram * _METAL_SHARE)
    return machine.ram_free // layout.here


def gpus_here() -> tuple[Gpu, ...]:
    """Return the CUDA devices that a process sees here, found without torch."""
    count = visible_gpus()
    if not count:
        return ()
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free",
             "--format=csv,noheader,nounits"]  # fmt: skip
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    gpus = []
    for line in done.stdout.splitlines():
        name, total, free = (part.strip() for part in line.rsplit(",", 2))
        if total.isdigit() and free.isdigit():
            gpus.append(Gpu(name, int(total) << 20, int(free) << 20))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    chosen = [int(word) for word in visible.split(",") if word.strip().isdigit()]
    if chosen:
        gpus = [gpus[at] for at in chosen if at < len(gpus)]
    return tuple(gpus[:count])


def _limit_of_container() -> int | None:
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            return int(text)
    return None
