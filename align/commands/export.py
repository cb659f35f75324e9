"""`align export`: a twin as other tools load it."""

import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from align.console import say
from align.errors import UserError

if TYPE_CHECKING:
    from align.export.exporting import ExportResult
    from align.models.checkpoints import Checkpoint

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DType = Annotated[
    str | None, typer.Option(help="float32, float16 or bfloat16 (default: as the base is stored).")
]
Gguf = Annotated[str | None, typer.Option(help="Also GGUF, by llama.cpp: f16, q8_0 or q4_k_m.")]
LlamaCpp = Annotated[
    Path | None, typer.Option(help="llama.cpp's folder (else LLAMA_CPP, else PATH).")
]
MaxRise = Annotated[
    float, typer.Option(min=0.0, help="By what share the quantised file's may be higher.")
]
Push = Annotated[
    str | None, typer.Option(help="Then push it to this repository of the hub.", metavar="ID")
]


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    checkpoint: Annotated[
        str | None, typer.Option(help="sft, dpo, 002-dpo or a path; else the newest twin.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="One model, rather than the adapter.")] = (
        False
    ),
    dtype: DType = None,
    max_shard_size: Annotated[str, typer.Option(help="Of a file of weights, at most.")] = "5GB",
    gguf: Gguf = None,
    llama_cpp: LlamaCpp = None,
    max_perplexity_rise: MaxRise = 0.1,
    ollama: Annotated[bool, typer.Option("--ollama", help="Also a Modelfile.")] = False,
    name: Annotated[bool, typer.Option("--name", help="The owner's name may stand in it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that lies there.")] = (
        False
    ),
    push: Push = None,
    public: Annotated[bool, typer.Option("--public", help="There for all to see.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Push without asking.")] = False,
) -> None:
    """Write a twin into a folder that other tools load, with a card that tells how it was made.

    Never inside: the owner's writing, prompts, answers; nor the owner's name unless --name says so.
    """
    from align.export import exporting
    from align.export.gguf import find_tools
    from align.models.checkpoints import resolve

    _check(dtype, gguf)
    _keep_quiet()
    source = resolve(owner, checkpoint)
    if push:
        _check_push(source, push, merge=merge, yes=yes)
    request = exporting.ExportRequest(
        out.expanduser(), merge, dtype, max_shard_size, force, name, ollama, gguf,
        tools=find_tools(llama_cpp) if gguf else None,
        bound=max_perplexity_rise,
        scorecard=_scorecard(owner, source),
    )  # fmt: skip
    exporting.check_out(request.out, force=force)
    say(f"export: {source.name} of {owner}")
    result = exporting.export(source, request)
    _report(result)
    if push:
        _push(owner, result, push, public=public, yes=yes)


def _check(dtype: str | None, gguf: str | None) -> None:
    from align.export.gguf import KINDS
    from align.export.weights import BYTES

    for option, given, known in (("--dtype", dtype, tuple(BYTES)), ("--gguf", gguf, KINDS)):
        if given is not None and given not in known:
            raise UserError(option, f"'{given}' is not known", f"Say {', '.join(known)}")


def _keep_quiet() -> None:
    """Keep deepspeed, which accelerate imports by the way, from telling stdout of GPUs."""
    if not shutil.which("nvidia-smi"):
        os.environ.setdefault("DS_ACCELERATOR", "cpu")


def _scorecard(owner_id: str, checkpoint: "Checkpoint") -> dict[str, Any] | None:
    """Return the figures of the newest scorecard that the checkpoint is in, without texts."""
    from align.evaluation.scorecard_files import read, scorecards

    for folder in reversed(scorecards(owner_id)):
        try:
            card = read(folder)
        except UserError:
            continue
        if any(column["hash"] == checkpoint.hash for column in card.checkpoints.values()):
            return {
                "matches": [asdict(match) for match in card.matches],
                "measures": [asdict(measure) for measure in card.measures],
            }
    return None


def _report(result: "ExportResult") -> None:
    if result.agreement is not None:
        print(result.agreement)
    if result.gguf is not None:
        print(result.gguf)
    for line in result.left_out:
        say(f"export: {line}")
    size = sum(path.stat().st_size for path in result.folder.rglob("*") if path.is_file())
    print(f"{result.folder}  {result.kind}, {result.dtype}, {size:,} bytes")


def _check_push(source: "Checkpoint", repository: str, *, merge: bool, yes: bool) -> None:
    """Refuse before the work what could not be pushed after it."""
    from align.export.hub_push import check_repository, check_token
    from align.models.lineage import FULL

    check_repository(repository)
    check_token()
    is_full = source.lineage is not None and source.lineage.kind == FULL
    if not merge and not is_full and not source.base.is_hub:
        raise UserError(
            "--push",
            "an adapter to a base that lies on this machine only loads nowhere else",
            "Add --merge",
        )
    if not yes and not sys.stdin.isatty():
        raise UserError("--push", "nobody can be asked here", "Say --yes")


def _push(
    owner_id: str, result: "ExportResult", repository: str, *, public: bool, yes: bool
) -> None:
    from align.export.hub_push import files_of, host, push

    visibility = "public" if public else "private"
    say(f"push: to {repository} at {host()}, {visibility}:")
    for path, size in files_of(result.folder):
        say(f"  {size:>15,}  {path}")
    if not yes and not typer.confirm("Push this?", err=True):
        say(f"Not pushed. It lies at {result.folder}")
        return
    print(push(owner_id, result.folder, repository, public=public))
