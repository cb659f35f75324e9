"""Where the checks train: a project root of their own, tiny bases, and the project's own mains."""

import contextlib
import gc
import importlib
import io
import json
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class FailedRunError(Exception):
    """A run did not end as it should."""


class Skipped(Exception):
    """What a check needs is not on this machine."""


@dataclass(frozen=True)
class Trained:
    """A run that ended.

    Attributes:
        folder: Of the twin.
        losses: As they were logged, one a step.
        said: What the run said on stderr.
        log: The entries of its log.
    """

    folder: Path
    losses: list[float]
    said: str
    log: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Ground:
    """A root with recipe `tiny`, its rows and its base, and the device that is checked.

    Attributes:
        root: A folder that nobody needs afterwards.
        device: `cuda` or `cpu`.
        is_small: Whether sizes are such that a CPU takes seconds.
        gpus: How many there are; this process sees the first.
        visible: What CUDA_VISIBLE_DEVICES said before that.
        peak: FLOP/s of a bf16 matrix product, once it was measured.
    """

    root: Path
    device: str
    is_small: bool = False
    gpus: int = 0
    visible: str | None = None
    peak: float | None = None

    def __post_init__(self) -> None:
        tiny, runs = of_tests("tiny"), of_tests("tiny_runs")
        for folder in ("data", "checkpoints", "recipes/tiny"):
            (self.root / folder).mkdir(parents=True)
        shutil.copytree(CHECKOUT / "recipes" / "accelerate", self.root / "recipes" / "accelerate")
        tiny.write_tiny_base(self.root / "models" / "tiny")
        for stage, recipe, row in (
            ("sft", runs.SFT, runs.sft_row),
            ("dpo", runs.DPO, runs.dpo_row),
        ):
            (self.root / "recipes" / "tiny" / f"{stage}.yaml").write_text(recipe)
            runs.write_rows(self.root / f"{stage}.jsonl", [row(at) for at in range(24)])

    def words(self, stage: str, owner: str, *more: str) -> list[str]:
        """Return the command line of a run; what stands later beats what stood before."""
        said = ["--owner", owner, "--recipe", "tiny"]
        rows = [] if "--dataset" in more else ["--dataset", str(self.root / f"{stage}.jsonl")]
        return [*said, *rows, *_last_of_each(more)]

    def train(self, stage: str, owner: str, *more: str) -> Trained:
        """Train by the project's own main, in this process, and return what came of it.

        Raises:
            FailedRunError: The run ended with another exit code than 0.
        """
        code, said = self.attempt(stage, owner, *more)
        if code:
            raise FailedRunError(f"align {stage} ended with {code}: {last_line(said)}")
        return self.read(stage, owner, said)

    def attempt(self, stage: str, owner: str, *more: str) -> tuple[int, str]:
        """Return a run's exit code and what it said, however it ended."""
        main = importlib.import_module(f"align.{stage}").main
        said = io.StringIO()
        with hushed(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = main(self.words(stage, owner, *more))
        self.tidy()
        return int(code), said.getvalue()

    def read(self, stage: str, owner: str, said: str = "") -> Trained:
        """Return the newest twin of a stage as its log tells of it."""
        folder = (self.root / "checkpoints" / owner / stage).resolve()
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        log = [json.loads(line) for line in lines]
        return Trained(folder, [entry["loss"] for entry in log if "loss" in entry], said, log)

    def tidy(self) -> None:
        """Give the device's memory back."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and self.device == "cuda":
            torch.cuda.empty_cache()


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keep what libraries write past Python's streams out of the report."""
    sys.stdout.flush()
    kept = [os.dup(one) for one in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for one in (1, 2):
            os.dup2(nowhere, one)
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for one, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, one)
            os.close(copy)
        os.close(nowhere)


@contextlib.contextmanager
def watched(callbacks: Callable[[Any, Any], Sequence[Any]]) -> Iterator[None]:
    """Let callbacks look on at the runs inside, beside those that the run itself brings.

    Args:
        callbacks: From trainer and run to transformers' callbacks.
    """
    loop: Any = importlib.import_module("align.training.trainer_loop")
    own = loop.callbacks
    loop.callbacks = lambda trainer, run: [*own(trainer, run), *callbacks(trainer, run)]
    try:
        yield
    finally:
        loop.callbacks = own


@contextlib.contextmanager
def surroundings(device: str, root: Path) -> Iterator[None]:
    """Point the project at a root, and keep every library offline and quiet."""
    said = {
        "SOUNDALIKE_ROOT": str(root),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "WANDB_MODE": "disabled",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join(
            [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }
    if device == "cpu":
        said["ACCELERATE_USE_CPU"] = "true"
    before = {key: os.environ.get(key) for key in said}
    os.environ.update(said)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def of_tests(name: str) -> Any:
    """Return a module of the tests that needs no pytest.

    A `tests` package that some library left among the interpreter's own would hide ours.
    """
    ours = str(CHECKOUT / "tests")
    known = sys.modules.get("tests")
    if known is None or ours not in list(known.__path__):
        package = types.ModuleType("tests")
        package.__path__ = [ours]
        sys.modules["tests"] = package
    return importlib.import_module(f"tests.{name}")


def last_line(said: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def largest_difference(losses: Sequence[float], others: Sequence[float]) -> float:
    """Return the largest relative difference of two runs' losses; infinite where steps lack."""
    if len(losses) != len(others) or not losses:
        return float("inf")
    return max(
        abs(one - other) / max(abs(one), abs(other), 1e-12)
        for one, other in zip(losses, others, strict=True)
    )


def _last_of_each(words: Sequence[str]) -> list[str]:
    """Return `--key value …` groups, of a key that was said twice the last."""
    groups: dict[str, list[str]] = {}
    key = ""
    for word in words:
        if word.startswith("--"):
            key = word
            groups.pop(key, None)
        groups.setdefault(key, []).append(word)
    return [word for group in groups.values() for word in group]
