"""Fit: run a trainer to its end, from where it was stopped, and publish the twin."""

import importlib.metadata
import itertools
import json
import os
import platform
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, ProgressCallback, TrainerCallback, set_seed

from align.checkpoints import clear_work, publish
from align.console import progress, say
from align.errors import UserError
from align.files import write_atomically
from align.lineage import Lineage, adapter_hash, write
from align.paths import relative_to_root
from align.recipe_keys import DEFAULTS
from align.template import template_hash
from align.training.alarms import alarms, not_finite
from align.training.head import project_learned_positions_only
from align.training.run import Run, is_main

WHOLE = "whole"
_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")


def arguments(kind: type, run: Run) -> Any:
    """Return TRL's settings for a run: the recipe's, and what is the run's own to decide.

    Raises:
        UserError: TRL refuses the combination.
    """
    said = dict(run.recipe.training)
    said.setdefault("bf16", torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    # On a CPU DeepSpeed's state counts one process where there are two, and its batch sizes then
    # disagree. With use_cpu the processes train plainly data-parallel instead: no ZeRO there.
    said.setdefault("use_cpu", _on_cpu())
    said.setdefault("logging_first_step", True)
    said.setdefault("save_strategy", "steps")
    said.setdefault("save_steps", 50)
    said.setdefault("save_total_limit", 2)
    own = {
        "output_dir": str(run.work),
        "disable_tqdm": True,
        "report_to": said.pop("report_to", "none"),
        # A filtered log would show a number where there is none.
        "logging_nan_inf_filter": False,
    }
    if not said.get("packing"):
        own["max_length"] = None  # align.training.tokenised made the rows fit
    try:
        return kind(**{**said, **own})
    except (ValueError, TypeError, ImportError) as error:
        first = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(str(run.recipe.path), f"TRL refuses it: {first}") from error


def _on_cpu() -> bool:
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true"):
        return True
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


def model_settings(run: Run) -> dict[str, Any]:
    """Return what `from_pretrained` takes from the recipe: dtype, attention, quantisation."""
    said = run.recipe.model
    settings: dict[str, Any] = {"dtype": said.get("dtype") or "float32"}
    if said.get("attn_implementation"):
        settings["attn_implementation"] = said["attn_implementation"]
    if said.get("load_in_4bit") or said.get("load_in_8bit"):
        from trl import ModelConfig, get_quantization_config

        settings["quantization_config"] = get_quantization_config(ModelConfig(**said))
    return settings


def seed_everything(run: Run) -> None:
    """Seed what draws an adapter's first weights."""
    set_seed(run.recipe.seed)


def train(trainer: Any, run: Run) -> dict[str, Any]:
    """Train to the end, going on from the last whole save, and return what it measured.

    Losses and weights equal those of a run that was never stopped.
    """
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    watcher = _Watcher(run.stage)
    trainer.add_callback(watcher)
    project_learned_positions_only(trainer.accelerator.device)
    resumed = last_whole(run.work)
    if resumed and is_main():
        say(f"{run.stage}: going on from step {resumed.name.split('-')[1]}")
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    measured: dict[str, Any] = {
        "steps": trainer.state.global_step,
        "seconds": round(time.monotonic() - started, 1),
    }
    if logged:
        measured |= {"first_loss": logged[0]["loss"], "last_loss": logged[-1]["loss"]}
    if watcher.raised:
        measured["alarms"] = watcher.raised
    return measured


def last_whole(work: Path) -> Path | None:
    """Return the newest save that was finished; half-written ones are removed."""
    whole: list[Path] = []
    for folder in sorted(work.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])):
        if (folder / WHOLE).is_file():
            whole.append(folder)
        elif is_main():
            shutil.rmtree(folder, ignore_errors=True)
    return whole[-1] if whole else None


def publish_twin(trainer: Any, tokenizer: Any, run: Run, metrics: dict[str, Any]) -> Path | None:
    """Write adapter, tokenizer and lineage, and give them the next number (rank 0 only).

    The folder holds the adapter that was trained and nothing else: no `ref/` beside it.
    """
    state = (
        trainer.accelerator.get_state_dict(trainer.model) if trainer.is_deepspeed_enabled else None
    )
    if not is_main():
        return None
    staging = run.work / "twin"
    shutil.rmtree(staging, ignore_errors=True)
    model = trainer.accelerator.unwrap_model(trainer.model)
    config = model.peft_config["default"]
    # An absolute path, or a hub id: the folder loads from wherever one stands.
    config.base_model_name_or_path = (
        run.base.name if run.base.is_hub else str(run.base.path.absolute())
    )
    config.revision = run.base.revision if run.base.is_hub else None
    model.save_pretrained(staging, selected_adapters=["default"], state_dict=state)
    (staging / "README.md").unlink(missing_ok=True)
    tokenizer.save_pretrained(staging)
    log = [json.dumps(entry) for entry in trainer.state.log_history]
    write_atomically(staging / "log.jsonl", "\n".join(log) + "\n")
    write(staging, _lineage(run, staging, tokenizer, metrics))
    folder = publish(staging, run.owner, run.stage)
    clear_work(run.owner, run.stage)
    return folder


def _lineage(run: Run, staging: Path, tokenizer: Any, metrics: dict[str, Any]) -> Lineage:
    ours = run.recipe.ours
    if run.parent and run.parent.lineage:
        sampling = dict(run.parent.lineage.sampling)
    else:
        wanted = (key for key in DEFAULTS["sft"] if key.startswith("sample_"))
        sampling = {key.removeprefix("sample_"): ours[key] for key in wanted}
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return Lineage(
        owner=run.owner,
        stage=run.stage,
        base=run.base.to_json(),
        recipe={
            "file": relative_to_root(run.recipe.path),
            "hash": run.recipe.hash,
            "values": run.recipe.values,
        },
        rows={
            "hash": run.rows.hash,
            "file": relative_to_root(run.rows.path),
            "train": len(run.rows.train),
            "held_out": len(run.rows.held_out),
            **({"weights": run.rows.weights} if run.stage == "dpo" else {}),
        },
        template_hash=template_hash(tokenizer),
        adapter_hash=adapter_hash(staging),
        inputs=run.inputs,
        seed=run.recipe.seed,
        parent={"name": run.parent.name, "hash": run.parent.hash} if run.parent else None,
        mix=run.rows.mix,
        sampling=sampling,
        versions={"python": platform.python_version(), **versions},
        metrics=metrics,
        judging=run.judging,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


class _Watcher(TrainerCallback):
    """Keeps the progress line, marks whole saves, and sounds the alarms."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.raised: list[str] = []
        self._line: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            total = state.max_steps - state.global_step
            self._line = progress(itertools.count(), total, self.stage, unit="steps")
            next(self._line)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._line is not None:
            next(self._line)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        bad = not_finite(logs or {})
        if bad in ("loss", "grad_norm"):
            raise UserError(
                f"{self.stage}, step {state.global_step}",
                f"{bad} is not a number any more",
                "Lower learning_rate; in half precision try bf16 instead of fp16",
            )
        if self.stage == "dpo" and state.is_world_process_zero:
            for sentence in alarms(state.log_history, state.max_steps):
                if sentence.split("(")[0] not in {old.split("(")[0] for old in self.raised}:
                    self.raised.append(sentence)
                    say(f"dpo: ! {sentence}")

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            for path in folder.rglob("*"):
                if path.is_file():
                    handle = os.open(path, os.O_RDONLY)
                    os.fsync(handle)
                    os.close(handle)
            write_atomically(folder / WHOLE, "")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._line is not None:
            self._line.close()
