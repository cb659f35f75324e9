"""`align pack`: one file with what the other machine needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import say
from align.errors import UserError
from align.paths import owner_dir, relative_to_root
from align.text.printable import printable

if TYPE_CHECKING:
    import sqlite3

    from align.packs.packing import Packed

app = typer.Typer(add_completion=False, rich_markup_mode=None)


OWNER = typer.Option(help="Whose.")
KIND = typer.Option("--for", help="train: for the box with the GPU. label: for the laptop.")
OUT = typer.Option(help="The file (default: data/OWNER/OWNER-KIND.pack).")
RECIPE = typer.Option(
    help="The recipe to train with; else the twin's, or the smallest of a real base.",
    show_default=False,
)
ADAPTER = typer.Option(
    "--with-adapter/--without-adapter",
    help="Twins' weights (default: for training the SFT twin once there are choices).",
)
LIST = typer.Option("--list", help="Only show what is inside this pack.")
SHRED = typer.Option(
    "--shred",
    help="With --for label: once the pack is whole, list and delete the owner's other "
    "files on this rented machine.",
)
YES = typer.Option("--yes", help="With --shred: do not ask.")


@app.command()
def pack(
    owner: Annotated[str, OWNER] = "demo",
    kind: Annotated[str | None, KIND] = None,
    out: Annotated[Path | None, OUT] = None,
    recipe: Annotated[str, RECIPE] = "",
    adapter: Annotated[bool | None, ADAPTER] = None,
    show: Annotated[Path | None, LIST] = None,
    shred: Annotated[bool, SHRED] = False,
    yes: Annotated[bool, YES] = False,
) -> None:
    """Pack what training, or labelling, needs on another machine of the owner's.

    Never inside: the writing itself, sealed records, held-out answers. Addresses, numbers, secrets
    and the names that owner.yaml lists are replaced.
    """
    from align.owner import load_owner
    from align.packs.packing import pack_for_labelling, pack_for_training
    from align.store.connection import open_store
    from align.training.recipe_family import recipe_for

    if show is not None:
        _list(show.expanduser())
        return
    target = _target(owner, kind, out, shred)
    settings, conn = load_owner(owner), open_store(owner)
    if shred:
        from align.packs.shredding import check_before_packing

        check_before_packing(conn, owner, adapter)
    if kind == "train":
        recipe, adapter = recipe_for(owner, recipe), adapter is not False
        packed = pack_for_training(conn, owner, settings, target, recipe=recipe, adapter=adapter)
    else:
        packed = pack_for_labelling(conn, owner, settings, target, adapter=bool(adapter))
    _report(packed)
    print(f"{relative_to_root(target)}  {target.stat().st_size:,} bytes")
    say(f"There: make unpack OWNER={owner} FROM={target.name}")
    if shred:
        _shred(conn, owner, target, adapter=bool(adapter), yes=yes)


def _target(owner_id: str, kind: str | None, out: Path | None, shred: bool) -> Path:
    """Return where the pack goes; UserError where what for, or where to, can't be."""
    if kind not in ("train", "label"):
        raise UserError(
            "align pack", "what for is not clear", "Say --for train, or --for label (make: FOR=...)"
        )
    if shred and kind != "label":
        what = "what this machine was sent has not come home with --for train"
        raise UserError("--shred", what, "Say --for label")
    target = out.expanduser() if out else owner_dir(owner_id) / f"{owner_id}-{kind}.pack"
    if target.is_dir():
        raise UserError(target, "a folder", "Name a file")
    return target


def _shred(
    conn: "sqlite3.Connection", owner_id: str, pack: Path, *, adapter: bool, yes: bool
) -> None:
    """List the owner's files here, ask once, and delete them; the pack stays."""
    from align.packs import shredding

    shredding.check_pack(conn, owner_id, pack, adapter=adapter)
    conn.close()
    paths = shredding.what_to_shred(owner_id, pack)
    say(f"\nThe pack is whole: every hash was read back. Of {owner_id} there are here, beside it:")
    for line in shredding.listed(paths):
        say(line)
    say(f"\n{shredding.CANNOT_PROMISE}\n")
    if not yes and not typer.confirm("Overwrite and delete all of this?", err=True):
        say("Nothing was deleted.")
        raise typer.Exit(1)
    try:
        for path in shredding.shred(paths):
            print(f"shredded {relative_to_root(path)}")
    except KeyboardInterrupt:
        say(f"\nThe pack is whole. The rest goes with: align forget --owner {owner_id} --writing")
        raise
    say(f"Copy {relative_to_root(pack)} to your own machine, then remove it here.")


def _report(packed: "Packed") -> None:
    for member, count in sorted(packed.rows.items()):
        print(f"{count:>9,} rows  {member}")
    for what, count in sorted(packed.withheld.items()):
        say(f"withheld: {count:,} {what} that repeat sealed writing")
    if packed.redacted:
        say(f"redacted: {_in_words(packed.redacted)}")


def _list(path: Path) -> None:
    from align.packs.bundle import open_bundle

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
