"""`labeler --owner ann`: one key a pair; every answer is saved before the next pair is shown.

The options are read by argparse, not by typer as `align`'s: it is ready a tenth of a second sooner,
and the owner waits for the first pair.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from align import __version__
from align.command_line import run
from align.errors import UserError
from labeler.key_guard import TOO_SOON_MS

ABOUT = """\
Say, pair after pair, which of two answers sounds like you.

One key answers and moves on: arrow left or right for that answer, up for both, down for neither,
space to skip, backspace to undo (also across sessions), ? for all other keys. The keys can be
changed under `keys:` in owner.yaml.

An answer is on the disk before the next pair is shown. Which twin gave an answer is not shown. The
demo's pairs, answered by you, go to the owner demo-sandbox: your keys never mix with simulated
choices."""


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one line, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise UserError("labeler", message, "See: labeler --help")


def parser(columns: int | None = None) -> argparse.ArgumentParser:
    """Return the reader of the command line; its help has the terminal's columns, or so many."""
    options = _Parser(
        prog="labeler",
        description=ABOUT,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=columns),
        allow_abbrev=False,
    )
    add = options.add_argument
    add("file", nargs="?", type=Path, metavar="PAIRS.jsonl",
        help="label this file instead: lines of prompt, a, b (JSON)")  # fmt: skip
    add("--owner", default="demo", metavar="NAME", help="whose pairs (default: demo)")
    beside = "where the choices of a file go (default: beside it, as NAME.choices.jsonl)"
    add("--out", type=Path, metavar="FILE", help=beside)
    add("--goal", type=_count, metavar="N", help="how many answers you want to give today")
    add("--limit", type=_count, metavar="N", help="stop after so many answers")
    blind = "compare two checkpoints, blind (align sample --compare); never trained on"
    add("--arena", action="store_true", help=blind)
    add("--order", metavar="ORDER",
        help="fresh: the newest twin's pairs first, three a prompt (an owner's default); "
        "random: all alike (a file's default)")  # fmt: skip
    add("--plain", action="store_true",
        help="lines instead of a screen: a letter and Enter (screen readers, pipes)")  # fmt: skip
    add("--theme", choices=("dark", "light"), default="dark", help="of the screen")
    soon = "take no choice within so many ms of a pair's coming (default: 150; 0: take all)"
    add("--too-soon", type=_milliseconds, default=TOO_SOON_MS, metavar="MS", help=soon)
    add("--seed", type=int, metavar="N", help="of order and sides (default: the last session's)")
    add("--root", metavar="DIR", help="project root (default: the checkout)")
    add("--version", action="version", version=__version__, help="print the version")
    return options


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _milliseconds(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def label(words: Sequence[str]) -> None:
    """Open what the command line names.

    Raises:
        UserError: The words, the owner, or the file make no sense.
    """
    line = parser().parse_args(words)
    if line.root is not None:
        os.environ["SOUNDALIKE_ROOT"] = line.root
    from align.choices.selection import ORDERS
    from labeler.pair_sources import file_pairs, owner_pairs
    from labeler.run import SessionOptions, run_session

    if line.file is None and line.out is not None:
        raise UserError("--out", "only a file's choices go to a file", "Name the file of pairs too")
    order = line.order or ("fresh" if line.file is None else "random")
    if order not in ORDERS:
        raise UserError(f"--order {order}", "no such order", f"Use {' or '.join(ORDERS)}")
    if line.file is not None and line.arena:
        what = "a file's answers have no checkpoints to compare"
        raise UserError("--arena", what, "Name an --owner instead")
    options = SessionOptions(
        order,
        line.seed,
        line.limit,
        line.goal,
        line.plain,
        line.theme,
        line.too_soon,
        line.arena,
    )
    if line.file is None:
        pairs = owner_pairs(line.owner, options.purpose)
    else:
        pairs = file_pairs(line.file, line.out or line.file.with_suffix(".choices.jsonl"))
    with pairs as source:
        run_session(source, options)


def main() -> None:
    """Run `labeler`."""
    sys.exit(run(lambda: label(sys.argv[1:])))


if __name__ == "__main__":
    main()
