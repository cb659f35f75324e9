"""`align sft`: check everything without torch, then train."""

import typer

from align.training import training_options as options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(help=options.SFT, context_settings=options.RECIPE_KEYS)
def sft(
    ctx: typer.Context,
    owner: options.Owner = "demo",
    recipe: options.RecipeName = options.UNNAMED,
    dataset: options.Dataset = None,
    accelerate: options.Accelerate = None,
    restart: options.Restart = False,
    minutes: options.Minutes = None,
) -> None:
    """Fine-tune a twin on the owner's writing."""
    from align.training.launch_training import launch
    from align.training.training_request import TrainingRequest

    request = TrainingRequest(
        "sft", owner, recipe, dataset, overrides=tuple(ctx.args), restart=restart, minutes=minutes
    )
    if code := launch(request, accelerate):
        raise typer.Exit(code)
