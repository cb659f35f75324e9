"""`align ingest`: the owner's writing into the store."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlite3 import Connection

    from align.ingest.intake import Intake
    from align.ingest.ownership import Ask
    from align.owner import Owner

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Exports as they were delivered, folders, files."),
    ] = None,
    owner: Annotated[str, typer.Option(help="Whose writing.")] = "demo",
    me: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="You, as an export calls you; may be repeated."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="OURS=THEIRS,...", help="Of a table: text=body,author=from,time=date"),
    ] = None,
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
    from align.console import make_command, say
    from align.errors import UserError
    from align.ingest.intake import prepare, take_in
    from align.ingest.reading import Options
    from align.ingest.report import report
    from align.owner import load_owner
    from align.paths import project_root, store_path
    from align.store.connection import in_memory, open_store

    settings = load_owner(owner)
    if not paths:
        if owner != "demo":
            raise UserError(
                "align ingest",
                "no path to read",
                f"Run: {make_command('ingest', owner)} FROM=~/my-writing",
            )
        paths = [project_root() / "data" / "demo" / "writing"]
    options = Options(tuple(me or ()), _columns(columns))
    prepared = prepare(paths, settings, options, ask=_ask() if sys.stdin.isatty() else None)
    if prepared.taken:
        imagined = dry_run and not store_path(owner).exists()
        conn = in_memory() if imagined else open_store(owner, create=True)
        intake = take_in(conn, prepared, settings, dry_run=dry_run)
        for line in report(intake, dry_run=dry_run):
            print(line)
    _say_problems(paths, prepared.intake)
    if not dry_run:
        _finish(conn, owner, settings, [*options.me, *intake.me])
        say(f"Next: {make_command('sft', owner)}")


def _finish(conn: "Connection", owner: str, settings: "Owner", me: list[str]) -> None:
    """Keep what was said, and add the prompts."""
    from align.console import say
    from align.owner import remember_aliases

    if owner != "demo" and (unwritten := remember_aliases(owner, me)):
        say(f"So that they need not be said again, write into owner.yaml: aliases: {unwritten}")
    _add_prompts(conn, owner, settings)
    _warn_of_levels(conn, owner, settings)
    named = "SELECT 1 FROM records WHERE is_owner = 0 AND author NOT IN ('', 'other') LIMIT 1"
    if not settings.names and conn.execute(named).fetchone():
        say("Names of others are learned as they stand, unless owner.yaml lists them.")
        say(f"Who they are: align names list --owner {owner}")


def _say_problems(paths: list[Path], intake: "Intake") -> None:
    """Say what could not be read.

    Raises:
        UserError: Nothing was taken at all.
    """
    from align.console import say
    from align.errors import UserError
    from align.ingest.report import PROBLEMS

    problems = intake.notes.problems
    if not intake.records and len(problems) == 1:
        raise problems[0]
    for problem in problems[:PROBLEMS]:
        say(f"not read: {problem}")
    if (more := len(problems) - PROBLEMS) > 0:
        say(f"... and {more:,} more like these")
    if not intake.records:
        passed = intake.notes.passed_over
        why = ", ".join(f"{n:,} {what}" for what, n in passed.items()) or "see above"
        where = ", ".join(str(path) for path in paths)
        what = f"nothing of it was taken ({why})"
        raise UserError(where, what, "docs/ingest.md lists what is read")


def _columns(said: str | None) -> dict[str, str]:
    from align.errors import UserError

    found = {}
    for part in (said or "").split(","):
        ours, equals, theirs = part.partition("=")
        if part.strip() and not (equals and ours.strip() and theirs.strip()):
            raise UserError("--columns", f"{part.strip()!r} says nothing", "Write text=body,...")
        if equals:
            found[ours.strip()] = theirs.strip()
    return found


def _ask() -> "Ask":
    """Return what asks on the terminal which of an export's authors the owner is."""
    from align.console import say

    def ask(title: str, authors: Counter[str]) -> list[str]:
        shown = authors.most_common(20)
        say(f"{title}: who of these is you?")
        for number, (author, count) in enumerate(shown, 1):
            say(f"  {number:>2}  {author} ({count:,})")
        answer = typer.prompt("Numbers, or nothing to leave it", default="", show_default=False)
        picked = [word for word in answer.replace(",", " ").split() if word.isdigit()]
        return [shown[int(word) - 1][0] for word in picked if 0 < int(word) <= len(shown)]

    return ask


def _add_prompts(conn: "Connection", owner: str, settings: "Owner") -> None:
    """Add what people asked the owner, and the prompts that lie beside his settings."""
    from align.console import say
    from align.conversations.prompts import add_asked_prompts, read_prompts
    from align.ingest.report import counted
    from align.paths import owner_dir, relative_to_root
    from align.store.prompts import add_prompts

    asked = add_asked_prompts(conn, settings)
    print(f"Prompts: {counted(asked.new, 'new one')} from what was asked")
    own = owner_dir(owner) / "prompts.jsonl"
    if own.is_file():
        added = add_prompts(conn, read_prompts(own, settings.held_out))
        say(f"{relative_to_root(own)}: {counted(added.new, 'new prompt')}")


def _warn_of_levels(conn: "Connection", owner: str, settings: "Owner") -> None:
    from align.console import say
    from align.ingest.report import counted
    from align.store.records import count_less_private

    for source, level in settings.privacy.items():
        if less := count_less_private(conn, source, level):
            say(
                f"{counted(less, 'record')} of {source} known before are less private than "
                f"owner.yaml says now. To set them all: "
                f"align records set-level {level} --source {source} --owner {owner}"
            )
