"""`align prompts`: add and list the prompts that a twin is asked."""

from pathlib import Path
from typing import Annotated

import typer

from align.errors import UserError
from align.text.printable import printable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Add and list the prompts that a twin is asked.",
)
OWNER = typer.Option(help="Whose prompts.")


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(
            help='JSONL {"prompt", "thread"} or {"messages", "thread"}, or text with one prompt a '
            "line."
        ),
    ],
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Add the prompts of a file; those that are known stay as they are."""
    from align.conversations.prompts import read_prompts
    from align.owner import load_owner
    from align.store.connection import open_store
    from align.store.prompts import add_prompts

    prompts = read_prompts(file.expanduser(), load_owner(owner).held_out)
    added = add_prompts(open_store(owner, create=True), prompts)
    print(f"{added.new:,} new, {added.known:,} known")


@app.command()
def bundled(owner: Annotated[str, OWNER] = "demo") -> None:
    """Add the prompts that come with the toolkit."""
    from align.conversations.prompts import add_bundled_prompts
    from align.owner import load_owner
    from align.store.connection import open_store

    added = add_bundled_prompts(open_store(owner, create=True), load_owner(owner).held_out)
    print(f"{added.new:,} new, {added.known:,} known")


@app.command("from-records")
def from_records(
    owner: Annotated[str, OWNER] = "demo",
    limit: Annotated[
        int,
        typer.Option(
            min=1, help="How many on the training side; a quarter of it on the evaluation side."
        ),
    ] = 2000,
) -> None:
    """Add what people asked the owner, with what was said before; `align ingest` does it too."""
    from align.conversations.prompts import add_asked_prompts
    from align.owner import load_owner
    from align.store.connection import open_store

    added = add_asked_prompts(open_store(owner), load_owner(owner), limit=limit)
    print(f"{added.new:,} new, {added.known:,} known")


@app.command("list")
def list_prompts(
    owner: Annotated[str, OWNER] = "demo",
    split: Annotated[str | None, typer.Option(help="train or evaluation.")] = None,
) -> None:
    """List the prompts, one a line: id, source, privacy, split, the last message."""
    from align.store.connection import open_store
    from align.store.prompts import iter_prompts

    if split not in (None, "train", "evaluation"):
        raise UserError("--split", f"{split!r} is not known", "Say one of: train, evaluation")
    for prompt in iter_prompts(open_store(owner)):
        if split in (None, prompt.split):
            text = " ".join(prompt.text.split())
            fields = (prompt.id, prompt.source, prompt.level, prompt.split, text)
            print(printable("\t".join(fields)))
