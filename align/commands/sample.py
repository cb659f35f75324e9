"""`align sample`: draw pairs of answers from a twin."""

from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# As in align.sampling.sampling_run, which the page of help must not wait for.
PAIRS, DEMO_PAIRS = 300, 500
# Of an arena: enough to tell 60 % from one half.
COMPARED = 100


@app.command()
def sample(
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    checkpoint: Annotated[
        str | None, typer.Option(help="base, sft, dpo, 002-dpo or a path; else the newest twin.")
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"How many; else {PAIRS} ({DEMO_PAIRS} for a demo owner, {COMPARED} to compare).",
        ),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Draw an arena instead: both twins answer the same held-out prompts. Its answers "
            "measure, and never train.",
            metavar="TWIN TWIN",
        ),
    ] = None,
    against_records: Annotated[
        bool,
        typer.Option(
            "--against-records",
            help="Draw one answer of the SFT twin to each prompt that people asked the owner: it "
            "stands against his real reply. These pairs cost no labelling: they are the baseline "
            "that labelling must beat.",
        ),
    ] = False,
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
    accelerate: Annotated[
        str | None,
        typer.Option(
            help="A name in recipes/accelerate/ or a path: its processes share the batches "
            "(default: every visible GPU)."
        ),
    ] = None,
    spread: Annotated[
        bool,
        typer.Option(
            "--spread",
            help="One model over all devices (by itself where none can hold it alone).",
        ),
    ] = False,
) -> None:
    """Draw pairs of answers to the training side's prompts, for the owner to choose between."""
    settings: dict[str, Any] = {
        "temperature": temperature,
        "top_p": top_p,
        "max_new_tokens": max_new_tokens,
    }
    _refuse_together(against_records, compare=compare, pairs=pairs, limit=limit)
    if compare is not None:
        _refuse_to_compare(checkpoint=checkpoint, accelerate=accelerate, spread=spread or None)
        _compare(owner, compare, pairs or COMPARED, seed, settings, batch_size)
        return
    from align.sampling.sampling_launch import sample as draw
    from align.sampling.sampling_run import Asked

    asked = Asked(
        owner, checkpoint, pairs, against_records, limit, seed, near=near, batch_size=batch_size,
        spread=spread, **settings,
    )  # fmt: skip
    if code := draw(asked, accelerate):
        raise typer.Exit(code)


def _refuse_together(against_records: bool, **options: object) -> None:
    """Refuse options that have no meaning with --against-records, or only with it."""
    from align.errors import UserError

    for name, value in options.items():
        if value is not None and against_records != (name == "limit"):
            how = "with" if against_records else "without"
            what = f"it has no meaning {how} --against-records"
            raise UserError(f"--{name}", what, f"Leave --{name} out")


def _refuse_to_compare(**options: object) -> None:
    """Refuse options that have no meaning for an arena, which one process draws from two twins."""
    from align.errors import UserError

    for name, value in options.items():
        if value is not None:
            what = "--compare names both twins" if name == "checkpoint" else "not with --compare"
            raise UserError(f"--{name}", what, f"Leave --{name} out")


def _compare(
    owner: str,
    words: tuple[str, str],
    pairs: int,
    seed: int,
    asked: dict[str, Any],
    batch_size: int,
) -> None:
    """Draw an arena between two checkpoints."""
    from align.console import say
    from align.conversations.prompts import add_bundled_prompts
    from align.errors import UserError
    from align.owner import load_owner
    from align.sampling import sampling_of
    from align.sampling.arena_sampling import (
        add_arena_pairs,
        contenders,
        draw_answers,
        held_out_prompts,
        plan_comparison,
    )
    from align.store.connection import open_store

    first, second = contenders(owner, words)
    conn = open_store(owner)
    if len(held_out_prompts(conn)) < pairs:
        added = add_bundled_prompts(conn, load_owner(owner).held_out)
        if added.new:
            say(f"Added {added.new:,} prompts that come with the toolkit.")
    # One setting for both: the one of the twin named last, or the other's where it is the base.
    settings = sampling_of(second.sampling or first.sampling, **asked)
    plan = plan_comparison(conn, (first, second), pairs=pairs, seed=seed, settings=settings)
    if not plan.prompts:
        raise UserError(
            f"owner {owner!r}",
            "no held-out prompts",
            f"Run: align prompts add FILE --owner {owner}",
        )
    try:
        for twin_of in (first, second):
            if missing := len(plan.missing(twin_of)):
                from align.models.loading import load_model

                say(f"Drawing {missing:,} answers of {twin_of.name}.")
                draw_answers(conn, load_model(twin_of), plan, twin_of, batch_size=batch_size)
    finally:
        result = add_arena_pairs(conn, plan)
    empty = "".join(f", {n:,} by {name}" for name, n in sorted(result.empty_of.items()))
    print(
        f"{result.pairs:,} pairs of {first.name} and {second.name}: {result.alike:,} left out as"
        f" near-identical, {result.empty:,} as empty{empty}"
    )
    if len(plan.prompts) < pairs:
        say(f"One pair a prompt, and {len(plan.prompts):,} prompts are held out.")
    say(f"Next: labeler --owner {owner} --arena")
