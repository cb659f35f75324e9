"""`align choices`: find, count, export and import what was chosen."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from align.console import make_command, say
from align.errors import UserError
from align.paths import store_path
from align.text.printable import printable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Find, count, export and import what was chosen.",
)
OWNER = typer.Option(help="Whose choices.")
Outcome = Annotated[
    str | None, typer.Option(help="Only those: a, b, both, neither or rewrite.", metavar="WORD")
]
Actor = Annotated[
    str | None, typer.Option(help="Only those of: owner, imported or simulated.", metavar="WORD")
]
Since = Annotated[
    str | None, typer.Option(help="Only from this day or time on (UTC).", metavar="2026-01-31")
]
Checkpoint = Annotated[
    str | None,
    typer.Option(help="Only between answers of this twin: sft, dpo, 002-dpo, …", metavar="TWIN"),
]
Grep = Annotated[
    str | None,
    typer.Option(help="Only where prompt, answers or rewrite hold this.", metavar="PATTERN"),
]
Format = Annotated[
    str,
    typer.Option(
        help="jsonl: all that is known of each choice; trl: prompt, chosen, rejected, on which "
        "`trl dpo` trains; parquet: the same rows as trl.",
        metavar="jsonl|trl|parquet",
    ),
]


@app.command("list")
def list_choices(
    owner: Annotated[str, OWNER] = "demo",
    outcome: Outcome = None,
    actor: Actor = None,
    since: Since = None,
    checkpoint: Checkpoint = None,
    grep: Grep = None,
) -> None:
    """List the choices that stand, one a line: time, actor, pair, outcome, the prompt."""
    from align.preferences.choice_filter import filter_of_options, filtered_choices
    from align.store.connection import open_store

    choice_filter = filter_of_options(outcome, actor, since, _checkpoint(owner, checkpoint), grep)
    for choice, pair in filtered_choices(open_store(owner), choice_filter):
        text = "" if pair is None else " ".join(pair.messages[-1]["content"].split())
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
    from align.owner import load_owner
    from align.preferences.choice_rows import build_preferences
    from align.store.choices import current_choices
    from align.store.connection import open_store

    if not store_path(owner).exists():
        print(0)
        return
    conn = open_store(owner)
    if decisive:
        print(len({row.pair_id for row in build_preferences(conn, load_owner(owner))}))
    else:
        print(len(current_choices(conn)))


@app.command()
def export(
    owner: Annotated[str, OWNER] = "demo",
    format: Format = "jsonl",
    out: Annotated[
        Path | None, typer.Option(help="Else to standard output.", metavar="FILE")
    ] = None,
    outcome: Outcome = None,
    actor: Actor = None,
    since: Since = None,
    checkpoint: Checkpoint = None,
    grep: Grep = None,
) -> None:
    """Write the choices as rows for other tools.

    This is the owner's own copy: train-only pairs are in it, sealed ones are not.
    """
    from align.owner import load_owner
    from align.preferences import choice_export
    from align.preferences.choice_filter import filter_of_options
    from align.privacy.private_text import PrivateText
    from align.privacy.scope import CARRIED
    from align.store.connection import open_store

    if format not in choice_export.FORMATS:
        remedy = f"Say one of: {', '.join(choice_export.FORMATS)}"
        raise UserError("--format", f"{format!r} is not known", remedy)
    choice_filter = filter_of_options(outcome, actor, since, _checkpoint(owner, checkpoint), grep)
    conn = open_store(owner)
    settings = load_owner(owner)
    if format == "jsonl":
        chosen = choice_export.full_rows(conn, choice_filter)
    else:
        chosen = choice_export.training_rows(conn, settings, choice_filter)
    rows = choice_export.unsealed(chosen, PrivateText(conn, settings, scope=CARRIED))
    if len(rows) < len(chosen):
        say(f"withheld: {len(chosen) - len(rows):,} choices that repeat sealed writing")
    if not rows and (out is not None or format != "jsonl"):
        raise UserError(
            f"owner {owner!r}", "no such choices", f"Look: align choices list --owner {owner}"
        )
    if out is None:
        sys.stdout.buffer.write(choice_export.as_bytes(rows, format))
        return
    out = out.expanduser()
    recipe = choice_export.write_rows(out, rows, format)
    say(f"{len(rows):,} rows in {out}")
    if recipe is not None:
        _say_how_to_train(owner, recipe)


@app.command("import")
def import_choices(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines of prompt, a, b, outcome, or of prompt, chosen, rejected."),
    ],
    owner: Annotated[str, OWNER] = "demo",
) -> None:
    """Add choices that were made elsewhere; those that are known stay as they are.

    They are marked as imported, and never stand before the owner's own.
    """
    from align.preferences.choice_import import add_choices, newest, read_choices
    from align.store.connection import open_store

    lines = read_choices(file.expanduser())
    added = add_choices(open_store(owner, create=True), lines)
    counting = newest(lines)
    older = sum(line.chosen != counting[line.pair].chosen for line in lines)
    print(f"{added.new:,} new, {added.known:,} known")
    if older:
        say(f"{older:,} of them chose otherwise than a newer line of their pair, which counts")
    say(f"Next: {make_command('dpo', owner)}")


def _checkpoint(owner_id: str, word: str | None) -> str | None:
    """Return the name, or the hash, by which the store knows a checkpoint."""
    if word is None:
        return None
    from align.models.checkpoints import STAGES, newest, resolve

    if word in STAGES:
        checkpoint = newest(owner_id, word)
        return checkpoint.name if checkpoint else resolve(owner_id, word).name
    return resolve(owner_id, word, download=False).hash if "/" in word else word


def _say_how_to_train(owner_id: str, recipe: Path) -> None:
    """Say which command trains on the rows with plain TRL, and which one here."""
    from align.models.checkpoints import resolve
    from align.preferences.choice_export import train_command
    from align.recipe.recipe_file import read_recipe, recipe_path

    try:
        base = resolve(owner_id, "base", download=False).base
        model = base.name if base.is_hub else str(base.path)
    except UserError:
        # No twin says which base is meant: the smallest real one.
        model = str(read_recipe(recipe_path("smollm2-135m", "sft"), "sft").base_name)
    say("Plain TRL trains a base on them (on a CPU, add --bf16 false):")
    say(train_command(recipe, model))
    say(f"The owner's twin, with rewrites weighed: {make_command('dpo', owner_id)}")
