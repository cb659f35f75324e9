"""`align sample`: draw pairs of answers from a twin."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# A fictional owner never tires of choosing; a real one's pairs are drawn a round at a time.
PAIRS, DEMO_PAIRS = 300, 500


@app.command()
def sample(
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    checkpoint: Annotated[
        str | None, typer.Option(help="base, sft, dpo, 002-dpo or a path; else the newest twin.")
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many; else {PAIRS} ({DEMO_PAIRS} for a demo owner)."),
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
) -> None:
    """Draw pairs of answers to the training side's prompts, for the owner to choose between."""
    from align.checkpoints import newest, resolve
    from align.console import make_command, say
    from align.errors import UserError
    from align.owner import load_owner
    from align.paths import owner_dir
    from align.prompts import add_bundled_prompts
    from align.sample import draw_pairs, drawn, make_plan, sampling_of, training_prompts
    from align.store.connection import open_store

    simulated = (owner_dir(owner) / "simulated.json").is_file()
    wanted = pairs or (DEMO_PAIRS if simulated else PAIRS)
    found = newest(owner)
    word = checkpoint or (found.name if found else "sft")
    twin_of = resolve(owner, word)
    conn = open_store(owner)
    if len(training_prompts(conn)) < wanted:
        added = add_bundled_prompts(conn, load_owner(owner).held_out)
        if added.new:
            say(f"Added {added.new:,} prompts that come with the toolkit.")
    settings = sampling_of(
        twin_of.sampling, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens
    )
    plan = make_plan(conn, twin_of, pairs=wanted, seed=seed, settings=settings, threshold=near)
    if not plan.slots:
        raise UserError(
            f"owner {owner!r}", "no prompts", f"Run: align prompts add FILE --owner {owner}"
        )
    missing = plan.missing()
    if missing:
        from align.twins import load_twin

        say(f"Drawing {len(missing):,} pairs from {twin_of.name}.")
        result = draw_pairs(conn, load_twin(twin_of), plan, batch_size=batch_size)
    else:
        say("All pairs of this twin, seed and settings are drawn already.")
        result = drawn(plan)
    print(
        f"{result.pairs:,} pairs of {twin_of.name}: {result.redrawn:,} drawn again,"
        f" {result.left_out:,} left out as empty or near-identical"
    )
    following = "simulate" if simulated else "label"
    say(f"Next: {make_command(following, owner)}")
