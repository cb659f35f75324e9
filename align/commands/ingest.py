"""`align ingest`: the owner's writing into the store."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from align.levels import Level

    Counts = Mapping[tuple[str, Level], int]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Folders, .md, .txt or .jsonl files."),
    ] = None,
    owner: Annotated[str, typer.Option(help="Whose writing.")] = "demo",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be taken for what.")
    ] = False,
) -> None:
    """Read the owner's writing into the store; what is known already changes nothing.

    JSONL is read by its shape: {"question", "answer"} or {"messages": [...]}, in which the
    assistant is the owner. What lies in a folder or file called journal or diary is sealed.
    """
    from align.console import make_command, say
    from align.errors import UserError
    from align.ingest.intake import take_in
    from align.ingest.readers import read
    from align.owner import load_owner, write_default_owner
    from align.paths import owner_dir, project_root, relative_to_root, store_path
    from align.prompts import read_prompts
    from align.store.connection import in_memory, open_store
    from align.store.prompts import add_prompts
    from align.store.records import count_less_private

    settings = load_owner(owner)
    if not paths:
        if owner != "demo":
            raise UserError(
                "align ingest",
                "no path to read",
                f"Run: {make_command('ingest', owner)} FROM=~/my-writing",
            )
        paths = [project_root() / "data" / "demo" / "writing"]
    reading = read(paths)
    if not reading.pieces:
        raise UserError(
            ", ".join(str(path) for path in paths),
            f"nothing of it can be read ({_reasons(reading.left_out)})",
            "Name a folder with .md, .txt or .jsonl files",
        )
    own_prompts = owner_dir(owner) / "prompts.jsonl"
    asked = read_prompts(own_prompts, settings.held_out) if own_prompts.is_file() else []

    imagined = dry_run and not store_path(owner).exists()
    conn = in_memory() if imagined else open_store(owner, create=True)
    intake = take_in(conn, reading.pieces, settings, dry_run=dry_run)
    _print_pieces(intake.pieces, intake.words)
    held = intake.splits["evaluation"]
    total = sum(intake.splits.values())
    print(
        f"{'Would store' if dry_run else 'Stored'}: {_count(intake.new, 'new record')}, "
        f"{intake.known:,} known; {held:,} of {total:,} pieces held out for evaluation; "
        f"{_count(intake.prompts, 'new prompt')} from what was asked"
    )
    left_out = reading.left_out + type(reading.left_out)(duplicate=intake.duplicates)
    print(f"Left out: {_reasons(left_out) or 'nothing'}")
    if dry_run:
        return
    if asked:
        added = add_prompts(conn, asked)
        say(f"{relative_to_root(own_prompts)}: {_count(added.new, 'new prompt')}")
    if owner != "demo":
        write_default_owner(owner)
    for source, level in settings.privacy.items():
        if less := count_less_private(conn, source, level):
            say(
                f"{_count(less, 'record')} of {source} known before are less private than "
                f"owner.yaml says now. To set them all: "
                f"align records set-level {level} --source {source} --owner {owner}"
            )
    say(f"Next: {make_command('sft', owner)}")


def _print_pieces(pieces: "Counts", words: "Counts") -> None:
    print(f"{'what':<18}{'pieces':>8}{'words':>11}  privacy")
    for (source, level), count in sorted(pieces.items()):
        print(f"{source:<18}{count:>8,}{words[source, level]:>11,}  {level}")


def _reasons(left_out: Counter[str]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in sorted(left_out.items()) if n)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
