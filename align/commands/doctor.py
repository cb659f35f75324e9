"""`align doctor`: what a run will find and need, before anything is fetched or loaded."""

import os
import shutil
import sys
from typing import Annotated

import typer

from align.errors import UserError
from align.training import training_options as options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings=options.RECIPE_KEYS)
def doctor(
    ctx: typer.Context,
    owner: options.Owner = "demo",
    recipe: options.RecipeName = options.UNNAMED,
    stage: Annotated[str, typer.Option(help="sft, dpo, or both.")] = "both",
    dataset: options.Dataset = None,
    checkpoint: Annotated[str, typer.Option(help="The twin that dpo starts from.")] = "sft",
    accelerate: options.Accelerate = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="Plan for devices of this much memory, like 24GB.", metavar="SIZE"),
    ] = None,
    gpus: Annotated[
        int | None, typer.Option(min=0, help="Plan for so many GPUs (0: for none).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Say what a run will find and need: data, lengths, template, download, disk, memory.

    Nothing is fetched or loaded. The exit code is 2 where something would stop the run. Any key of
    the recipe can follow: --per_device_train_batch_size 1 --max_length 512.
    """
    from align.models.checkpoints import STAGES
    from align.recipe.accelerate_config import accelerate_file, read_settings
    from align.training.preflight.doctor import examine
    from align.training.preflight.findings import as_json, is_wrong, lines
    from align.training.training_request import TrainingRequest

    if stage not in (*STAGES, "both"):
        raise UserError(f"--stage {stage}", "no such stage", "Say sft, dpo or both")
    stages = STAGES if stage == "both" else (stage,)
    if accelerate is None and (max_memory or gpus):
        accelerate = "cpu" if gpus == 0 else "multi_gpu" if gpus and gpus > 1 else "single_gpu"
    settings = read_settings(accelerate_file(accelerate))
    asked = TrainingRequest("sft", owner, recipe, dataset, checkpoint, tuple(ctx.args))
    found = examine(asked, stages, settings, max_memory=max_memory, gpus=gpus)
    if json:
        print(as_json(found))
    else:
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        print("\n".join(lines(found, width=width, colours=colours)))
    if is_wrong(found):
        raise typer.Exit(2)
