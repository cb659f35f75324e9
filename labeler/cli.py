"""`labeler --owner ann`: one letter a pair; every answer is saved before the next pair is shown."""

import os
import sqlite3
import sys
from typing import Annotated

import typer
from typer.main import get_command

from align import __version__
from align.errors import UserError
from align.printable import printable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


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
    root: Annotated[
        str | None, typer.Option(help="Project root (default: the checkout).", metavar="DIR")
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
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


def run() -> int:
    """Run the command line and return its exit code: 2 for the user's mistakes, 130 on Ctrl-C."""
    try:
        code = get_command(app).main(prog_name="labeler", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except UserError as error:
        return _mistake(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _mistake(f"labeler: {error}. Every answer that was confirmed is saved.")
    except Exception as error:
        if not hasattr(error, "show"):  # typer's own usage errors know how to show themselves
            raise
        error.show()
        return int(getattr(error, "exit_code", 2))


def _mistake(line: str) -> int:
    if os.environ.get("SOUNDALIKE_DEBUG"):
        import traceback

        traceback.print_exc()
    print(printable(line), file=sys.stderr)
    return 2


def main() -> None:
    """Run `labeler`."""
    sys.exit(run())


if __name__ == "__main__":
    main()
