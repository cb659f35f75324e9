"""The summary of a session: one table, and the command that comes next."""

from align.choices.arena import contests
from align.choices.tally import tally
from align.console import say
from align.statistics import median
from align.store.acts import owner_decisions
from align.store.choices import arena_choices
from labeler.pair_sources import PairSource
from labeler.progress import FEW_LEFT
from labeler.session import Decision, Session

Row = tuple[str, str]


def summarise(session: Session, source: PairSource, *, arena: bool) -> None:
    """Print what a session brought, how the owner chooses, and which command comes next."""
    rows = [("This session", _session(session))]
    if session.given and any(session.checkpoints()):
        rows.append(("Twins", ", ".join(session.checkpoints())))
    in_all = f"{session.answered:,} of {session.total:,} pairs answered in {source.keeper}"
    rows.append(("In all", in_all))
    if left_out := session.left_out:
        rows.append(("Not asked", ", ".join(f"{n:,} {why}" for why, n in sorted(left_out.items()))))
    for line in tally(owner_decisions(source.conn, "arena" if arena else "train")).words():
        label, _, words = line.partition(": ")
        rows.append((label.capitalize(), words))
    if arena:
        rows += [("Arena", contest.words()) for contest in contests(arena_choices(source.conn))]
    if session.left < FEW_LEFT:
        rows.append(("Left", f"{session.left} pairs. {source.more}"))
    steps = [] if arena else source.next_steps(session)
    width = max(len(label) for label, _ in rows)
    for label, words in rows:
        say(f"{label:>{width}}: {words}")
    for step in steps:
        say(step)


def _session(session: Session) -> str:
    """Return what was done in a session; with what stood before it comes to what stands in all."""
    given = session.given
    answers = [decision for decision in given if decision.is_answer]
    # Of a pair that comes back the first answer counts, and a rewrite takes its place.
    firsts = [a for a in answers if a.repeat_of is None and a.id not in session.changed]
    pairs = {answer.pair_id: answer.outcome for answer in firsts}
    decisive = sum(outcome in ("a", "b", "rewrite") for outcome in pairs.values())
    more = {
        "answered again": sum(d.repeat_of is not None and d.kind != "skip" for d in given),
        "changed": sum(answer.id in session.changed for answer in answers),
    }
    also = "".join(f", {n} {what}" for what, n in more.items() if n)
    skips = sum(decision.kind == "skip" for decision in given)
    winners = f"{len(pairs)} answered ({decisive} with a winner)"
    return f"{winners}{also}, {skips} skipped{_pace(answers)}"


def _pace(answers: list[Decision]) -> str:
    times = [decision.ms for decision in answers if decision.ms is not None]
    return f", median {median(times) / 1000:.1f} s a pair" if times else ""
