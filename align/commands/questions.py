"""`align questions`: the questions that passages of the owner's documents answer."""

from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Questions that passages of the owner's documents answer, in the owner's own words.",
)
OWNER = typer.Option(help="Whose documents.")


@app.command("list")
def list_questions(
    owner: Annotated[str, OWNER] = "demo",
    left_out: Annotated[
        bool,
        typer.Option("--left-out", help="Those that a model found unanswered, and only those."),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="How many at most.", min=1)] = None,
) -> None:
    """Show each question as the training would ask it, and the passage that answers it."""
    from align.owner import load_owner
    from align.printable import printable
    from align.questions.asked import exchanges
    from align.store.connection import open_store
    from align.store.questions import iter_questions
    from align.store.records import iter_records

    conn = open_store(owner)
    shown = 0
    if left_out:
        for each in iter_questions(conn):
            if each.left_out is not None and (limit is None or shown < limit):
                fields = (each.record_id, f"{each.start}-{each.stop}", each.left_out, each.question)
                print(printable("\t".join(fields)))
                shown += 1
        return
    language = load_owner(owner).language
    documents = iter_records(
        conn, split="train", kind="document", is_owner=True, levels=("open", "train-only")
    )
    for record in list(documents):
        for exchange in exchanges(conn, record, language):
            if shown == limit:
                return
            print(f"\n{printable(exchange.question)}\n  {_beginning(exchange.passage.text)}")
            shown += 1


@app.command()
def write(
    owner: Annotated[str, OWNER] = "demo",
    recipe: Annotated[str, typer.Option(help="Whose base writes: a name in recipes/.")] = "demo",
    drawn: Annotated[
        int, typer.Option(help="Questions drawn for a passage; 0: only rules, weighed.", min=0)
    ] = 4,
    limit: Annotated[int | None, typer.Option(help="Passages at most.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
) -> None:
    """Let the recipe's base write and weigh the questions; nothing leaves this machine.

    Without it the questions come by rule, from titles, headings and first sentences. It can be
    stopped at any time and goes on where it was.
    """
    from align.checkpoints import resolve
    from align.console import make_command, say
    from align.owner import load_owner
    from align.question_writing import waiting, write_questions
    from align.recipes import read_recipe, recipe_path
    from align.store.connection import open_store

    conn = open_store(owner)
    settings = load_owner(owner)
    base = resolve(owner, "base", recipe=read_recipe(recipe_path(recipe, "sft"), "sft"))
    writer = f"model:{base.base.name}"
    found = waiting(conn, writer)[:limit]
    if not found:
        print("No passage waits for a question.")
        return
    from align.twins import load_twin

    say(f"{base.base.name} writes questions for {len(found):,} passages.")
    twin = load_twin(base)
    kept = left = 0
    for question in write_questions(
        conn, twin, found, writer=writer, drawn=drawn, language=settings.language, seed=seed
    ):
        kept += question.left_out is None
        left += question.left_out is not None
    print(f"{kept:,} passages have a question, {left:,} answer none that was found")
    say(f"See them: align questions list --owner {owner}. Next: {make_command('sft', owner)}")


def _beginning(text: str) -> str:
    from align.printable import printable

    plain = " ".join(text.split())
    return printable(plain if len(plain) <= 100 else plain[:99] + "…")
