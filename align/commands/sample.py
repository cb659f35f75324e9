"""`align sample`: draw pairs of answers from a twin."""

from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# A fictional owner never tires of choosing; a real one's pairs are drawn a round at a time.
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
) -> None:
    """Draw pairs of answers to the training side's prompts, for the owner to choose between."""
    asked: dict[str, Any] = {
        "temperature": temperature,
        "top_p": top_p,
        "max_new_tokens": max_new_tokens,
    }
    _refuse_together(against_records, compare=compare, pairs=pairs, limit=limit)
    if against_records:
        _against_records(owner, checkpoint or "sft", limit, seed, asked, batch_size)
    elif compare is not None:
        _compare(owner, compare, checkpoint, pairs or COMPARED, seed, asked, batch_size)
    else:
        _pairs(owner, checkpoint, pairs, seed, asked, near, batch_size)


def _pairs(
    owner: str,
    checkpoint: str | None,
    pairs: int | None,
    seed: int,
    asked: dict[str, Any],
    near: float,
    batch_size: int,
) -> None:
    """Draw pairs of one twin's answers."""
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
    settings = sampling_of(twin_of.sampling, **asked)
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


def _refuse_together(against_records: bool, **options: object) -> None:
    """Refuse options that have no meaning with --against-records, or only with it."""
    from align.errors import UserError

    for name, value in options.items():
        if value is not None and against_records != (name == "limit"):
            how = "with" if against_records else "without"
            what = f"it has no meaning {how} --against-records"
            raise UserError(f"--{name}", what, f"Leave --{name} out")


def _against_records(
    owner: str,
    checkpoint: str,
    limit: int | None,
    seed: int,
    asked: dict[str, Any],
    batch_size: int,
) -> None:
    """Draw what the owner's real replies are held against."""
    from align.checkpoints import resolve
    from align.console import say
    from align.errors import UserError
    from align.owner import load_owner
    from align.preferences import record_pairs, replied_prompts
    from align.sample import draw_against_records, make_plan, sampling_of, unanswered
    from align.store.connection import open_store

    twin_of, settings = resolve(owner, checkpoint), load_owner(owner)
    conn = open_store(owner)
    prompts = [prompt for prompt, _ in replied_prompts(conn, settings)]
    if not prompts:
        what = "nothing that people asked and was answered, on the training side"
        remedy = f"Run: align prompts from-records --owner {owner}"
        raise UserError(f"owner {owner!r}", what, remedy)
    plan = make_plan(
        conn, twin_of, prompts=prompts, pairs=min(limit or len(prompts), len(prompts)),
        seed=seed, settings=sampling_of(twin_of.sampling, **asked),
    )  # fmt: skip
    if missing := len(unanswered(plan)):
        from align.twins import load_twin

        say(f"Drawing {missing:,} answers from {twin_of.name}.")
        draw_against_records(conn, load_twin(twin_of), plan, batch_size=batch_size)
    else:
        say("All answers of this twin, seed and settings are drawn already.")
    pairs = len(record_pairs(conn, settings, twin_of.hash))
    print(
        f"{pairs:,} pairs of a real reply and an answer of {twin_of.name}, of"
        f" {len(prompts):,} prompts"
    )
    say(
        "They are off by default: labelling must beat them. To train on them: "
        f"align dpo --owner {owner} --against_records 1.0"
    )


def _compare(
    owner: str,
    words: tuple[str, str],
    checkpoint: str | None,
    pairs: int,
    seed: int,
    asked: dict[str, Any],
    batch_size: int,
) -> None:
    """Draw an arena between two checkpoints."""
    from align.comparison import (
        add_arena_pairs,
        contenders,
        draw_answers,
        held_out_prompts,
        plan_comparison,
    )
    from align.console import say
    from align.errors import UserError
    from align.owner import load_owner
    from align.prompts import add_bundled_prompts
    from align.sample import sampling_of
    from align.store.connection import open_store

    if checkpoint is not None:
        raise UserError("--checkpoint", "--compare names both twins", "Leave --checkpoint out")
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
                from align.twins import load_twin

                say(f"Drawing {missing:,} answers of {twin_of.name}.")
                draw_answers(conn, load_twin(twin_of), plan, twin_of, batch_size=batch_size)
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
