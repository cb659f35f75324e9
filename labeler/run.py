"""One session from a source of pairs: on a screen or in plain lines, with a summary at its end."""

import os
import sys
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Literal

from align.choices.tally import tally
from align.statistics import median
from align.store.acts import owner_decisions
from align.store.choices import arena_choices
from align.store.events import newest_event
from align.store.pairs import Purpose
from labeler.key_guard import TOO_SOON_MS
from labeler.pair_sources import PairSource
from labeler.progress import FEW_LEFT, Progress
from labeler.session import Decision, Session


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
    ask = f"{source.ask} {session.how_many()}" if source.says_how_many else source.ask
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


def summarise(session: Session, source: PairSource, *, arena: bool) -> None:
    """Print what a session brought, how the owner chooses, and which command comes next."""
    from align.choices.arena import contests  # not needed before the first pair
    from align.console import say

    given = session.given
    answers = [decision for decision in given if decision.is_answer]
    # Of a pair that comes back the first answer counts, and a rewrite takes its place.
    firsts = [a for a in answers if a.repeat_of is None and a.id not in session.changed]
    pairs = {answer.pair_id: answer.outcome for answer in firsts}
    changed = sum(answer.id in session.changed for answer in answers)
    decisive = sum(outcome in ("a", "b", "rewrite") for outcome in pairs.values())
    again = sum(decision.repeat_of is not None and decision.kind != "skip" for decision in given)
    skips = sum(decision.kind == "skip" for decision in given)
    asked_again = f", {again} answered again" if again else ""
    asked_again += f", {changed} changed" if changed else ""
    say(
        f"This session: {len(pairs)} answered ({decisive} with a winner){asked_again}, "
        f"{skips} skipped{_pace(answers)}."
    )
    if answers and any(session.checkpoints()):
        say(f"The answers came from: {', '.join(session.checkpoints())}.")
    say(f"In all: {session.answered} of {session.total} pairs answered in {source.keeper}.")
    for reason, n in sorted(session.left_out.items()):
        say(f"Not asked: {n} {reason}.")
    for line in tally(owner_decisions(source.conn, "arena" if arena else "train")).words():
        say(f"In all, {line}.")
    if arena:
        for contest in contests(arena_choices(source.conn)):
            say(f"Arena: {contest.words()}.")
    if session.left < FEW_LEFT:
        say(f"{session.left} pairs are left. {source.more}.")
    if arena:
        return
    for line in source.next_steps(session):
        say(line)


def _pace(answers: list[Decision]) -> str:
    times = [decision.ms for decision in answers if decision.ms is not None]
    return f", median {median(times) / 1000:.1f} s a pair" if times else ""
