"""Publish a checkpoint: its weights, its tokenizer and its lineage, under the next number."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align.console import make_command, say
from align.files import write_atomically
from align.models.chat_template import stop_token, template_hash
from align.models.checkpoints import clear_work, publish
from align.models.lineage import FULL, Lineage, library_versions, weights_hash, write
from align.paths import relative_to_root
from align.recipe.recipe_keys import DEFAULTS
from align.training.preflight.machine_speed import remember
from align.training.prepared_run import TrainingRun, is_main
from align.training.tracking.reporter import finish
from align.training.training_report import report


def publish_run(trainer: Any, tokenizer: Any, run: TrainingRun, metrics: dict[str, Any]) -> None:
    """Close the run's trackers, publish its checkpoint, and say how training went.

    The trainer has trained and evaluated; the metrics are for twin.json.
    """
    metrics = metrics | finish(trainer, run, metrics)
    folder = _publish(trainer, tokenizer, run, metrics)
    if folder is not None:
        report(run, metrics)
        remember(run.stage, run.base.hash, run.planned, metrics["seconds"])
        following = make_command("evaluate" if run.stage == "dpo" else "sample", run.owner_id)
        say(f"{run.stage}: {relative_to_root(folder)} is ready. Next: {following}")


def _publish(
    trainer: Any, tokenizer: Any, run: TrainingRun, metrics: dict[str, Any]
) -> Path | None:
    """Write weights, tokenizer and lineage, and give them the next number (rank 0 only).

    The folder holds what was trained and nothing else: an adapter without `ref/` beside it, or the
    whole model in the dtype in which it was trained.
    """
    is_spread = trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled
    # Only DeepSpeed's engine can gather what ZeRO-3 divided.
    spread = trainer.deepspeed or trainer.model
    state = trainer.accelerator.get_state_dict(spread) if is_spread else None
    if not is_main():
        return None
    staging = run.work / "twin"
    shutil.rmtree(staging, ignore_errors=True)
    model = trainer.accelerator.unwrap_model(trainer.model)
    if run.recipe.is_full:
        _stop_where_the_template_stops(model, tokenizer)
        model.save_pretrained(staging, state_dict=state)
    else:
        _name_base(model, run)
        # Else peft would look the base up on the hub, and keep all of a widened base's embeddings.
        model.save_pretrained(
            staging, selected_adapters=["default"], state_dict=state, save_embedding_layers=False
        )
    (staging / "README.md").unlink(missing_ok=True)
    tokenizer.save_pretrained(staging)
    log = [json.dumps(entry) for entry in trainer.state.log_history]
    write_atomically(staging / "log.jsonl", "\n".join(log) + "\n")
    write(staging, _lineage(run, staging, tokenizer, metrics))
    folder = publish(staging, run.owner_id, run.stage)
    clear_work(run.owner_id, run.stage)
    return folder


def _name_base(model: Any, run: TrainingRun) -> None:
    """Let the adapter name its base by an absolute path, or a hub id: it loads from anywhere."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = (
        run.base.name if run.base.is_hub else str(run.base.path.absolute())
    )
    config.revision = run.base.revision if run.base.is_hub else None


def _stop_where_the_template_stops(model: Any, tokenizer: Any) -> None:
    """Let plain `generate` end an answer too where a base knows only the end of a document."""
    known = model.generation_config.eos_token_id
    known = [known] if isinstance(known, int) else known or []
    stops = sorted({*known, stop_token(tokenizer)})
    model.generation_config.eos_token_id = stops if len(stops) > 1 else stops[0]


def _lineage(run: TrainingRun, staging: Path, tokenizer: Any, metrics: dict[str, Any]) -> Lineage:
    ours = run.recipe.ours
    if run.parent and run.parent.lineage:
        sampling = dict(run.parent.lineage.sampling)
    else:
        wanted = (key for key in DEFAULTS["sft"] if key.startswith("sample_"))
        sampling = {key.removeprefix("sample_"): ours[key] for key in wanted}
    return Lineage(
        owner=run.owner_id,
        stage=run.stage,
        base=run.base.to_json(),
        recipe={
            "file": relative_to_root(run.recipe.path),
            "hash": run.recipe.hash,
            "values": run.recipe.values,
            **({"cut": run.cut} if run.cut else {}),
        },
        rows={
            "hash": run.rows.hash,
            "file": relative_to_root(run.rows.path),
            "train": len(run.rows.train),
            "held_out": len(run.rows.held_out),
            **({"weights": run.rows.weights} if run.stage == "dpo" else {}),
        },
        template_hash=template_hash(tokenizer),
        adapter_hash=weights_hash(staging),
        inputs=run.inputs,
        seed=run.recipe.seed,
        parent={"name": run.parent.name, "hash": run.parent.hash} if run.parent else None,
        mix=run.rows.mix,
        sampling=sampling,
        versions=library_versions(),
        metrics=metrics,
        judging=run.judging,
        kind=FULL if run.recipe.is_full else "adapter",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
