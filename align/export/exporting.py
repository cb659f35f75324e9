"""From a checkpoint to a folder that other tools load: made beside, checked, then renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.console import say
from align.conversations.prompts import bundled_file
from align.errors import UserError
from align.export import model_card as card
from align.export import modelfile, scrubbing
from align.export.asked import Asked, Exported
from align.export.gguf import quantised
from align.export.weights import BYTES, Stored, stored
from align.files import read_jsonl, sync_folder, write_atomically
from align.models import lineage as lineages
from align.models.chat_template import Message
from align.models.checkpoints import Checkpoint
from align.models.lineage import FULL
from align.paths import relative_to_root

_PROMPTS = 20
# Bytes a weight in llama.cpp's blocks, scales included.
_GGUF_BYTES = {"f16": 2.0, "q8_0": 8.5 / 8, "q4_k_m": 4.9 / 8}


@dataclass(frozen=True)
class _Plan:
    kind: str
    dtype: str
    stored: Stored


def export(checkpoint: Checkpoint, asked: Asked) -> Exported:
    """Export a checkpoint, and return what came of it.

    Raises:
        UserError: It can't be exported as asked, there is no room, or what was written does not
            say what the twin says; nothing lies under the folder's name then.
    """
    plan = _planned(checkpoint, asked)
    check_out(asked.out, force=asked.force)
    _check_room(plan, asked)
    out = asked.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        beside.chmod(0o755)
        if plan.kind == "adapter":
            found = _adapter(checkpoint, plan, asked, beside)
        else:
            found = _model(checkpoint, plan, asked, beside)
        _put(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return found


def check_out(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds something; with `force`, one that holds no export.

    Raises:
        UserError: It may not be written to.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise UserError(out, "something lies there", "Name a new folder, or say --force")
    if not is_export(out):
        raise UserError(out, "what lies there is no export", "Name a new folder")


def is_export(folder: Path) -> bool:
    """Tell whether a folder was made by an export."""
    try:
        return "export" in json.loads((folder / lineages.FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def asked_prompts(count: int = _PROMPTS) -> list[list[Message]]:
    """Return shipped prompts, spread evenly over their file; the last ones have turns before."""
    rows = [row for _, row in read_jsonl(bundled_file())]
    asked = [row.get("messages") or [{"role": "user", "content": row["prompt"]}] for row in rows]
    asked = [messages for messages in asked if _alternates(messages)]
    return [asked[at * (len(asked) - 1) // (count - 1)] for at in range(count)]


def _alternates(messages: Sequence[Message]) -> bool:
    """Tell whether user and answer take turns: some templates refuse two of a kind."""
    roles = [message["role"] for message in messages]
    return roles == ["user" if at % 2 == 0 else "assistant" for at in range(len(roles))]


def _planned(checkpoint: Checkpoint, asked: Asked) -> _Plan:
    if checkpoint.path is None or checkpoint.lineage is None:
        raise UserError(
            "--checkpoint base",
            f"the base is exported already: it lies at {relative_to_root(checkpoint.base.path)}",
            "Name a twin: sft, dpo, 002-dpo or a path",
        )
    if not lineages.has_weights(checkpoint.path):
        raise UserError(
            relative_to_root(checkpoint.path),
            "only its lineage is here, not its weights",
            "Pack it on the other machine with its adapter, and unpack that here",
        )
    is_full = checkpoint.lineage.kind == FULL
    of = stored(checkpoint.path if is_full else checkpoint.base.path)
    if is_full or asked.merge:
        return _Plan("full" if is_full else "merged", asked.dtype or of.dtype, of)
    for option, given in (("--gguf", asked.gguf), ("--ollama", asked.ollama)):
        if given:
            raise UserError(option, "an adapter alone is no model to convert", "Add --merge")
    return _Plan("adapter", of.dtype, of)


def _check_room(plan: _Plan, asked: Asked) -> None:
    """Say the memory and the disk that the export takes; refuse where the disk is too small."""
    if plan.kind == "adapter":
        return
    weights = plan.stored.parameters
    disk = weights * BYTES[plan.dtype]
    if asked.gguf:
        disk += int(weights * (2 + (_GGUF_BYTES[asked.gguf] if asked.gguf != "f16" else 0)))
    say(
        f"export: {weights / 1e6:,.1f} M weights; about {_size(weights * 4 * 1.1)} of memory "
        f"(merged and checked in float32 on the CPU), {_size(disk)} on disk as {plan.dtype}"
    )
    parent = next(path for path in asked.out.absolute().parents if path.exists())
    free = shutil.disk_usage(parent).free
    if free < disk * 1.02:
        raise UserError(
            parent, f"{_size(free)} are free, {_size(disk)} are needed", "Name another disk"
        )


def _model(checkpoint: Checkpoint, plan: _Plan, asked: Asked, beside: Path) -> Exported:
    from align.export import merging

    assert checkpoint.lineage is not None
    tokenizer = merging.tokenizer_of(checkpoint)
    if checkpoint.lineage.recipe.get("values", {}).get("load_in_4bit"):
        say("export: trained on a base in four bits; merged into the base in full precision")
    prompts = asked_prompts()
    model, reference = merging.merged(checkpoint, tokenizer, prompts, plan.dtype)
    stops = merging.stops_of(model, tokenizer)
    model.save_pretrained(beside, max_shard_size=asked.shard)
    del model
    merging.save_tokenizer(tokenizer, beside)
    merging.check_template(beside, prompts, reference.prompts)
    agreement = merging.compared(beside, reference, plan.dtype)
    if not agreement.holds:
        raise UserError(
            asked.out,
            f"not exported: the merged model does not say what the twin says ({agreement})",
            "Merge into more digits: --dtype float32" if plan.dtype != "float32" else "Report this",
        )
    found = _described(
        checkpoint, plan, asked, beside, Exported(asked.out, plan.kind, plan.dtype, agreement)
    )
    return _served(checkpoint, asked, beside, tokenizer, stops, found)


def _served(
    checkpoint: Checkpoint,
    asked: Asked,
    beside: Path,
    tokenizer: Any,
    stops: Sequence[int],
    found: Exported,
) -> Exported:
    """Add GGUF and Modelfile as asked; a template that can't be said leaves the latter out."""
    weights, left_out = ".", []
    done = None
    if asked.gguf and asked.tools:
        done = quantised(beside, "twin", asked.gguf, asked.tools, asked.bound)
        weights = f"./{done.file}"
    if asked.ollama:
        try:
            text = modelfile.modelfile(tokenizer, weights, checkpoint.sampling, stops)
            write_atomically(beside / modelfile.FILE, text)
        except UserError as error:
            left_out.append(f"no {modelfile.FILE}: {error}")
    return Exported(found.folder, found.kind, found.dtype, found.agreement, done, tuple(left_out))


