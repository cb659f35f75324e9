"""What `align sft`, `dpo` and `doctor` ask alike. Knows typer only, for the page of help."""

from typing import Annotated

import typer

Owner = Annotated[str, typer.Option(help="Whose twin.")]
# Taken where nobody names a recipe: the twin's own, else the smallest of a real base.
UNNAMED = ""
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        "--config",
        help="A name in recipes/, a path, or auto; else as the twin was trained, or the smallest "
        "of a real base.",
        show_default=False,
    ),
]
Dataset = Annotated[
    str | None, typer.Option(help="Rows (JSONL) instead of the owner's store.", metavar="FILE")
]
Accelerate = Annotated[
    str | None, typer.Option(help="A name in recipes/accelerate/ (default: what fits here).")
]
Restart = Annotated[bool, typer.Option("--restart", help="Leave a stopped run, and begin anew.")]
Minutes = Annotated[
    float | None,
    typer.Option(
        min=1.0, help="Cut epochs, then rows, to what this machine trains in so many minutes."
    ),
]

# Keys of the recipe are options too, which only the recipe's reader knows.
RECIPE_KEYS = {"allow_extra_args": True, "ignore_unknown_options": True}
_ALIKE = """
Any key of the recipe can follow: --learning_rate 1e-4 --num_train_epochs 2.

Ctrl-C or SIGTERM stops it after the step that is under way, with a save, and the same command
goes on from there (exit code 130 or 143); a second signal quits at once. Where the recipe
changed since, it is refused, with what changed.
"""
SFT = f"Fine-tune a twin on the owner's writing.\n{_ALIKE}"
DPO = f"Train the twin on the choices.\n{_ALIKE}"
