"""`align examples`: what a twin is trained on, as conversations and figures."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import progress, say
from align.errors import UserError
from align.text.printable import printable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from align.conversations.examples.example_rows import CountTokens, ExampleStatistics, Row
    from align.recipe.recipe_file import Recipe
    from align.store.records import Record

RECIPE = typer.Option(
    help="The recipe to train with; else the twin's, or the smallest of a real base.",
    show_default=False,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def examples(
    owner: Annotated[str, typer.Option(help="Whose.")] = "demo",
    recipe: Annotated[str, RECIPE] = "",
    preview: Annotated[int, typer.Option(min=0, help="Rows to show, drawn from all sources.")] = 20,
    split: Annotated[str, typer.Option(help="train, or evaluation: what is held out.")] = "train",
    seed: Annotated[int, typer.Option(help="The same seed shows the same rows.")] = 0,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="Show some records of each reason, too.")
    ] = False,
) -> None:
    """Show what a twin is trained on: rows, the mix, lengths, and why things are left out."""
    from align.conversations.examples.building import build_examples
    from align.conversations.examples.example_rows import ExampleStatistics
    from align.conversations.examples.preview import Drawing
    from align.owner import load_owner
    from align.recipe.recipe_file import read_recipe, recipe_path
    from align.store.connection import open_store
    from align.training.recipe_family import recipe_for

    if split not in ("train", "evaluation"):
        raise UserError(f"--split {split}", "no such side", "Say train or evaluation")
    conn = open_store(owner)
    recipe = recipe_for(owner, recipe)
    chosen = read_recipe(recipe_path(recipe, "sft"), "sft")
    count_tokens, how = _counter(chosen)
    statistics, drawing = ExampleStatistics(), Drawing(preview, seed)
    settings = chosen.example_settings
    most = settings["max_tokens"]
    made = build_examples(
        conn,
        load_owner(owner),
        split="train" if split == "train" else "evaluation",
        count_tokens=count_tokens,
        **settings,
        statistics=statistics,
        watch=lambda records: _watched(conn, records, split),
    )
    for row in made:
        drawing.see(row)
    _show_rows(drawing.rows(), count_tokens)
    _show_figures(statistics, most, with_records=left_out)
    say(f"Tokens are {how}; a row holds {most:,} (recipe {recipe}).")


def _counter(recipe: "Recipe") -> "tuple[CountTokens, str]":
    """Return what counts tokens, and how in words; an estimate where the base isn't here."""
    from align.conversations.examples.example_rows import estimated_tokens
    from align.models.base import resolve_base
    from align.training.sft_rows import token_counter

    try:
        base = resolve_base(recipe.base_name or "", recipe.base_revision, where=str(recipe.path))
        count_tokens = token_counter(base)
    except UserError:
        count_tokens = estimated_tokens
    if count_tokens is estimated_tokens:
        return count_tokens, f"estimated, rather too many: {recipe.base_name} isn't here"
    return count_tokens, f"those of {recipe.base_name}"


def _watched(
    conn: "sqlite3.Connection", records: "Iterator[Record]", split: str
) -> "Iterator[Record]":
    from align.store.row_counts import count_records

    return progress(records, count_records(conn, split), "examples", unit="records")


def _show_rows(rows: "list[Row]", count_tokens: "CountTokens") -> None:
    from align.conversations.examples.example_rows import row_tokens
    from align.conversations.examples.preview import LEGEND, conversation_lines

    dims = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if rows:
        print(f"{LEGEND}\n")
    for row in rows:
        for line, is_learned in conversation_lines(row, row_tokens(row["messages"], count_tokens)):
            shown = printable(line)
            print(f"\x1b[2m{shown}\x1b[22m" if dims and shown and not is_learned else shown)


def _show_figures(statistics: "ExampleStatistics", most: int, *, with_records: bool) -> None:
    from align.conversations.examples.preview import histogram_lines, left_out_lines, table_lines

    blocks = {
        "": table_lines(statistics),
        "tokens of a row, template included": histogram_lines(statistics.lengths, most),
        "of the owner's messages and documents, not learned": left_out_lines(
            statistics, with_records=with_records
        ),
    }
    for at, (title, lines) in enumerate((title, lines) for title, lines in blocks.items() if lines):
        print("\n" * bool(at) + (f"{title}\n" if title else "") + printable("\n".join(lines)))