def _adapter(checkpoint: Checkpoint, plan: _Plan, asked: Asked, beside: Path) -> Exported:
    """Copy what peft loads: weights, their configuration, the tokenizer; by name, nothing else."""
    from align.export import merging

    assert checkpoint.path is not None
    tokenizer = merging.tokenizer_of(checkpoint)
    shutil.copyfile(checkpoint.path / lineages.ADAPTER, beside / lineages.ADAPTER)
    config = json.loads((checkpoint.path / "adapter_config.json").read_text(encoding="utf-8"))
    base = checkpoint.base
    config["base_model_name_or_path"] = base.name if base.is_hub else str(base.path.absolute())
    config["revision"] = base.revision if base.is_hub else None
    write_atomically(beside / "adapter_config.json", json.dumps(config, indent=2) + "\n")
    merging.save_tokenizer(tokenizer, beside)
    if not base.is_hub:
        say(
            "export: the adapter's configuration names the base by its folder on this machine; "
            "--merge makes a folder that needs none"
        )
    return _described(checkpoint, plan, asked, beside, Exported(asked.out, plan.kind, plan.dtype))


def _described(
    checkpoint: Checkpoint, plan: _Plan, asked: Asked, beside: Path, found: Exported
) -> Exported:
    page = card.card(
        checkpoint,
        plan.kind,
        dtype=plan.dtype,
        name=asked.name,
        agreement=found.agreement,
        scorecard=asked.scorecard,
    )
    write_atomically(beside / card.FILE, page)
    said = scrubbing.twin_json(checkpoint, plan.kind, name=asked.name)
    write_atomically(beside / lineages.FILE, said)
    return found


def _put(beside: Path, out: Path) -> None:
    """Give the finished folder its name; an export that lay there goes once the new one stands."""
    for path in beside.rglob("*"):
        if path.is_file():
            # Safetensors are written for their owner's eyes only.
            path.chmod(0o644)
            with path.open("rb") as file:
                os.fsync(file.fileno())
    old = None
    if out.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old-", dir=out.parent))
        out.rename(old / out.name)
    beside.rename(out)
    sync_folder(out.parent)
    if old is not None:
        shutil.rmtree(old)


def _size(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
