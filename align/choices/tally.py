"""How the owner answers: pace, habits, and agreement with themselves. Pure.

Unknown is None, never 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from align.statistics import Interval, median, wilson

# Who looks at a pair for longer was away: such times are left out of rates and medians.
PAUSE_MS = 120_000


@dataclass(frozen=True)
class DecisionRow:
    """One current answer, rewrite, skip or repeat of the owner's."""

    outcome: str  # `a`, `b`, `both`, `neither`, `rewrite` or `skip`
    left_is: str | None  # which answer stood left, `a` or `b`; None where unknown
    ms: int | None  # milliseconds from showing the pair to the key; None where unknown
    longer: str | None  # the answer with more characters, `a` or `b`; None where they are equal
    # Of a pair that came back: whether it was answered as before. None otherwise.
    agrees: bool | None
    time: str  # when, in UTC


class Share(NamedTuple):
    """How many of some cases are so."""

    n: int  # those that are
    of: int  # all cases

    @property
    def value(self) -> float | None:
        """The share, None of no cases."""
        return self.n / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the share, None of no cases."""
        return wilson(self.n, self.of)

    def words(self) -> str:
        """Return the share with its interval; empty of no cases."""
        value, interval = self.value, self.interval
        if value is None or interval is None:
            return ""
        return f"{value:.0%} ({interval.low:.0%} to {interval.high:.0%})"


@dataclass(frozen=True)
class Tally:
    """The counts of many decisions, and what they come to.

    Pairs that came back count in `agreed` only, and in the time that was spent.
    """

    decisive: int  # answers with a winner, rewrites included
    both: Share  # of all answers and rewrites, those that both sound right
    neither: Share  # of the same, those that neither does
    skipped: Share  # of these and the skips, the skips
    agreed: Share  # of pairs that came back and were answered again, those answered as before
    lefts: Share  # of answers `a` or `b` of which it is known what stood left, those that took it
    longers: Share  # of answers `a` or `b` between answers of unequal length, those for the longer
    median_ms: float | None  # of a decision; pauses are left out
    # Decisive answers in the time that all decisions took, pauses left out.
    decisive_per_minute: float | None

    @property
    def answered(self) -> int:
        """Answers and rewrites; a skip is none."""
        return self.both.of

    def words(self) -> list[str]:
        """Return how the owner answers, a line each; what is not known is left out."""
        lines = []
        if self.answered:
            shares = {"both": self.both, "neither": self.neither, "skipped": self.skipped}
            words = ", ".join(f"{share.value:.0%} {name}" for name, share in shares.items())
            lines.append(f"answers: {words}")
        if self.median_ms is not None:
            rate = self.decisive_per_minute
            winners = "" if rate is None else f"; {rate:.1f} with a winner a minute"
            lines.append(f"pace: {self.median_ms / 1000:.1f} s in the middle{winners}")
        habits = {"the left one": self.lefts, "the longer one": self.longers}
        if words := ", ".join(f"{name} in {s.words()}" for name, s in habits.items() if s.of):
            lines.append(f"taken: {words}")
        if self.agreed.of:
            lines.append(f"self-agreement: {self.agreed.words()}, {self.agreed.of:,} asked again")
        return lines


def tally(rows: Iterable[DecisionRow]) -> Tally:
    """Count decisions; times over two minutes are pauses, left out of the median and the rate."""
    everything = list(rows)
    repeated = [row.agrees for row in everything if row.agrees is not None]
    first = [row for row in everything if row.agrees is None]
    outcomes = [row.outcome for row in first]
    skipped = outcomes.count("skip")
    answered = len(outcomes) - skipped
    picked = [row for row in first if row.outcome in ("a", "b")]
    times = _times(everything)
    minutes = sum(times) / 60_000
    timed = sum(_is_decisive(row) and _is_timed(row) for row in first)
    return Tally(
        decisive=sum(map(_is_decisive, first)),
        both=Share(outcomes.count("both"), answered),
        neither=Share(outcomes.count("neither"), answered),
        skipped=Share(skipped, len(outcomes)),
        agreed=_share(repeated),
        lefts=_share([a.outcome == a.left_is for a in picked if a.left_is is not None]),
        longers=_share([a.outcome == a.longer for a in picked if a.longer is not None]),
        median_ms=median(times) if times else None,
        decisive_per_minute=timed / minutes if minutes else None,
    )


def _times(rows: Iterable[DecisionRow]) -> list[int]:
    return [row.ms for row in rows if row.ms is not None and _is_timed(row)]


def _is_timed(row: DecisionRow) -> bool:
    return row.ms is not None and 0 <= row.ms <= PAUSE_MS


def _is_decisive(row: DecisionRow) -> bool:
    return row.outcome in ("a", "b", "rewrite")


def _share(cases: Sequence[bool]) -> Share:
    return Share(sum(cases), len(cases))
