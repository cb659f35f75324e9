"""`align questions`: the questions that passages of the owner's documents answer."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from align.console import make_command, say
from align.errors import UserError
from align.paths import relative_to_root
from align.text.printable import printable

if TYPE_CHECKING:
    from align.claude.budget import Budget
    from align.conversations.question_writing.claude_writer import Outcome
    from align.models.checkpoints import Checkpoint

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Questions that passages of the owner's documents answer, in the owner's own words.",
)
OWNER = typer.Option(help="Whose documents.")
MODEL, BUDGET_USD = "claude-haiku-5-5", 1.0
RECIPE = typer.Option(
    help="Whose base: a name in recipes/; else the twin's, or the smallest real one.",
    show_default=False,
)
WRITTEN = {"question": "questions", "plain": "plain wordings"}
NONE_WAITS = "No passage waits for a question."


@app.command("list")
def list_questions(
    owner: Annotated[str, OWNER] = "demo",
    left_out: Annotated[
        bool,
        typer.Option("--left-out", help="Those that a model found unanswered, and only those."),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="How many at most.", min=1)] = None,
) -> None:
    """Show each question as the training would ask it, and the passage that answers it."""
    from align.conversations.questions.passage_questions import exchanges, plain_exchanges
    from align.levels import TRAINABLE
    from align.owner import load_owner
    from align.store.connection import open_store
    from align.store.questions import iter_questions
    from align.store.records import iter_records

    conn = open_store(owner)
    if left_out:
        unanswered = (q for q in iter_questions(conn) if q.left_out is not None)
        for question in islice(unanswered, limit):
            place = f"{question.start}-{question.stop}"
            fields = (question.record_id, place, question.left_out or "", question.question)
            print(printable("\t".join(fields)))
        return
    language = load_owner(owner).language
    documents = iter_records(conn, split="train", kind="document", is_owner=True, levels=TRAINABLE)
    answered = (
        exchange
        for record in list(documents)
        for exchange in chain(exchanges(conn, record, language), plain_exchanges(conn, record))
    )
    for exchange in islice(answered, limit):
        print(f"\n{printable(exchange.question)}\n  {_beginning(exchange.passage.text)}")


@app.command()
def write(
    owner: Annotated[str, OWNER] = "demo",
    by: Annotated[
        Literal["base", "claude", "rule"],
        typer.Option(
            help="Who writes; the recipe's base weighs what it or Claude wrote. rule goes with "
            "--as plain: notes of content words, for a base too small to say a text plainly."
        ),
    ] = "base",
    kind: Annotated[
        Literal["question", "plain"],
        typer.Option(
            "--as",
            help="What the base writes: a question; or plain, what the passage says without the "
            "owner's voice, with the request to say it as they would.",
        ),
    ] = "question",
    recipe: Annotated[str, RECIPE] = "",
    drawn: Annotated[
        int, typer.Option(help="Questions drawn for a passage; 0: only rules, weighed.", min=0)
    ] = 4,
    limit: Annotated[int | None, typer.Option(help="Passages at most.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the base's draws.")] = 0,
    model: Annotated[str | None, typer.Option(help=f"Which Claude; else {MODEL}.")] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(min=0.0, help="What Claude may cost, in US dollars: a hard stop; else 1."),
    ] = None,
    yes_send: Annotated[
        bool, typer.Option("--yes-send", help="Agree to the terms that are shown, for scripts.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write what would be sent; send nothing.")
    ] = False,
) -> None:
    """Write what passages answer, questions or plain wordings, and weigh it by the recipe's base.

    The base writes on this machine, and nothing leaves it. `mix` in owner.yaml weighs `questions`,
    `plain` and the documents themselves against each other. Claude is shown passages of open
    documents only, redacted, and only if you agree. Without either the questions come by rule,
    from titles, headings and first sentences. It can be stopped at any time and goes on where it
    was.
    """
    of_claude = {"--model": model, "--budget-usd": budget_usd}
    of_claude |= {"--yes-send": yes_send or None, "--dry-run": dry_run or None}
    _refuse(by, kind, drawn, [name for name, value in of_claude.items() if value is not None])
    if by == "rule":
        _by_rule(owner, limit)
    elif by == "base":
        _by_base(owner, recipe, drawn, limit, seed, kind)
    else:
        budget = BUDGET_USD if budget_usd is None else budget_usd
        _by_claude(owner, recipe, drawn, limit, model or MODEL, budget, yes_send, dry_run)


def _refuse(by: str, kind: str, drawn: int, of_claude: Sequence[str]) -> None:
    if kind == "plain" and (by == "claude" or not drawn):
        what = "Claude isn't asked for that, and the base draws it"
        raise UserError("--as plain", what, "Say --by base with --drawn 1 or more, or --by rule")
    if by == "rule" and kind != "plain":
        what = "questions by rule are made with the examples, and need no writing"
        raise UserError("--by rule", what, "Add --as plain, or leave it out")
    if by == "claude" and not drawn:
        raise UserError("--drawn 0", "Claude would be asked for nothing", "Say 1 or more")
    if by != "claude" and of_claude:
        what = "goes with --by claude only: the base sends nothing"
        raise UserError(", ".join(of_claude), what, "Add --by claude, or leave it out")


def _by_base(
    owner_id: str, recipe: str, drawn: int, limit: int | None, seed: int, kind: str
) -> None:
    from align.conversations.question_writing.base_writer import write_questions
    from align.conversations.questions.passage_questions import PLAIN_WRITER, open_passages
    from align.owner import load_owner
    from align.store.connection import open_store

    conn = open_store(owner_id)
    language = load_owner(owner_id).language
    base = _base(owner_id, recipe)
    writer = f"{PLAIN_WRITER if kind == 'plain' else 'model:'}{base.base.name}"
    passages = open_passages(conn, writer)[:limit]
    if not passages:
        print(NONE_WAITS)
        return
    from align.models.loading import load_model

    say(f"{base.base.name} writes {WRITTEN[kind]} for {len(passages):,} passages.")
    questions = list(
        write_questions(
            conn,
            load_model(base),
            passages,
            writer=writer,
            drawn=drawn,
            language=language,
            seed=seed,
        )
    )
    kept = sum(question.left_out is None for question in questions)
    _report(owner_id, WRITTEN[kind], kept, len(questions) - kept)


def _by_rule(owner_id: str, limit: int | None) -> None:
    from align.conversations.question_writing.base_writer import write_notes
    from align.conversations.questions.passage_questions import PLAIN_WRITER, open_passages
    from align.owner import load_owner, owner_file
    from align.store.connection import open_store

    if (language := load_owner(owner_id).language) != "en":
        where = relative_to_root(owner_file(owner_id))
        raise UserError(
            where, f"no notes are made of {language}, of English alone", "Say --by base"
        )
    conn = open_store(owner_id)
    written = write_notes(conn, open_passages(conn, f"{PLAIN_WRITER}rule")[:limit])
    _report(owner_id, WRITTEN["plain"], len(written), 0)


def _by_claude(
    owner_id: str,
    recipe: str,
    drawn: int,
    limit: int | None,
    model: str,
    budget_usd: float,
    yes_send: bool,
    dry_run: bool,
) -> None:
    import asyncio

    from align.claude.channel import (
        announcement,
        destination,
        obtain_consent,
        on_terminal,
        open_channel,
    )
    from align.claude.estimates import estimate
    from align.claude.requests import write_dry_run
    from align.conversations.question_writing.claude_writer import (
        PURPOSE,
        ClaudeWriter,
        usual_output,
        withheld_lines,
    )
    from align.owner import load_owner
    from align.privacy.private_text import PrivateText
    from align.store.connection import open_store

    conn, owner = open_store(owner_id), load_owner(owner_id)
    to = destination(owner_id, model, PURPOSE)
    writer = ClaudeWriter(conn, owner, model=model, drawn=drawn)
    detector = PrivateText(conn, owner, known=(writer.instructions,))
    passages, withheld = writer.requests(detector, limit)
    for line in withheld_lines(withheld):
        say(line)
    if not passages:
        print(NONE_WAITS)
        return
    requests = [passage.request for passage in passages]
    cost = estimate(requests, price=to.price, output=usual_output(drawn))
    for line in announcement(to, cost, budget_usd):
        say(line)
    if dry_run:
        say(write_dry_run(owner_id, PURPOSE, requests))
        return
    base = _base(owner_id, recipe)
    consent = obtain_consent(to, owner, yes=yes_send, ask=on_terminal(), show=say)
    from align.models.loading import load_model

    loaded = load_model(base)

    async def write() -> "tuple[Outcome, Budget]":
        async with open_channel(conn, to, detector, consent, budget_usd=budget_usd) as channel:
            return await writer.write(loaded, channel, passages), channel.budget

    outcome, budget = asyncio.run(write())
    _report(owner_id, WRITTEN["question"], outcome.kept, outcome.left_out, outcome.lines(budget))


def _base(owner_id: str, recipe: str) -> "Checkpoint":
    from align.models.checkpoints import resolve
    from align.recipe.recipe_file import read_recipe, recipe_path
    from align.training.recipe_family import recipe_for

    name = recipe_for(owner_id, recipe)
    return resolve(owner_id, "base", recipe=read_recipe(recipe_path(name, "sft"), "sft"))


def _report(
    owner_id: str, written: str, kept: int, left_out: int, more: Sequence[str] = ()
) -> None:
    """Print what was written, and say what comes next."""
    print(f"{written}: kept for {kept:,} passages; {left_out:,} answer none that was found")
    for line in more:
        say(line)
    say(f"See them: align questions list --owner {owner_id}. Next: {make_command('sft', owner_id)}")


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return printable(plain if len(plain) <= 100 else plain[:99] + "…")
