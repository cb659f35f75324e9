"""`align records`: list, show, search, drop and set the privacy of what was read."""

from collections.abc import Sequence
from itertools import islice
from sqlite3 import Connection
from typing import TYPE_CHECKING, Annotated, cast

import typer

from align.console import say
from align.errors import UserError
from align.paths import owner_dir, relative_to_root
from align.text.printable import printable

if TYPE_CHECKING:
    from align.levels import Level
    from align.store.records import Record

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show, search, drop and set the privacy of what was read.",
)
OWNER = typer.Option(help="Whose records.")
LINE = 60


@app.command("list")
def list_records(
    owner: Annotated[str, OWNER] = "demo",
    source: Annotated[str | None, typer.Option(help="documents, messages, ...")] = None,
    level: Annotated[str | None, typer.Option(help="open, train-only or sealed.")] = None,
    split: Annotated[str | None, typer.Option(help="train or evaluation.")] = None,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="Show those that are not learned, and only those.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="With --left-out: for this reason only, as context-bound.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="How many at most.", min=1)] = None,
) -> None:
    """List records, one a line: id, source, privacy, split or reason, thread, first words."""
    from align.ingest.reasons import REASONS
    from align.store.connection import open_store
    from align.store.ids import Split
    from align.store.records import iter_records

    if reason is not None:
        _one_of("--reason", reason, tuple(REASONS))
    if split is not None:
        _one_of("--split", split, ("train", "evaluation"))
    records = iter_records(
        open_store(owner),
        split=cast(Split | None, split),
        levels=None if level is None else [_level(level)],
        include_left_out=left_out or reason is not None,
    )
    chosen = (
        record
        for record in records
        if source in (None, record.source)
        and reason in (None, record.left_out)
        and (record.left_out is not None or not left_out)
    )
    for record in islice(chosen, limit):
        print(_line(record))


@app.command()
def search(
    query: Annotated[list[str], typer.Argument(help='Words; "in a row" in quotes; climb*.')],
    owner: Annotated[str, OWNER] = "demo",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
) -> None:
    """Find the records that hold all these words, the best first, as `list` shows them."""
    from align.store.connection import open_store
    from align.store.search import search as find

    records = list(find(open_store(owner), " ".join(query), limit=limit))
    for record in records:
        print(_line(record))
    say(
        f"{len(records):,} found"
        + (", more may be there: --limit" if len(records) == limit else "")
    )


@app.command()
def drop(
    id: Annotated[str | None, typer.Option(help="One record: its id, or its beginning.")] = None,
    thread: Annotated[str | None, typer.Option(help="All records of a thread.")] = None,
    source: Annotated[str | None, typer.Option(help="All records of a source.")] = None,
    owner: Annotated[str, OWNER] = "demo",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase the text of records for good; the same export read again does not bring it back."""
    from align.store.connection import empty_log, open_store
    from align.store.records import read_records
    from align.store.search import drop as erase

    conn = open_store(owner)
    column, value = _sole_option("drop", id=id, thread=thread, source=source)
    if column == "id":
        value = _find(conn, value).id
    records = list(read_records(conn, [f"r.{column} = ?"], [value]))
    if not records:
        raise _no_record(owner)
    if not yes:
        typer.confirm(f"Erase the text of {len(records):,} records for good?", abort=True, err=True)
    prompts = erase(conn, records)
    # The words stand in the log beside the store until it is emptied.
    empty_log(conn)
    print(f"{len(records):,} records dropped, and {prompts:,} prompts made of them")
    for name in ("backups", "rows", "packed"):
        if (folder := owner_dir(owner) / name).is_dir():
            say(f"Older copies may hold their words: {relative_to_root(folder)}")
    say("A twin that learned them knows them until it is trained again.")


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The id, or its beginning.")],
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Show one record: all that is known of it, then its text."""
    from align.store.connection import open_store

    record = _find(open_store(owner), id)
    for name in (
        "id", "kind", "source", "origin", "thread", "position", "author", "time", "title",
        "level", "split", "left_out", "key", "reply_to",
    ):  # fmt: skip
        value = getattr(record, name)
        if value is not None:
            print(f"{name}: {printable(str(value))}")
    print()
    print(printable(record.text))
    if record.raw is not None:
        print("\n--- as the export holds it:")
        print(printable(record.raw))


@app.command("set-level")
def set_privacy(
    level: Annotated[str, typer.Argument(help="open, train-only or sealed.")],
    id: Annotated[str | None, typer.Option(help="One record: its id, or its beginning.")] = None,
    thread: Annotated[str | None, typer.Option(help="All records of a thread.")] = None,
    source: Annotated[str | None, typer.Option(help="All records of a source.")] = None,
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Set the privacy of a record, a thread or a source; prompts and pairs follow."""
    from align.store.connection import open_store
    from align.store.records import set_level

    wanted = _level(level)
    _sole_option("set-level", id=id, thread=thread, source=source)
    conn = open_store(owner)
    if id is not None:
        id = _find(conn, id).id
    count = set_level(conn, wanted, source=source, thread=thread, id=id)
    if not count:
        raise _no_record(owner)
    print(f"{count:,} record{'' if count == 1 else 's'} set to {wanted}")
    if source is not None:
        from align.owner import owner_file

        path = relative_to_root(owner_file(owner))
        say(f"For what will be read later, write into {path}: privacy: {{{source}: {wanted}}}")


def _no_record(owner: str) -> UserError:
    return UserError(
        f"owner {owner!r}", "no such record", f"Run: align records list --owner {owner}"
    )


def _find(conn: Connection, beginning: str) -> "Record":
    from align.store.records import find_record

    records = find_record(conn, beginning)
    if len(records) != 1:
        what = "no record has such an id" if not records else f"{len(records)} records begin so"
        raise UserError(beginning, what, "Take an id from: align records list")
    return records[0]


def _sole_option(command: str, **options: str | None) -> tuple[str, str]:
    given = [(column, value) for column, value in options.items() if value is not None]
    if len(given) != 1:
        what, remedy = "which records is not clear", "Name one of --id, --thread, --source"
        raise UserError(f"align records {command}", what, remedy)
    return given[0]


def _line(record: "Record") -> str:
    words = " ".join(record.text.split())
    first = words if len(words) <= LINE else words[: LINE - 1] + "…"
    state = record.left_out or record.split
    fields = (record.id, record.source, record.level, state, record.thread, first)
    return printable("\t".join(fields))


def _level(word: str) -> "Level":
    from align.levels import LEVELS, as_level

    _one_of("level", word, LEVELS)
    return as_level(word)


def _one_of(where: str, word: str, words: Sequence[str]) -> None:

    if word not in words:
        raise UserError(where, f"{word!r} is not known", f"Say one of: {', '.join(words)}")
