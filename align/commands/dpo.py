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
    allow_recipe_change: Annotated[
        bool,
        typer.Option(
            "--allow-recipe-change", help="Go on from a stopped run of another recipe, with this."
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Leave a stopped run, and begin anew.")
    ] = False,
) -> None:
    """Train the twin on the choices.

    Any key of the recipe can follow: --learning_rate 1e-4 --num_train_epochs 2.

    Ctrl-C or SIGTERM stops it after the step that is under way, with a save, and the same command
    goes on from there (exit code 130 or 143); a second signal quits at once. Where the recipe
    changed since, it is refused, with what changed.
    """
    from align.training.launch_training import launch
    from align.training.training_request import TrainingRequest

    asked = TrainingRequest(
        "dpo",
        owner,
        recipe,
        dataset,
        checkpoint=checkpoint,
        overrides=tuple(ctx.args),
        allow_recipe_change=allow_recipe_change,
        restart=restart,
    )
    code = launch(asked, accelerate)
    if code:
        raise typer.Exit(code)
