"""`align judge`: let a judge choose of the rest, as far as it agrees with the owner."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from align.demo.simulated_judge import SimulatedJudge
    from align.judging.judge_run import JudgeRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def judge(
    owner: Annotated[str, typer.Option(help="Whose pairs.")] = "demo",
    judge: Annotated[
        str | None,
        typer.Option(
            help="claude, local or simulated; else claude, and for a demo owner simulated."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Of claude (else claude-haiku-5-5); of local a folder, or a base that is here."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="How many pairs; else all.")] = None,
    budget_usd: Annotated[
        float, typer.Option(min=0.0, help="What the run may cost, in US dollars: a hard stop.")
    ] = 5.0,
    batch: Annotated[
        bool | None,
        typer.Option(
            "--batch/--no-batch",
            help="Send batches, at half the price; else where there are more than 200 requests.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=64, help="Requests under way at once, without batches.")
    ] = 16,
    examples: Annotated[
        int, typer.Option(min=8, max=16, help="How many choices of the owner's it is shown.")
    ] = 12,
    prompt: Annotated[
        Path | None, typer.Option(help="In place of recipes/prompts/judge.md.", metavar="FILE")
    ] = None,
    redact: Annotated[
        bool,
        typer.Option("--redact/--no-redact", help="Replace what is private, as in training."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write what would be sent to a file; send nothing.")
    ] = False,
    yes_send: Annotated[
        bool, typer.Option("--yes-send", help="Agree to the terms that are shown, for scripts.")
    ] = False,
    wandb: Annotated[bool, typer.Option("--wandb", help="Log counts and rates to wandb.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Only show every attempt at the gate so far.")
    ] = False,
) -> None:
    """Let a judge choose of the pairs that the owner did not, as far as it agrees with the owner.

    It is measured on the owner's own choices first, which costs little, and goes on only if the
    gate opens. It can be stopped at any time; nothing that was answered is paid for twice.
    """
    from align.judging.judge_run import JudgeRequest, run_judge
    from align.judging.summary import history as attempts
    from align.owner import load_owner
    from align.store.connection import open_store
    from align.store.gates import iter_gates
    from align.text.printable import printable

    conn = open_store(owner)
    if history:
        for line in attempts(iter_gates(conn)):
            print(printable(line))
        return
    request = JudgeRequest(
        owner=owner,
        settings=load_owner(owner),
        simulated=lambda: _simulated_judge(owner),
        judge=judge,
        model=model,
        limit=limit,
        budget_usd=budget_usd,
        batch=batch,
        concurrency=concurrency,
        examples=examples,
        prompt=prompt,
        redacted=redact,
        dry_run=dry_run,
        yes_send=yes_send,
    )
    employed = run_judge(conn, request)
    if employed is not None:
        _tell(employed, owner)
        if wandb:
            from align.judging.tracking import track

            track(owner, employed.outcome)


def _simulated_judge(owner_id: str) -> "SimulatedJudge":
    from align.demo.simulated_judge import SimulatedJudge
    from align.paths import owner_dir

    return SimulatedJudge.load(owner_dir(owner_id) / "simulated.json")


def _tell(employed: "JudgeRun", owner: str) -> None:
    """Print how it went, and say what comes next."""
    from align.console import make_command, say
    from align.judging.report import lines
    from align.judging.summary import came_of_it, kept_from, spent

    outcome = employed.outcome
    gate = outcome.gate
    for line in lines(outcome.calibration, judge=gate.judge, model=gate.model):
        print(line)
    if gate.is_open:
        for line in came_of_it(outcome.judging, gate):
            print(line)
        if employed.kept_back:
            print(f"not asked about: {kept_from(employed.kept_back)}")
    for line in spent(outcome, employed.usage, employed.unasked):
        say(line)
    following = "dpo" if gate.is_open else "label"
    say(f"Next: {make_command(following, owner)}")
