"""`align dpo`: check everything without torch, then train."""

from typing import Annotated

import typer

from align.training import training_options as options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(help=options.DPO, context_settings=options.RECIPE_KEYS)
def dpo(
    ctx: typer.Context,
    owner: options.Owner = "demo",
    recipe: options.RecipeName = options.UNNAMED,
    dataset: options.Dataset = None,
    checkpoint: Annotated[
        str, typer.Option(help="The twin to start from, which is also the reference.")
    ] = "sft",
    accelerate: options.Accelerate = None,
    restart: options.Restart = False,
    minutes: options.Minutes = None,
    or_sample: Annotated[
        bool,
        typer.Option(
            "--or-sample",
            help="As `make dpo` does: evaluate after training; without choices draw pairs and pack "
            "them to be labelled.",
        ),
    ] = False,
) -> None:
    """Train the twin on the choices."""
    from align.training.training_request import TrainingRequest

    request = TrainingRequest(
        "dpo", owner, recipe, dataset, checkpoint, tuple(ctx.args), restart, minutes
    )
    if or_sample:
        from align.training.train_or_sample import train_or_sample as launch
    else:
        from align.training.launch_training import launch
    if code := launch(request, accelerate):
        raise typer.Exit(code)
