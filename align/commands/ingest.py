"""`align ingest`: the owner's writing into the store."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import make_command, say
from align.errors import UserError
from align.paths import owner_dir, project_root, relative_to_root, store_path

if TYPE_CHECKING:
    from sqlite3 import Connection

    from align.ingest.intake import Ask, Intake
    from align.owner import Owner

# So many files are named where it is asked whose they are.
_NAMED = 8
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Exports as they were delivered, folders, files."),
    ] = None,
    owner_id: Annotated[str, typer.Option("--owner", help="Whose writing.")] = "demo",
    me: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="You, as an export calls you; may be repeated."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="OURS=THEIRS,...", help="Of a table: text=body,author=from,time=date"),
    ] = None,
    is_mine: Annotated[
        bool, typer.Option("--mine", help="What names no author is yours alone, every word of it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be taken for what.")
    ] = False,
) -> None:
    """Read the owner's writing into the store; what is known already changes nothing.

    What a file is, is told from its content: exports of WhatsApp, Telegram, Discord, Slack, X,
    ChatGPT and Claude, mail, blogs, notes, Word and PDF files, tables, interviews, subtitles
    (docs/ingest.md lists them). A zip is read as it is. What lies in a folder or file called
    journal or diary is sealed.
    """
    from align.ingest.intake import prepare, take_in
    from align.ingest.reader import Options
    from align.ingest.report import report
    from align.owner import load_owner
    from align.store.connection import in_memory, open_store

    owner = load_owner(owner_id)
    if not paths:
        if owner_id != "demo":
            raise UserError(
                "align ingest",
                "no path to read",
                f"Run: {make_command('ingest', owner_id)} FROM=~/my-writing",
            )
        paths = [project_root() / "data" / "demo" / "writing"]
    options = Options(tuple(me or ()), _columns(columns), is_mine or owner_id == "demo")
    is_asked = sys.stdin.isatty()
    intake = prepare(paths, owner, options, ask=_ask() if is_asked else None)
    if is_asked and not options.is_mine and intake.nameless and not dry_run:
        intake.options = replace(intake.options, is_mine=_is_mine(intake.nameless))
    if intake.inputs:
        imagined = dry_run and not store_path(owner_id).exists()
        conn = in_memory() if imagined else open_store(owner_id, create=True)
        for line in report(take_in(conn, intake, owner, dry_run=dry_run), dry_run=dry_run):
            print(line)
    _say_problems(paths, intake)
    if intake.nameless and not intake.options.is_mine:
        say("What names no author is train-only. If every word of it is yours, say --mine; what is")
        say(f"known already: align records set-level open --source documents --owner {owner_id}")
    if not dry_run:
        _finish(conn, owner_id, owner, [*options.me, *intake.new_names])
        say(f"Next: {make_command('sft', owner_id)}")


def _finish(conn: "Connection", owner_id: str, owner: "Owner", me: list[str]) -> None:
    """Keep the owner's names, and add the prompts."""
    from align.owner import remember_aliases
    from align.store.row_counts import has_named_others

    if owner_id != "demo" and (unwritten := remember_aliases(owner_id, me)):
        say(f"So that they need not be said again, write into owner.yaml: aliases: {unwritten}")
    _add_prompts(conn, owner_id, owner)
    _warn_of_levels(conn, owner_id, owner)
    if not owner.names and has_named_others(conn):
        say("Names of others are learned as they stand, unless owner.yaml lists them.")
        say(f"Who they are: align names list --owner {owner_id}")


def _say_problems(paths: list[Path], intake: "Intake") -> None:
    """Say what could not be read; UserError where nothing was read at all."""
    from align.ingest.report import PROBLEMS

    problems = intake.log.problems
    if not intake.records and len(problems) == 1:
        raise problems[0]
    for problem in problems[:PROBLEMS]:
        say(f"not read: {problem}")
    if (more := len(problems) - PROBLEMS) > 0:
        say(f"... and {more:,} more like these")
    if not intake.records:
        counts = "; ".join(intake.log.passed_lines())
        where = ", ".join(str(path) for path in paths)
        what = f"nothing of it was taken ({counts or 'see above'})"
        raise UserError(where, what, "docs/ingest.md lists what is read")


def _columns(option: str | None) -> dict[str, str]:
    columns = {}
    for part in filter(str.strip, (option or "").split(",")):
        ours, _, theirs = (word.strip() for word in part.partition("="))
        if not ours or not theirs:
            raise UserError("--columns", f"{part.strip()!r} says nothing", "Write text=body,...")
        columns[ours] = theirs
    return columns


def _ask() -> "Ask":
    """Return what asks on the terminal which of some authors the owner is."""

    def ask(title: str, authors: Counter[str]) -> list[str]:
        likely = authors.most_common(20)
        say(f"{title}: who of these is you?")
        for number, (author, count) in enumerate(likely, 1):
            say(f"  {number:>2}  {author} ({count:,})")
        by_number = {str(number): author for number, (author, _) in enumerate(likely, 1)}
        while True:
            answer = typer.prompt("Numbers, or nothing to leave it", default="", show_default=False)
            picked = answer.replace(",", " ").split()
            if wrong := [word for word in picked if word not in by_number]:
                say(f"{wrong[0]!r} is none of these: a number from 1 to {len(likely)}, or nothing")
                continue
            return [by_number[word] for word in picked]

    return ask


def _is_mine(names: list[str]) -> bool:
    """Ask whether what names no author is the owner's alone."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    say(f"Whose words are these? {', '.join(names[:_NAMED])}{more}")
    return typer.confirm("Yours alone, every word, so that they may be open?", default=False)


def _add_prompts(conn: "Connection", owner_id: str, owner: "Owner") -> None:
    """Add what people asked the owner, and the prompts that lie beside the owner's settings."""
    from align.conversations.prompts import add_asked_prompts, read_prompts
    from align.ingest.report import counted
    from align.store.prompts import add_prompts

    added = add_asked_prompts(conn, owner)
    print(f"Prompts: {counted(added.new, 'new one')} from what was asked")
    file = owner_dir(owner_id) / "prompts.jsonl"
    if file.is_file():
        added = add_prompts(conn, read_prompts(file, owner.held_out))
        say(f"{relative_to_root(file)}: {counted(added.new, 'new prompt')}")


def _warn_of_levels(conn: "Connection", owner_id: str, owner: "Owner") -> None:
    from align.ingest.report import counted
    from align.store.records import count_less_private

    for source, level in owner.privacy.items():
        if less := count_less_private(conn, source, level):
            say(
                f"{counted(less, 'record')} of {source} known before are less private than "
                f"owner.yaml says now. To set them all: "
                f"align records set-level {level} --source {source} --owner {owner_id}"
            )
