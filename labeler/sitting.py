"""From an owner's name to a sitting: which store, which pairs, and what comes after."""

import statistics
import sys
from contextlib import closing

from align.console import say
from align.errors import UserError
from align.paths import checkpoints_dir
from align.selection import POLICIES
from align.store.connection import open_store
from labeler.history import Done
from labeler.plain import label
from labeler.sandbox import is_simulated, open_sandbox, sandbox_of
from labeler.session import Session

FEW_LEFT = 30


def sit(owner: str, *, order: str, seed: int | None, limit: int | None) -> None:
    """Put the owner's pairs to them, and say afterwards what was done and what comes next.

    Raises:
        UserError: There is no such order, no store, or no pair.
    """
    if order not in POLICIES:
        raise UserError(f"--order {order}", "no such order", f"Use {' or '.join(POLICIES)}")
    simulated = is_simulated(owner)
    with closing(open_sandbox(owner) if simulated else open_store(owner)) as conn:
        session = Session(conn, policy=order, seed=seed)
        if session.total == 0:
            raise UserError(f"owner {owner!r}", "no pairs to choose from", _more_pairs(owner))
        try:
            label(session, limit=limit)
        except KeyboardInterrupt:
            print(file=sys.stdout)
            summarise(session, owner)
            raise
        summarise(session, owner)


def summarise(session: Session, owner: str) -> None:
    """Say what this sitting brought and which command comes next."""
    answers = [done for done in session.given if done.outcome != "skip"]
    decisive = sum(done.outcome in ("a", "b") for done in answers)
    skips = len(session.given) - len(answers)
    pace = f", {_pace(answers)}" if answers else ""
    say(f"This sitting: {len(answers)} answered ({decisive} left or right), {skips} skipped{pace}.")
    if answers:
        say(f"The answers came from: {', '.join(session.checkpoints())}.")
    keeper = sandbox_of(owner) if is_simulated(owner) else owner
    say(f"In all: {session.answered} of {session.total} pairs answered in {keeper}'s store.")
    for reason, n in sorted(session.left_out.items()):
        say(f"Not asked: {n} {reason}.")
    if is_simulated(owner):
        say("The demo's own choices stay untouched. For a twin of your own:")
        say("    make ingest OWNER=me FROM=~/my-writing && make sft dpo OWNER=me")
        return
    if session.left < FEW_LEFT:
        say(f"{session.left} pairs are left. {_more_pairs(owner)}.")
    if session.answered:
        say(f"Next: {_training(owner)}")


def _pace(answers: list[Done]) -> str:
    return f"median {statistics.median(done.ms or 0 for done in answers) / 1000:.1f} s a pair"


def _trains_here(owner: str) -> bool:
    return (checkpoints_dir(owner) / "sft").exists()


def _more_pairs(owner: str) -> str:
    if is_simulated(owner) or _trains_here(owner):
        return f"More pairs: make sft sample OWNER={owner}"
    return (
        f"More pairs: make sft sample OWNER={owner}, or where another machine samples, there "
        f"make pack OWNER={owner} FOR=label and here make unpack OWNER={owner} FROM=that-file"
    )


def _training(owner: str) -> str:
    if _trains_here(owner):
        return f"make dpo OWNER={owner}"
    return f"make pack OWNER={owner} FOR=train (then on the other machine: make unpack, make dpo)"
