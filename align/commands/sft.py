"""`align sft`: check everything without torch, then train."""

import typer

from align.training.training_options import (
    RECIPE_KEYS,
    STOPPING,
    Accelerate,
    Dataset,
    Owner,
    RecipeName,
    Restart,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=f"Fine-tune a twin on the owner's writing.\n{STOPPING}", context_settings=RECIPE_KEYS
)
def sft(
    ctx: typer.Context,
    owner: Owner = "demo",
    recipe: RecipeName = "demo",
    dataset: Dataset = None,
    accelerate: Accelerate = None,
    restart: Restart = False,
) -> None:
    """Fine-tune a twin on the owner's writing."""
    from align.training.launch_training import launch
    from align.training.training_request import TrainingRequest

    request = TrainingRequest(
        "sft", owner, recipe, dataset, overrides=tuple(ctx.args), restart=restart
    )
    if code := launch(request, accelerate):
        raise typer.Exit(code)
