"""`align choices`: list, count and export what was chosen."""

from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, count and export what was chosen.",
)
OWNER = typer.Option(help="Whose choices.")


@app.command("list")
def list_choices(owner: Annotated[str, OWNER] = "demo") -> None:
    """List the choices that stand, one a line: time, actor, pair, outcome, the prompt."""
    from align.printable import printable
    from align.store.choices import current_choices
    from align.store.connection import open_store
    from align.store.pairs import iter_pairs

    conn = open_store(owner)
    prompts = {pair.id: pair.messages[-1]["content"] for pair in iter_pairs(conn, purpose=None)}
    for choice in current_choices(conn):
        text = " ".join(prompts.get(choice.pair_id, "").split())
        fields = (choice.time, choice.actor, choice.pair_id, choice.outcome, text)
        print(printable("\t".join(fields)))


@app.command()
def count(
    owner: Annotated[str, OWNER] = "demo",
    decisive: Annotated[
        bool, typer.Option("--decisive", help="Only those with a winner, on which one can train.")
    ] = False,
) -> None:
    """Print how many choices stand; 0 where there is no store yet."""
    from align.paths import store_path
    from align.store.choices import current_choices, decisive_pairs
    from align.store.connection import open_store

    if not store_path(owner).exists():
        print(0)
        return
    conn = open_store(owner)
    print(len(decisive_pairs(conn)) if decisive else len(current_choices(conn)))


@app.command()
def export(owner: Annotated[str, OWNER] = "demo") -> None:
    """Print the choices as JSON lines: prompt, both answers, outcome, actor, privacy.

    This is the owner's own copy: train-only pairs are in it, sealed ones are not.
    """
    import sys

    from align.files import jsonl
    from align.store.choices import current_choices
    from align.store.connection import open_store
    from align.store.pairs import iter_pairs

    conn = open_store(owner)
    pairs = {pair.id: pair for pair in iter_pairs(conn, purpose=None) if pair.level != "sealed"}
    for choice in current_choices(conn):
        if pair := pairs.get(choice.pair_id):
            row = {
                "pair": pair.id,
                "messages": pair.messages,
                "a": pair.text_a,
                "b": pair.text_b,
                "checkpoint_a": pair.checkpoint_a,
                "checkpoint_b": pair.checkpoint_b,
                "outcome": choice.outcome,
                "rewrite": choice.rewrite,
                "actor": choice.actor,
                "time": choice.time,
                "level": pair.level,
            }
            sys.stdout.write(jsonl([row]).decode())
