"""A sitting: from a place to a screen or plain lines."""

import os
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from align.choices.selection import POLICIES
from align.errors import UserError
from align.store.acts import owner_acts
from align.store.pairs import Purpose
from labeler.places import Place
from labeler.progress import Progress
from labeler.session import Session


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
        from labeler.summary import summarise  # nobody should wait for it before the first pair

        summarise(session, place, arena=wish.arena)
        if stopped:
            raise KeyboardInterrupt


def _ask(session: Session, place: Place, wish: Wish) -> bool:
    """Ask until the owner stops; tell whether that was by Ctrl-C or a signal."""
    progress = Progress(session, lambda: owner_acts(place.conn, wish.purpose), wish.goal)
    if wish.plain or not _has_screen():
        from labeler.plain import label

        progress.read_earlier()
        label(session, progress, limit=wish.limit)
        return False
    from labeler.app import LabelerApp

    app = LabelerApp(
        session,
        progress,
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
