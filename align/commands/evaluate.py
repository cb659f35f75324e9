"""`align evaluate`: compare base, SFT and DPO on held-out prompts, as a scorecard."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Enough to tell 60 % from one half.
PROMPTS = 240


@app.command()
def evaluate(
    owner: Annotated[str, typer.Option(help="Whose twins.")] = "demo",
    checkpoints: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="base, sft, dpo, 002-dpo or a path; may be repeated, in the order of training."
            " Else base and the newest of each stage.",
        ),
    ] = None,
    prompts: Annotated[
        int, typer.Option(min=1, help="How many held-out prompts, at most.")
    ] = PROMPTS,
    seed: Annotated[int, typer.Option(help="Of the answers.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, help="Answers to each prompt, each with a seed of its own.")
    ] = 1,
    temperature: Annotated[float | None, typer.Option(min=0.0, help="Else the recipe's.")] = None,
    top_p: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Else the recipe's.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
    wandb: Annotated[
        bool,
        typer.Option(
            "--wandb",
            help="Log the figures to wandb, as where the newest twin's recipe does.",
        ),
    ] = False,
) -> None:
    """Compare checkpoints on held-out prompts, as a scorecard in the terminal and in files."""
    from align.console import say
    from align.evaluation.asked import ask, resolved, sampling_settings
    from align.evaluation.evaluate import evaluate as measure
    from align.evaluation.report import headline, next_steps, terminal
    from align.evaluation.scorecard_tracking import is_tracked, track
    from align.paths import relative_to_root
    from align.store.connection import open_store

    compared = resolved(owner, checkpoints or [])
    settings = sampling_settings(
        compared, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens
    )
    conn = open_store(owner)
    asked = ask(
        conn,
        owner,
        compared,
        prompts=prompts,
        seeds=range(seed, seed + seeds),
        settings=settings,
    )
    card, folder = measure(conn, asked)
    print(terminal(card))
    print()
    for line in headline(card):
        print(line)
    say("")
    say(f"Scorecard: {relative_to_root(folder)}/scorecard.md (and .json)")
    for line in next_steps(card):
        say(line)
    if wandb or is_tracked(owner):
        track(owner, card)
