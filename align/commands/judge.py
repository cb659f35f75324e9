"""`align judge`: let a judge choose of the rest, as far as it agrees with the owner."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import make_command, say
from align.paths import owner_dir
from align.text.printable import printable

if TYPE_CHECKING:
    from align.demo.simulated_judge import SimulatedJudge
    from align.judging.judge_run import JudgeRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Option = typer.Option
OwnerId = Annotated[str, Option(help="Whose pairs.")]
JudgeName = Annotated[
    str | None,
    Option(help="claude, local or simulated; else claude, and for a demo owner simulated."),
]
Model = Annotated[
    str | None,
    Option(help="Of claude (else claude-haiku-5-5); of local a folder, or a base that is here."),
]
Limit = Annotated[int | None, Option(min=0, help="How many pairs; else all.")]
Again = Annotated[bool, Option("--again", help="Ask again what was judged with other examples.")]
Budget = Annotated[float, Option(min=0.0, help="What the run may cost, in USD: a hard stop.")]
Batch = Annotated[
    bool | None,
    Option("--batch/--no-batch", help="Send batches, at half the price; else if that saves $1."),
]
Concurrency = Annotated[int, Option(min=1, max=64, help="Requests under way at once.")]
Examples = Annotated[int, Option(min=8, max=16, help="How many of your choices it is shown.")]
Prompt = Annotated[Path | None, Option(help="Instead of recipes/prompts/judge.md.", metavar="FILE")]
Redact = Annotated[bool, Option("--redact/--no-redact", help="Replace what is private.")]
DryRun = Annotated[bool, Option("--dry-run", help="Write what would be sent; send nothing.")]
YesSend = Annotated[bool, Option("--yes-send", help="Agree to the terms that are shown.")]
Wandb = Annotated[bool, Option("--wandb", help="Log counts and rates to wandb.")]
History = Annotated[bool, Option("--history", help="Only show every attempt at the gate so far.")]
CancelBatches = Annotated[
    bool, Option("--cancel-batches", help="Only cancel what an earlier run left in batches.")
]


@app.command()
def judge(
    owner: OwnerId = "demo",
    judge: JudgeName = None,
    model: Model = None,
    limit: Limit = None,
    again: Again = False,
    budget_usd: Budget = 5.0,
    batch: Batch = None,
    concurrency: Concurrency = 16,
    examples: Examples = 12,
    prompt: Prompt = None,
    redact: Redact = True,
    dry_run: DryRun = False,
    yes_send: YesSend = False,
    wandb: Wandb = False,
    history: History = False,
    cancel_batches: CancelBatches = False,
) -> None:
    """Let a judge choose of the pairs that the owner did not, as far as it agrees with the owner.

    It is measured on the owner's own choices first, which costs little, and goes on only if the
    gate opens. It can be stopped at any time; nothing that was answered is paid for twice.
    """
    from align.judging import judge_run as judging
    from align.judging import summary
    from align.owner import load_owner
    from align.store.connection import open_store
    from align.store.gates import iter_gates

    conn = open_store(owner)
    if history:
        for line in summary.history(iter_gates(conn)):
            print(printable(line))
        return
    request = judging.JudgeRequest(
        owner_id=owner, owner=load_owner(owner), simulated=lambda: _simulated_judge(owner),
        judge=judge, model=model, limit=limit, again=again,
        budget_usd=budget_usd, batch=batch, concurrency=concurrency, examples=examples,
        prompt=prompt, redacted=redact, dry_run=dry_run, yes_send=yes_send,
    )  # fmt: skip
    if cancel_batches:
        judging.cancel_batches(conn, request)
        return
    judge_run = judging.run_judge(conn, request)
    if judge_run is not None:
        _print(judge_run, owner)
        if wandb:
            summary.track(owner, judge_run.outcome)


def _simulated_judge(owner_id: str) -> "SimulatedJudge":
    from align.demo.simulated_judge import SimulatedJudge

    return SimulatedJudge.load(owner_dir(owner_id) / "simulated.json")


def _print(judge_run: "JudgeRun", owner_id: str) -> None:
    """Print how it went, and say what comes next."""
    from align.judging import summary
    from align.judging.report import by_kind, report

    outcome = judge_run.outcome
    for line in report(outcome.measured.values()):
        print(line)
    if outcome.open_gates:
        for line in summary.verdict_counts(outcome.judging):
            print(line)
        if judge_run.kept_back:
            print(f"not asked about: {by_kind(judge_run.kept_back)}")
    for line in summary.run_cost(outcome, judge_run.usage, judge_run.budget):
        say(line)
    say(f"Next: {make_command('dpo' if outcome.open_gates else 'label', owner_id)}")
