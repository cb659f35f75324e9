"""`align export`: a twin as other tools load it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from align.export.asked import Exported
    from align.models.checkpoints import Checkpoint

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
    dtype: Annotated[
        str | None,
        typer.Option(help="float32, float16 or bfloat16 (default: as the base is stored)."),
    ] = None,
    max_shard_size: Annotated[str, typer.Option(help="Of a file of weights, at most.")] = "5GB",
    gguf: Annotated[
        str | None, typer.Option(help="Also GGUF, by llama.cpp: f16, q8_0 or q4_k_m.")
    ] = None,
    llama_cpp: Annotated[
        Path | None, typer.Option(help="llama.cpp's folder (else LLAMA_CPP, else PATH).")
    ] = None,
    max_perplexity_rise: Annotated[
        float, typer.Option(min=0.0, help="By what share the quantised file's may be higher.")
    ] = 0.1,
    ollama: Annotated[bool, typer.Option("--ollama", help="Also a Modelfile.")] = False,
    name: Annotated[bool, typer.Option("--name", help="The owner's name may stand in it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that lies there.")] = (
        False
    ),
    push: Annotated[
        str | None, typer.Option(help="Then push it to this repository of the hub.", metavar="ID")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="There for all to see.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Push without asking.")] = False,
) -> None:
    """Write a twin into a folder that other tools load, with a card that tells how it was made.

    Never inside: the owner's writing, prompts, answers; nor the owner's name unless --name says so.
    """
    from align.console import say
    from align.export.asked import Asked
    from align.export.exporting import check_out, export
    from align.export.gguf import find_tools
    from align.models.checkpoints import newest, resolve

    _check(dtype, gguf)
    _keep_quiet()
    found = newest(owner)
    twin = resolve(owner, checkpoint or (found.name if found else "sft"))
    if push:
        _check_push(twin, push, merge=merge, yes=yes)
    asked = Asked(
        out=out.expanduser(),
        merge=merge,
        dtype=dtype,
        shard=max_shard_size,
        force=force,
        name=name,
        ollama=ollama,
        gguf=gguf,
        tools=find_tools(llama_cpp) if gguf else None,
        bound=max_perplexity_rise,
        scorecard=_scorecard(owner, twin),
    )
    check_out(asked.out, force=force)
    say(f"export: {twin.name} of {owner}")
    done = export(twin, asked)
    _report(done)
    if push:
        _push(owner, done, push, public=public, yes=yes)


def _check(dtype: str | None, gguf: str | None) -> None:
    from align.errors import UserError
    from align.export.gguf import KINDS
    from align.export.weights import BYTES

    for option, given, known in (("--dtype", dtype, tuple(BYTES)), ("--gguf", gguf, KINDS)):
        if given is not None and given not in known:
            raise UserError(option, f"'{given}' is not known", f"Say {', '.join(known)}")


def _keep_quiet() -> None:
    """Keep deepspeed, which accelerate imports by the way, from telling stdout of GPUs."""
    import os
    import shutil

    if not shutil.which("nvidia-smi"):
        os.environ.setdefault("DS_ACCELERATOR", "cpu")


def _scorecard(owner: str, twin: "Checkpoint") -> dict[str, Any] | None:
    """Return the figures of the newest scorecard that the twin is in, without texts."""
    from dataclasses import asdict

    from align.errors import UserError
    from align.evaluation.scorecard_files import read, scorecards

    for folder in reversed(scorecards(owner)):
        try:
            card = read(folder)
        except UserError:
            continue
        if any(column["hash"] == twin.hash for column in card.checkpoints.values()):
            return {
                "matches": [asdict(match) for match in card.matches],
                "measures": [asdict(measure) for measure in card.measures],
            }
    return None


def _report(done: "Exported") -> None:
    from align.console import say

    if done.agreement is not None:
        print(done.agreement)
    if done.gguf is not None:
        print(done.gguf)
    for line in done.left_out:
        say(f"export: {line}")
    size = sum(path.stat().st_size for path in done.folder.rglob("*") if path.is_file())
    print(f"{done.folder}  {done.kind}, {done.dtype}, {size:,} bytes")


def _check_push(twin: "Checkpoint", repository: str, *, merge: bool, yes: bool) -> None:
    """Refuse before the work what could not be pushed after it."""
    import sys

    from align.errors import UserError
    from align.export.hub_push import check_repository, check_token
    from align.models.lineage import FULL

    check_repository(repository)
    check_token()
    is_full = twin.lineage is not None and twin.lineage.kind == FULL
    if not merge and not is_full and not twin.base.is_hub:
        raise UserError(
            "--push",
            "an adapter to a base that lies on this machine only loads nowhere else",
            "Add --merge",
        )
    if not yes and not sys.stdin.isatty():
        raise UserError("--push", "nobody can be asked here", "Say --yes")


def _push(owner: str, done: "Exported", repository: str, *, public: bool, yes: bool) -> None:
    from align.console import say
    from align.export.hub_push import files_of, host, push

    seen = "public" if public else "private"
    say(f"push: to {repository} at {host()}, {seen}:")
    for path, size in files_of(done.folder):
        say(f"  {size:>15,}  {path}")
    if not yes and not typer.confirm("Push this?", err=True):
        say(f"Not pushed. It lies at {done.folder}")
        return
    print(push(owner, done.folder, repository, public=public))
