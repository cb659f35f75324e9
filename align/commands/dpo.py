"""`align dpo`: check everything without torch, then train."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dpo(
    ctx: typer.Context,
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    recipe: Annotated[
        str, typer.Option("--recipe", "--config", help="A name in recipes/, or a path.")
    ] = "demo",
    dataset: Annotated[
        str | None, typer.Option(help="Rows (JSONL) instead of the owner's store.", metavar="FILE")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="The twin to start from, which is also the reference.")
    ] = "sft",
    accelerate: Annotated[
        str | None, typer.Option(help="A name in recipes/accelerate/ (default: what fits here).")
    ] = None,
) -> None:
    """Train the twin on the choices.

    Any key of the recipe can follow: --learning_rate 1e-4 --num_train_epochs 2.
    """
    from align.launch import launch
    from align.training.run import Asked

    asked = Asked("dpo", owner, recipe, dataset, checkpoint=checkpoint, overrides=tuple(ctx.args))
    code = launch(asked, accelerate)
    if code:
        raise typer.Exit(code)
