"""One session from a source of pairs: on a screen or in plain lines, with a summary at its end."""

import os
import sys
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Literal

from align.store.acts import owner_decisions
from align.store.events import newest_event
from align.store.pairs import Purpose
from labeler.key_guard import TOO_SOON_MS
from labeler.pair_sources import PairSource
from labeler.progress import Progress
from labeler.session import Session


@dataclass(frozen=True)
class SessionOptions:
    """The options of a session, as on the command line."""

    order: str = "fresh"  # name of the queue's order
    seed: int | None = None  # of order and sides; None for the last session's
    limit: int | None = None  # number of answers after which to stop
    goal: int | None = None  # number of answers that the owner wants to give today
    plain: bool = False  # lines instead of a screen
    theme: Literal["dark", "light"] = "dark"  # of the screen
    too_soon_ms: int = TOO_SOON_MS  # for how long after a pair's frame no choice is taken
    arena: bool = False  # two checkpoints' answers to held-out prompts, to compare them

    @property
    def purpose(self) -> Purpose:
        """What the pairs that are asked serve."""
        return "arena" if self.arena else "train"


def run_session(source: PairSource, options: SessionOptions) -> None:
    """Ask the owner about the pairs of a source, and print a summary.

    Raises:
        KeyboardInterrupt: The owner stopped; all that was answered is kept.
    """
    session = Session(source.conn, order=options.order, seed=options.seed, purpose=options.purpose)
    try:
        stopped = _ask(session, source, options)
    except KeyboardInterrupt:
        stopped = True
        print(file=sys.stdout)
    from labeler.summary import summarise  # not needed before the first pair

    summarise(session, source, arena=options.arena)
    if stopped:
        raise KeyboardInterrupt


def _ask(session: Session, source: PairSource, options: SessionOptions) -> bool:
    """Ask until the owner stops; tell whether that was by Ctrl-C or a signal."""
    # By its counter, not by the time: a clock can be set.
    before = newest_event(source.conn)
    progress = Progress(
        session, lambda: owner_decisions(source.conn, options.purpose, before), options.goal
    )
    ask = f"{source.ask} {how_many(session)}" if source.says_how_many else source.ask
    why_plain = _why_no_screen()
    if options.plain or why_plain is not None:
        from labeler.plain import label

        for stream in (sys.stdin, sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # else a test's own
                stream.reconfigure(errors="replace")
        if why_plain and not options.plain:
            print(f"Lines instead of a screen: {why_plain}.", file=sys.stderr)
        progress.read_earlier()
        print(ask)
        label(session, progress, limit=options.limit)
        return False
    from labeler.app import LabelerApp

    app = LabelerApp(
        session,
        progress,
        source.keys,
        title=source.title,
        more=source.more,
        limit=options.limit,
        theme=options.theme,
        too_soon_ms=options.too_soon_ms,
        ask=ask,
    )
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
    return app.stopped


def how_many(session: Session) -> str:
    """Return how many of the pairs will be asked, and why the others won't, in a line."""
    session.compare_suspects()
    why = [f"{n:,} {reason}" for reason, n in sorted(session.left_out.items())]
    if session.answered:
        why.insert(0, f"{session.answered:,} answered already")
    words = f"{session.left:,} of {session.total:,} pairs will be asked"
    return words + (f" (not: {', '.join(why)})" if why else "")


def _why_no_screen() -> str | None:
    """Return why there can be no screen; empty where a pipe or --plain says so, None where can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    if not sys.stderr.isatty():
        return "it is drawn on stderr, which goes elsewhere"
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return f"TERM is {os.environ.get('TERM', 'not set')!r}"
    encoding = sys.stdout.encoding.lower().replace("-", "").replace("_", "")
    if encoding != "utf8":
        return f"this terminal takes {sys.stdout.encoding}, no UTF-8 (try LC_ALL=C.UTF-8)"
    return None
