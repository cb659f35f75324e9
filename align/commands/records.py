"""`align records`: list, show and set the privacy of what was read."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from align.levels import Level
    from align.store.records import Record

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show and set the privacy of what was read.",
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
        bool, typer.Option("--left-out", help="Show those that are not used, too.")
    ] = False,
) -> None:
    """List records, one a line: id, source, privacy, split, thread, first words."""
    from typing import cast

    from align.printable import printable
    from align.store.connection import open_store
    from align.store.ids import Split
    from align.store.records import iter_records

    if split is not None:
        _one_of("--split", split, ("train", "evaluation"))
    records = iter_records(
        open_store(owner),
        split=cast(Split | None, split),
        levels=None if level is None else [_level(level)],
        include_left_out=left_out,
    )
    for record in records:
        if source is not None and record.source != source:
            continue
        words = " ".join(record.text.split())
        first = words if len(words) <= LINE else words[: LINE - 1] + "…"
        state = record.left_out or record.split
        fields = (record.id, record.source, record.level, state, record.thread, first)
        print(printable("\t".join(fields)))


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The id, or its beginning.")],
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Show one record: all that is known of it, then its text."""
    from align.printable import printable
    from align.store.connection import open_store

    record = _find(open_store(owner), id)
    for name in (
        "id", "kind", "source", "origin", "thread", "position", "author", "time", "title",
        "level", "split", "left_out",
    ):  # fmt: skip
        value = getattr(record, name)
        if value is not None:
            print(f"{name}: {printable(str(value))}")
    print()
    print(printable(record.text))


@app.command("set-level")
def set_privacy(
    level: Annotated[str, typer.Argument(help="open, train-only or sealed.")],
    id: Annotated[str | None, typer.Option(help="One record: its id, or its beginning.")] = None,
    thread: Annotated[str | None, typer.Option(help="All records of a thread.")] = None,
    source: Annotated[str | None, typer.Option(help="All records of a source.")] = None,
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Set the privacy of a record, a thread or a source; prompts and pairs follow."""
    from align.console import say
    from align.errors import UserError
    from align.paths import relative_to_root
    from align.store.connection import open_store
    from align.store.records import set_level

    wanted = _level(level)
    if sum(value is not None for value in (id, thread, source)) != 1:
        raise UserError(
            "align records set-level",
            "what to set is not clear",
            "Name one of --id, --thread, --source",
        )
    conn = open_store(owner)
    if id is not None:
        id = _find(conn, id).id
    count = set_level(conn, wanted, source=source, thread=thread, id=id)
    if not count:
        raise UserError(
            f"owner {owner!r}", "no such record", f"Run: align records list --owner {owner}"
        )
    print(f"{count:,} record{'' if count == 1 else 's'} set to {wanted}")
    if source is not None:
        from align.owner import owner_file

        path = relative_to_root(owner_file(owner))
        say(f"For what will be read later, write into {path}: privacy: {{{source}: {wanted}}}")


def _find(conn: Connection, beginning: str) -> "Record":
    from align.errors import UserError
    from align.store.records import find_record

    found = find_record(conn, beginning)
    if len(found) != 1:
        what = "no record has such an id" if not found else f"{len(found)} records begin so"
        raise UserError(beginning, what, "Take an id from: align records list")
    return found[0]


def _level(word: str) -> "Level":
    from align.levels import LEVELS, as_level

    _one_of("level", word, LEVELS)
    return as_level(word)


def _one_of(where: str, word: str, words: Sequence[str]) -> None:
    from align.errors import UserError

    if word not in words:
        raise UserError(where, f"{word!r} is not known", f"Say one of: {', '.join(words)}")
