"""From a checkpoint to a folder that other tools load: made beside, checked, then renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.console import say
from align.errors import UserError
from align.export import model_card, modelfile, scrubbing
from align.export.agreement import Agreement
from align.export.gguf import Quantised, Tools, quantised
from align.export.weights import BYTES, StoredWeights, stored_weights
from align.files import sync, write_atomically
from align.models import lineage as lineages
from align.models.checkpoints import Checkpoint
from align.models.lineage import FULL
from align.paths import relative_to_root

# Bytes a weight in llama.cpp's blocks, scales included.
_GGUF_BYTES = {"f16": 2.0, "q8_0": 8.5 / 8, "q4_k_m": 4.9 / 8}


@dataclass(frozen=True)
class ExportRequest:
    """What is to be exported, and how."""

    out: Path  # the folder to be made
    merge: bool = False  # one model, rather than the adapter
    dtype: str | None = None  # of the merged weights; what the base is stored in where None
    shard: str = "5GB"  # size of a file at most, as in `5GB`
    force: bool = False  # replace an export that lies there
    name: bool = False  # whether the owner's name may stand in it
    ollama: bool = False  # whether to write a Modelfile
    gguf: str | None = None  # `f16`, `q8_0` or `q4_k_m`; None for no GGUF
    tools: Tools | None = None  # llama.cpp, for `gguf`
    bound: float = 0.1  # by what share perplexity may rise when the weights are quantised
    # `matches` and `measures` of a scorecard that the checkpoint is in.
    scorecard: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ExportResult:
    """A finished export."""

    folder: Path  # where it lies
    kind: str  # `merged`, `full` or `adapter`
    dtype: str  # of the weights
    # How near it is to the checkpoint; None for an adapter, which is copied.
    agreement: Agreement | None = None
    gguf: Quantised | None = None  # how the quantised file did; None where none was asked for
    left_out: tuple[str, ...] = ()  # files of the request that are not there, each with its reason


@dataclass(frozen=True)
class _Plan:
    kind: str
    dtype: str
    weights: StoredWeights


def export(checkpoint: Checkpoint, request: ExportRequest) -> ExportResult:
    """Export a checkpoint.

    Raises:
        UserError: It can't be exported as asked, there is no room, or what was written does not
            say what the checkpoint says; nothing lies under the folder's name then.
    """
    plan = _planned(checkpoint, request)
    check_out(request.out, force=request.force)
    _check_room(plan, request)
    out = request.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        beside.chmod(0o755)
        write = _write_adapter if plan.kind == "adapter" else _write_model
        result = write(checkpoint, plan, request, beside)
        page = model_card.card(
            checkpoint,
            plan.kind,
            dtype=plan.dtype,
            name=request.name,
            agreement=result.agreement,
            scorecard=request.scorecard,
        )
        write_atomically(beside / model_card.FILE, page)
        lineage = scrubbing.twin_json(checkpoint, plan.kind, name=request.name)
        write_atomically(beside / lineages.FILE, lineage)
        _put(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return result


def check_out(out: Path, *, force: bool) -> None:
    """Refuse (UserError) a folder that holds something; with `force`, one that holds no export."""
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


def _planned(checkpoint: Checkpoint, request: ExportRequest) -> _Plan:
    if checkpoint.path is None or checkpoint.lineage is None:
        raise UserError(
            "--checkpoint base",
            f"the base is exported already: it lies at {relative_to_root(checkpoint.base.path)}",
            "Name a twin: sft, dpo, 002-dpo or a path",
        )
    lineages.check_has_weights(checkpoint.path)
    is_full = checkpoint.lineage.kind == FULL
    weights = stored_weights(checkpoint.path if is_full else checkpoint.base.path)
    if is_full or request.merge:
        return _Plan("full" if is_full else "merged", request.dtype or weights.dtype, weights)
    for option, given in (("--gguf", request.gguf), ("--ollama", request.ollama)):
        if given:
            raise UserError(option, "an adapter alone is no model to convert", "Add --merge")
    return _Plan("adapter", weights.dtype, weights)


def _check_room(plan: _Plan, request: ExportRequest) -> None:
    """Say the memory and the disk that the export takes; refuse where the disk is too small."""
    if plan.kind == "adapter":
        return
    count = plan.weights.parameters
    disk = count * BYTES[plan.dtype]
    if request.gguf:
        disk += int(count * (2 + (_GGUF_BYTES[request.gguf] if request.gguf != "f16" else 0)))
    say(
        f"export: {count / 1e6:,.1f} M weights; about {_size(count * 4 * 1.1)} of memory "
        f"(merged and checked in float32 on the CPU), {_size(disk)} on disk as {plan.dtype}"
    )
    parent = next(path for path in request.out.absolute().parents if path.exists())
    free = shutil.disk_usage(parent).free
    if free < disk * 1.02:
        raise UserError(
            parent, f"{_size(free)} are free, {_size(disk)} are needed", "Name another disk"
        )


def _write_model(
    checkpoint: Checkpoint, plan: _Plan, request: ExportRequest, beside: Path
) -> ExportResult:
    """Write one model into the folder, compare it with the checkpoint, add GGUF and Modelfile."""
    from align.export import merging
    from align.models.loaded_model import stops_of
    from align.models.loading import tokenizer_of

    assert checkpoint.lineage is not None
    tokenizer = tokenizer_of(checkpoint)
    if checkpoint.lineage.recipe.get("values", {}).get("load_in_4bit"):
        say("export: trained on a base in four bits; merged into the base in full precision")
    prompts = merging.check_prompts()
    model, reference = merging.merged(checkpoint, tokenizer, prompts, plan.dtype)
    stops = stops_of(model, tokenizer)
    model.save_pretrained(beside, max_shard_size=request.shard)
    del model
    merging.save_tokenizer(tokenizer, beside)
    merging.check_template(beside, prompts, reference.prompts)
    agreement = merging.compared(beside, reference, plan.dtype)
    if not agreement.holds:
        raise UserError(
            request.out,
            f"not exported: the merged model does not say what the twin says ({agreement})",
            "Merge into more digits: --dtype float32" if plan.dtype != "float32" else "Report this",
        )
    gguf = None
    if request.gguf and request.tools:
        gguf = quantised(beside, "twin", request.gguf, request.tools, request.bound)
    left_out: tuple[str, ...] = ()
    if request.ollama:
        weights = f"./{gguf.file}" if gguf else "."
        try:
            text = modelfile.modelfile(tokenizer, weights, checkpoint.sampling, stops)
            write_atomically(beside / modelfile.FILE, text)
        except UserError as error:
            left_out = (f"no {modelfile.FILE}: {error}",)
    return ExportResult(request.out, plan.kind, plan.dtype, agreement, gguf, left_out)


def _write_adapter(
    checkpoint: Checkpoint, plan: _Plan, request: ExportRequest, beside: Path
) -> ExportResult:
    """Copy what peft loads: weights, their configuration, the tokenizer; by name, nothing else."""
    from align.export import merging
    from align.models.loading import tokenizer_of

    assert checkpoint.path is not None
    tokenizer = tokenizer_of(checkpoint)
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
    return ExportResult(request.out, plan.kind, plan.dtype)


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
    sync(out.parent)
    if old is not None:
        shutil.rmtree(old)


def _size(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
