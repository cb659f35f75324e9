"""`align evaluate`: compare base, SFT and DPO on held-out prompts, as a scorecard."""

from typing import TYPE_CHECKING, Annotated

import typer

from align.console import say
from align.paths import relative_to_root, simulated_file

if TYPE_CHECKING:
    from pathlib import Path

    from align.evaluation.scorecard import Scorecard

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Enough to tell 60 % from one half.
PROMPTS = 240

Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint",
        help="base, sft, dpo, 002-dpo or a path; may be repeated, in the order of training."
        " Else base and the newest of each stage.",
    ),
]
Wandb = Annotated[
    bool,
    typer.Option(
        "--wandb", help="Log the figures to wandb, as where the newest twin's recipe does."
    ),
]


@app.command()
def evaluate(
    owner: Annotated[str, typer.Option(help="Whose twins.")] = "demo",
    checkpoints: Checkpoints = None,
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
    wandb: Wandb = False,
) -> None:
    """Compare checkpoints on held-out prompts, as a scorecard in the terminal and in files."""
    from align.evaluation import evaluate as evaluation
    from align.evaluation.reference_texts import reference_texts
    from align.store.connection import open_store

    checkpoints_by_word = evaluation.compared_checkpoints(owner, checkpoints or [])
    sampling = evaluation.shared_sampling(
        checkpoints_by_word, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens
    )
    conn = open_store(owner)
    references = reference_texts(conn, owner)
    if (simulated := simulated_file(owner)) is not None:
        from align.demo.demo_references import with_demo_world

        references = with_demo_world(references, simulated)
    request = evaluation.evaluation_request(
        conn, owner, checkpoints_by_word, references,
        prompts=prompts, seeds=range(seed, seed + seeds), sampling=sampling,
    )  # fmt: skip
    _report(owner, *evaluation.evaluate(conn, request), wandb=wandb)


def _report(owner_id: str, card: "Scorecard", folder: "Path", *, wandb: bool) -> None:
    from align.evaluation.report import headline, next_steps, terminal
    from align.evaluation.scorecard_tracking import is_tracked, track

    print(terminal(card))
    print()
    for line in headline(card):
        print(line)
    say("")
    say(f"Scorecard: {relative_to_root(folder)}/scorecard.md (and .json)")
    for line in next_steps(card):
        say(line)
    if wandb or is_tracked(owner_id):
        track(owner_id, card)
