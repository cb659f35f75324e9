"""`labeler --owner ann`: one letter a pair; every answer is saved before the next pair is shown."""

import os
import sys
from typing import Annotated

import typer
from typer.main import get_command

from align.command_line import Root, Version, run

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def label(
    owner: Annotated[str, typer.Option(help="Whose pairs.", metavar="NAME")] = "demo",
    limit: Annotated[
        int | None, typer.Option(help="Stop after so many answers.", min=1, metavar="N")
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            help="fresh: the newest twin's pairs first, three a prompt; random: all alike."
        ),
    ] = "fresh",
    seed: Annotated[
        int | None,
        typer.Option(help="Of order and sides (default: the last sitting's).", metavar="N"),
    ] = None,
    root: Root = None,
    version: Version = False,
) -> None:
    """Say, pair after pair, which of two answers sounds like you.

    Type a letter and Enter: a left, b right, = both, n neither, s skip, u undo, q quit.
    An answer is saved before the next pair is shown; undo reaches back across sittings.
    Which twin gave an answer is not shown. The demo's pairs, answered by you, go to the
    owner demo-sandbox: your keys never mix with simulated choices.
    """
    if root is not None:
        os.environ["SOUNDALIKE_ROOT"] = root
    from labeler.sitting import sit

    sit(owner, order=order, seed=seed, limit=limit)


def main() -> None:
    """Run `labeler`."""
    sys.exit(run(lambda: get_command(app).main(prog_name="labeler", standalone_mode=False)))


if __name__ == "__main__":
    main()
