"""`align unpack`: what the other machine sent, into this one's store."""

from pathlib import Path
from typing import Annotated

import typer

from align.console import say
from align.errors import UserError
from align.paths import checked_owner, relative_to_root

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def unpack(
    file: Annotated[Path, typer.Argument(help="A file that `align pack` wrote.")],
    owner: Annotated[
        str | None, typer.Option(help="Whose it must be (default: whosever it is).")
    ] = None,
) -> None:
    """Merge a pack into this machine's store; again changes nothing."""
    from align.packs.bundle import open_bundle
    from align.packs.unpacking import check_schema, recipe_word
    from align.packs.unpacking import unpack as take_out
    from align.store.connection import open_store

    file = file.expanduser()
    with open_bundle(file) as bundle:
        owner_id = checked_owner(bundle.manifest.owner)
        if owner is not None and owner != owner_id:
            raise UserError(
                file,
                f"it is {owner_id}'s, not {owner}'s",
                f"Run: align unpack {file} --owner {owner_id}",
            )
        check_schema(bundle)
        bundle.verify()
        result = take_out(bundle, open_store(owner_id, create=True), owner_id)
        kind, recipe = bundle.manifest.kind, recipe_word(bundle, owner_id)
    for table, added in result.rows.items():
        if added.new or added.known:
            print(f"{table:<12}{added.new:>9,} new {added.known:>9,} known")
    for path in result.files:
        print(relative_to_root(path))
    for name, path in result.checkpoints:
        renamed = "" if path.name == name else f" (there was another {name})"
        print(f"{relative_to_root(path)}{renamed}")
    for name in result.known_checkpoints:
        print(f"{name}: there already")
    if kind == "label":
        say(f"Next: make label OWNER={owner_id}")
    else:
        chosen = result.rows["events"].new + result.rows["events"].known
        say(f"Next: make {'dpo' if chosen else 'sft dpo'} OWNER={owner_id} RECIPE={recipe}")
