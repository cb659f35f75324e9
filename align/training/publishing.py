"""Publish a twin: its adapter, its tokenizer and its lineage, under the next number."""

import importlib.metadata
import json
import platform
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align.checkpoints import clear_work, publish
from align.files import write_atomically
from align.lineage import Lineage, adapter_hash, write
from align.paths import relative_to_root
from align.recipe_keys import DEFAULTS
from align.template import template_hash
from align.training.run import Run, is_main

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")


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
