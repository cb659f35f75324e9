"""`align simulate`: a demo owner's simulated stand-in chooses."""

from typing import Annotated

import typer

from align.console import make_command, say
from align.errors import UserError
from align.paths import simulated_file

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def simulate(
    owner: Annotated[str, typer.Option(help="A demo owner.")] = "demo",
    seed: Annotated[int, typer.Option(help="Of the order, the sides and the noise.")] = 0,
) -> None:
    """Let a demo owner's simulated stand-in choose; its choices are marked as simulated."""
    from align import __version__
    from align.demo.simulated_choices import simulate as choose
    from align.demo.simulated_owner import SimulatedOwner
    from align.store.connection import open_store

    path = simulated_file(owner)
    if path is None:
        raise UserError(
            f"owner {owner!r}",
            "not a demo owner: nobody chooses for a real one",
            f"Run: make label OWNER={owner}",
        )
    conn = open_store(owner)
    result = choose(conn, SimulatedOwner.load(path), seed=seed, version=__version__)
    if not result.outcomes and not result.known:
        raise UserError(
            f"owner {owner!r}", "no pairs to choose from", f"Run: {make_command('sample', owner)}"
        )
    counts = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(result.outcomes.items()))
    print(f"simulated choices: {counts or 'none new'}; {result.known:,} there before")
    if result.agreement is not None:
        low, high = result.agreement
        print(
            f"asked again, sides swapped: {result.same} of {result.again} the same "
            f"({low:.0%} to {high:.0%})"
        )
    say(f"Next: {make_command('dpo', owner)}")
