"""`align pack`: one file with what the other machine needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from align.packing import Packed

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def pack(
    owner: Annotated[str, typer.Option(help="Whose.")] = "demo",
    kind: Annotated[
        str | None,
        typer.Option("--for", help="train: for the box with the GPU. label: for the laptop."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file (default: data/OWNER/OWNER-KIND.pack).")
    ] = None,
    recipe: Annotated[str, typer.Option(help="The recipe to train with.")] = "demo",
    adapter: Annotated[
        bool | None,
        typer.Option(
            "--with-adapter/--without-adapter",
            help="Twins' weights (default: for training the SFT twin once there are choices).",
        ),
    ] = None,
    show: Annotated[
        Path | None, typer.Option("--list", help="Only show what is inside this pack.")
    ] = None,
) -> None:
    """Pack what training, or labelling, needs on another machine of the owner's.

    Never inside: the writing itself, sealed records, held-out answers. Addresses, numbers, secrets
    and the names that owner.yaml lists are replaced.
    """
    from align.console import say
    from align.errors import UserError
    from align.owner import load_owner
    from align.packing import pack_for_labelling, pack_for_training
    from align.paths import owner_dir, relative_to_root
    from align.store.connection import open_store

    if show is not None:
        _list(show.expanduser())
        return
    if kind not in ("train", "label"):
        raise UserError(
            "align pack", "what for is not clear", "Say --for train, or --for label (make: FOR=...)"
        )
    settings = load_owner(owner)
    conn = open_store(owner)
    target = out.expanduser() if out else owner_dir(owner) / f"{owner}-{kind}.pack"
    if target.is_dir():
        raise UserError(target, "a folder", "Name a file")
    if kind == "train":
        packed = pack_for_training(
            conn, owner, settings, target, recipe=recipe, adapter=adapter is not False
        )
    else:
        packed = pack_for_labelling(conn, owner, settings, target, adapter=bool(adapter))
    _report(packed)
    print(f"{relative_to_root(target)}  {target.stat().st_size:,} bytes")
    say(f"There: make unpack OWNER={owner} FROM={target.name}")


def _report(packed: "Packed") -> None:
    from align.console import say

    for member, count in sorted(packed.rows.items()):
        print(f"{count:>9,} rows  {member}")
    for what, count in sorted(packed.withheld.items()):
        say(f"withheld: {count:,} {what} that repeat sealed writing")
    if packed.redacted:
        say(f"redacted: {_in_words(packed.redacted)}")


def _list(path: Path) -> None:
    from align.bundle import open_bundle
    from align.printable import printable

    with open_bundle(path) as bundle:
        bundle.verify()
        manifest = bundle.manifest
        print(
            printable(
                f"for {manifest.kind}, owner {manifest.owner}, recipe {manifest.recipe or '-'}"
            )
        )
        if manifest.redacted:
            print(printable(f"redacted: {_in_words(manifest.redacted)}"))
        for name, (size, _) in sorted(manifest.members.items()):
            rows = f"{len(bundle.rows(name)):>9,} rows" if name.endswith(".jsonl") else " " * 14
            print(f"{size:>13,} bytes  {rows}  {name}")


def _in_words(redacted: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(redacted.items()))
