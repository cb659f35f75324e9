"""`align demo-owner`: another fictional owner."""

from pathlib import Path
from typing import Annotated

import typer

from align.console import say
from align.errors import UserError
from align.paths import checked_owner, project_root, relative_to_root

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo_owner(
    out: Annotated[Path, typer.Option(help="Where to, for example data/mira.")],
    seed: Annotated[int, typer.Option(help="Which voice: the same seed, the same owner.")] = 1,
) -> None:
    """Make another fictional owner: writing, settings, and who chooses for them."""
    from align.demo.owners import demo_owner as imagine
    from align.demo.owners import write_owner

    out = out.expanduser()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(out, "there is something already", "Name a new folder")
    write_owner(imagine(seed), out)
    print(relative_to_root(out))
    if out.resolve().parent == project_root() / "data":
        name = checked_owner(out.name)
        say(f"Next: make ingest OWNER={name} FROM={relative_to_root(out / 'writing')}")
    else:
        say("To train on it, make it in data/: align demo-owner --out data/mira")
