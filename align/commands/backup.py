"""`align backup`: a copy of the store, while it is in use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from align.errors import UserError
from align.paths import owner_dir, relative_to_root, store_path

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def backup(
    owner: Annotated[str, typer.Option(help="Whose store.")] = "demo",
    out: Annotated[
        Path | None, typer.Option(help="The copy (default: data/OWNER/backups/).")
    ] = None,
) -> None:
    """Copy an owner's store, whole or not at all; others may use it meanwhile.

    The copy is a store like the other: to go back to it, put it in the place of
    data/OWNER/twin.db while nothing uses that.
    """
    import sqlite3

    from align.store.connection import as_user_error, open_store
    from align.store.schema import copy_store

    if out is None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        out = owner_dir(owner) / "backups" / f"twin-{stamp}.db"
    out = out.expanduser()
    if out.is_dir() or out.resolve() == store_path(owner).resolve():
        raise UserError(out, "not a place for the copy", "Name a new file")
    conn = open_store(owner)
    try:
        copy_store(conn, out)
    except sqlite3.Error as error:
        raise as_user_error(error, relative_to_root(out)) from error
    print(f"{relative_to_root(out)}  {out.stat().st_size:,} bytes")
