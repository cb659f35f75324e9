"""A sitting: from a place to a screen or plain lines, and what is said afterwards."""

import os
import statistics
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from align.arena import Contest, contests
from align.console import say
from align.errors import UserError
from align.selection import POLICIES
from align.store.acts import owner_acts
from align.store.pairs import Purpose
from align.tally import Tally, tally
from labeler.places import Place
from labeler.progress import FEW_LEFT, Progress
from labeler.session import Session
from labeler.session.history import Done


@dataclass(frozen=True)
class Wish:
    """How the owner wants to sit.

    Attributes:
        order: Name of a selection policy.
        seed: Of order and sides; None for the last sitting's.
        limit: Number of answers after which to stop.
        goal: Number of answers that the owner wants to give today.
        plain: Lines instead of a screen.
        theme: Of the screen.
        arena: Two checkpoints' answers to held-out prompts, to compare them.
    """

    order: str = "fresh"
    seed: int | None = None
    limit: int | None = None
    goal: int | None = None
    plain: bool = False
    theme: Literal["dark", "light"] = "dark"
    arena: bool = False

    @property
    def purpose(self) -> Purpose:
        """What the pairs that are asked serve."""
        return "arena" if self.arena else "train"


def sit(place: Place, wish: Wish) -> None:
    """Put the pairs of a place to the owner, and say what was done and what comes next.

    Raises:
        UserError: There is no such order, or no pair.
        KeyboardInterrupt: The owner stopped; all that was answered is kept.
    """
    if wish.order not in POLICIES:
        raise UserError(f"--order {wish.order}", "no such order", f"Use {' or '.join(POLICIES)}")
    with closing(
        Session(place.conn, policy=wish.order, seed=wish.seed, purpose=wish.purpose)
    ) as session:
        if session.total == 0:
            if wish.arena:
                raise UserError(place.title, "no pairs for the arena", place.arena)
            raise UserError(place.title, "no pairs to choose from", place.more)
        stopped = False
        try:
            stopped = _ask(session, place, wish)
        except KeyboardInterrupt:
            stopped = True
            print(file=sys.stdout)
        summarise(session, place, wish)
        if stopped:
            raise KeyboardInterrupt


def _ask(session: Session, place: Place, wish: Wish) -> bool:
    """Ask until the owner stops; tell whether that was by Ctrl-C or a signal."""
    if wish.plain or not _has_screen():
        from labeler.plain import label

        label(session, limit=wish.limit)
        return False
    from labeler.app import LabelerApp

    app = LabelerApp(
        session,
        Progress(session, lambda: owner_acts(place.conn, wish.purpose), wish.goal),
        place.keys,
        title=place.title,
        more=place.more,
        limit=wish.limit,
        theme=wish.theme,
    )
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
    return app.stopped


def _has_screen() -> bool:
    return (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
    )


def summarise(session: Session, place: Place, wish: Wish) -> None:
    """Say what this sitting brought and which command comes next."""
    answers = [done for done in session.given if done.outcome != "skip"]
    decisive = sum(done.outcome in ("a", "b", "rewrite") for done in answers)
    skips = len(session.given) - len(answers)
    pace = f", {_pace(answers)}" if answers else ""
    say(f"This sitting: {len(answers)} answered ({decisive} with a winner), {skips} skipped{pace}.")
    if answers and any(session.checkpoints()):
        say(f"The answers came from: {', '.join(session.checkpoints())}.")
    say(f"In all: {session.answered} of {session.total} pairs answered in {place.keeper}.")
    for reason, n in sorted(session.left_out.items()):
        say(f"Not asked: {n} {reason}.")
    for line in habits(tally(owner_acts(place.conn, wish.purpose))):
        say(line)
    if wish.arena:
        for contest in contests(place.conn):
            say(result(contest))
        return
    if session.left < FEW_LEFT:
        say(f"{session.left} pairs are left. {place.more}.")
    for line in place.afterwards(session):
        say(line)


def habits(figures: Tally) -> list[str]:
    """Return what all sittings say of how the owner chooses, a line each; nothing unknown."""
    lines = []
    if figures.agreement is not None:
        low, high = figures.agreement
        lines.append(
            f"Of {figures.repeats} pairs that came back you answered "
            f"{figures.agreement_share:.0%} as before ({low:.0%} to {high:.0%})."
        )
    shares = []
    for name, share, interval in (
        ("left", figures.left_share, figures.left),
        ("longer", figures.longer_share, figures.longer),
    ):
        if share is not None and interval is not None:
            shares.append(
                f"the {name} one in {share:.0%} ({interval.low:.0%} to {interval.high:.0%})"
            )
    return [*lines, f"You took {', '.join(shares)}."] if shares else lines


def result(contest: Contest) -> str:
    """Return what the arena says so far of two checkpoints, in a line."""
    low, high = contest.interval
    said = (
        f"{contest.first} over {contest.second}: {contest.rate:.0%} ({low:.0%} to {high:.0%}), "
        f"{contest.wins} won, {contest.ties} tied, {contest.losses} lost"
    )
    if contest.to_settle is None:
        return f"{said}. Even: no number of answers settles that."
    if contest.to_settle:
        return f"{said}. About {contest.to_settle} more prompts at this rate would settle it."
    return f"{said}. Settled: the interval leaves out one half."


def _pace(answers: list[Done]) -> str:
    return f"median {statistics.median(done.ms or 0 for done in answers) / 1000:.1f} s a pair"
