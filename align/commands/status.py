"""`align status`: what is there, and which command comes next."""

from typing import Annotated

import typer

from align.paths import store_path
from align.text.printable import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(owner: Annotated[str, typer.Option(help="Whose.")] = "demo") -> None:
    """Show what is there of an owner, and which command comes next."""
    from align.status import lines, overview
    from align.store.connection import open_store

    conn = open_store(owner) if store_path(owner).exists() else None
    for line in lines(overview(owner, conn)):
        print(printable(line))
