"""What is said when a sitting ends: what it brought, how the owner chooses, what comes next."""

from align.choices.arena import contests
from align.choices.tally import tally
from align.console import say
from align.statistics import median
from align.store.acts import owner_acts
from labeler.places import Place
from labeler.progress import FEW_LEFT
from labeler.session import Done, Session


def summarise(session: Session, place: Place, *, arena: bool) -> None:
    """Say what this sitting brought and which command comes next."""
    answers = [done for done in session.given if done.outcome != "skip"]
    decisive = sum(done.outcome in ("a", "b", "rewrite") for done in answers)
    skips = len(session.given) - len(answers)
    say(
        f"This sitting: {len(answers)} answered ({decisive} with a winner), "
        f"{skips} skipped{_pace(answers)}."
    )
    if answers and any(session.checkpoints()):
        say(f"The answers came from: {', '.join(session.checkpoints())}.")
    say(f"In all: {session.answered} of {session.total} pairs answered in {place.keeper}.")
    for reason, n in sorted(session.left_out.items()):
        say(f"Not asked: {n} {reason}.")
    for line in tally(owner_acts(place.conn, "arena" if arena else "train")).words():
        say(f"In all, {line}.")
    if arena:
        for contest in contests(place.conn):
            say(f"Arena: {contest.words()}.")
        return
    if session.left < FEW_LEFT:
        say(f"{session.left} pairs are left. {place.more}.")
    for line in place.afterwards(session):
        say(line)


def _pace(answers: list[Done]) -> str:
    times = [done.ms for done in answers if done.ms is not None]
    return f", median {median(times) / 1000:.1f} s a pair" if times else ""
