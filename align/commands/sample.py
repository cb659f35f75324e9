"""`align sample`: draw pairs of answers from a twin."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# As in align.sampling.sampling_run, which the page of help must not wait for.
PAIRS, DEMO_PAIRS, ARENA_PAIRS = 300, 500, 100

Pairs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"How many; else {PAIRS} ({DEMO_PAIRS} for a demo owner, {ARENA_PAIRS} to compare).",
    ),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(
        help="Draw an arena instead: both twins answer the same held-out prompts. Its answers "
        "measure, and never train.",
        metavar="TWIN TWIN",
    ),
]
AgainstRecords = Annotated[
    bool,
    typer.Option(
        "--against-records",
        help="Draw one answer of the SFT twin to each prompt that people asked the owner: it "
        "stands against their real reply. These pairs cost no labelling: they are the baseline "
        "that labelling must beat.",
    ),
]
Accelerate = Annotated[
    str | None,
    typer.Option(
        help="A name in recipes/accelerate/ or a path: its processes share the batches "
        "(default: every visible GPU)."
    ),
]
Spread = Annotated[
    bool,
    typer.Option(
        "--spread", help="One model over all devices (by itself where none can hold it alone)."
    ),
]


@app.command()
def sample(
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    checkpoint: Annotated[
        str | None, typer.Option(help="base, sft, dpo, 002-dpo or a path; else the newest twin.")
    ] = None,
    pairs: Pairs = None,
    compare: Compare = None,
    against_records: AgainstRecords = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="With --against-records: how many prompts; else all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the prompts' order and of the answers.")] = 0,
    temperature: Annotated[float | None, typer.Option(min=0.0, help="Else the recipe's.")] = None,
    top_p: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Else the recipe's.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
    near: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Answers as alike as this are drawn again.")
    ] = 0.9,
    batch_size: Annotated[int, typer.Option(min=1, help="Answers drawn at a time.")] = 192,
    accelerate: Accelerate = None,
    spread: Spread = False,
) -> None:
    """Draw pairs of answers to the training side's prompts, for the owner to choose between."""
    from align.sampling.sampling_run import SamplingRequest, check_options

    request = SamplingRequest(
        owner, checkpoint, pairs, against_records, limit, seed, temperature, top_p, max_new_tokens,
        near, batch_size, spread,
    )  # fmt: skip
    check_options(request, compare=compare, accelerate=accelerate)
    if compare is not None:
        from align.sampling.arena_sampling import draw_arena

        draw_arena(request, compare)
        return
    from align.sampling.sampling_launch import sample as draw

    if code := draw(request, accelerate):
        raise typer.Exit(code)
