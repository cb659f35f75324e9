"""`align forget`: erase an owner."""

from typing import Annotated

import typer

from align.console import say
from align.errors import UserError
from align.paths import relative_to_root

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def forget(
    owner: Annotated[str, typer.Option(help="Whom to forget.")],
    writing: Annotated[
        bool, typer.Option("--writing", help="The writing in data/OWNER and owner.yaml, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase an owner's store, backups, packs and checkpoints; this cannot be undone."""
    from align.packs.forgetting import erase, what_to_erase

    paths = what_to_erase(owner, writing=writing)
    if not paths:
        raise UserError(f"owner {owner!r}", "nothing to erase", "See: align status")
    if not yes:
        for path in paths:
            say(f"  {relative_to_root(path)}")
        typed = typer.prompt(f"All this goes for good. Type the owner's name ({owner})", err=True)
        if typed != owner:
            raise UserError(f"owner {owner!r}", "not erased: another name was typed")
    for path in erase(paths):
        print(f"erased {relative_to_root(path)}")
    if owner == "demo" and writing:
        say("The demo's own files come with the toolkit and stay.")
    elif not writing:
        say("Your writing stays where it is; --writing erases what lies in data/OWNER.")
