"""What the owner's answers say of the owner: pace, habits, and agreement with themselves. Pure.

Unknown is None, never 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from align.statistics import Interval, median, wilson

# Who looks at a pair for longer was away: such times are left out of rates and medians.
PAUSE_MS = 120_000


@dataclass(frozen=True)
class Act:
    """One standing answer, rewrite, skip or repeat of the owner's.

    Attributes:
        outcome: `a`, `b`, `both`, `neither`, `rewrite` or `skip`.
        left_is: Which answer stood left, `a` or `b`; None where nobody wrote it down.
        ms: Milliseconds from showing the pair to the key; None where nobody measured.
        longer: The answer with more characters, `a` or `b`; None where they are equal.
        agrees: Of a pair that came back: whether it was answered as before. None otherwise.
        time: When, in UTC.
    """

    outcome: str
    left_is: str | None
    ms: int | None
    longer: str | None
    agrees: bool | None
    time: str


@dataclass(frozen=True)
class Tally:
    """The counts of many acts, and what they come to.

    Pairs that came back count in `repeats` and `agreed` only, and in the time that was spent.

    Attributes:
        answered: Answers and rewrites; a skip is none.
        decisive: Answers with a winner, rewrites included.
        both: Answers that both sound right.
        neither: Answers that neither does.
        rewritten: Rewrites.
        skipped: Skips.
        repeats: Pairs that came back and were answered again.
        agreed: Of those, how many as before.
        sided: Answers `a` or `b` of which it is known what stood left.
        lefts: Of those, how many took the left one.
        unequal: Answers `a` or `b` between answers of unequal length.
        longers: Of those, how many took the longer one.
        median_ms: Of an act; pauses are left out.
        decisive_per_minute: Decisive answers in the time that all acts took, pauses left out.
    """

    answered: int
    decisive: int
    both: int
    neither: int
    rewritten: int
    skipped: int
    repeats: int
    agreed: int
    sided: int
    lefts: int
    unequal: int
    longers: int
    median_ms: float | None
    decisive_per_minute: float | None

    @property
    def agreement(self) -> Interval | None:
        """The 95 % interval of how often the owner answers as before."""
        return wilson(self.agreed, self.repeats)

    @property
    def agreement_share(self) -> float | None:
        """How often the owner answered as before."""
        return _share(self.agreed, self.repeats)

    @property
    def left(self) -> Interval | None:
        """The 95 % interval of how often the owner takes the left answer."""
        return wilson(self.lefts, self.sided)

    @property
    def left_share(self) -> float | None:
        """How often the owner took the left answer."""
        return _share(self.lefts, self.sided)

    @property
    def longer(self) -> Interval | None:
        """The 95 % interval of how often the owner takes the longer answer."""
        return wilson(self.longers, self.unequal)

    @property
    def longer_share(self) -> float | None:
        """How often the owner took the longer answer."""
        return _share(self.longers, self.unequal)

    @property
    def both_share(self) -> float | None:
        """How many of the answers say that both sound right."""
        return _share(self.both, self.answered)

    @property
    def neither_share(self) -> float | None:
        """How many of the answers say that neither does."""
        return _share(self.neither, self.answered)

    @property
    def skip_share(self) -> float | None:
        """How many of the answers and skips are skips."""
        return _share(self.skipped, self.answered + self.skipped)

    def words(self) -> list[str]:
        """Return how the owner answers, a line each; what is not known is left out."""
        said = []
        if self.answered:
            shares = (
                ("both", self.both_share),
                ("neither", self.neither_share),
                ("skipped", self.skip_share),
            )
            known = [f"{share:.0%} {name}" for name, share in shares if share is not None]
            said.append(f"answers: {', '.join(known)}")
        if self.median_ms is not None:
            rate = self.decisive_per_minute
            winners = "" if rate is None else f"; {rate:.1f} with a winner a minute"
            said.append(f"pace: {self.median_ms / 1000:.1f} s in the middle{winners}")
        taken = [
            f"{name} in {share:.0%} ({interval.low:.0%} to {interval.high:.0%})"
            for name, share, interval in (
                ("the left one", self.left_share, self.left),
                ("the longer one", self.longer_share, self.longer),
            )
            if share is not None and interval is not None
        ]
        if taken:
            said.append(f"taken: {', '.join(taken)}")
        if self.agreement is not None and self.agreement_share is not None:
            low, high = self.agreement
            said.append(
                f"self-agreement: {self.agreement_share:.0%} ({low:.0%} to {high:.0%}), "
                f"{self.repeats:,} asked again"
            )
        return said


def tally(acts: Iterable[Act]) -> Tally:
    """Count acts; times over two minutes are pauses, left out of the median and the rate."""
    everything = list(acts)
    repeated = [act.agrees for act in everything if act.agrees is not None]
    first = [act for act in everything if act.agrees is None]
    outcomes = [act.outcome for act in first]
    picked = [act for act in first if act.outcome in ("a", "b")]
    sided = [act.outcome == act.left_is for act in picked if act.left_is is not None]
    unequal = [act.outcome == act.longer for act in picked if act.longer is not None]
    times = _times(everything)
    minutes = sum(times) / 60_000
    timed = sum(_is_decisive(act) and _is_timed(act) for act in first)
    skipped = outcomes.count("skip")
    return Tally(
        answered=len(outcomes) - skipped,
        decisive=sum(map(_is_decisive, first)),
        both=outcomes.count("both"),
        neither=outcomes.count("neither"),
        rewritten=outcomes.count("rewrite"),
        skipped=skipped,
        repeats=len(repeated),
        agreed=sum(repeated),
        sided=len(sided),
        lefts=sum(sided),
        unequal=len(unequal),
        longers=sum(unequal),
        median_ms=median(times) if times else None,
        decisive_per_minute=timed / minutes if minutes else None,
    )


def pace(acts: Sequence[Act], last: int = 20) -> float | None:
    """Return answers a minute, from the median time of the last decisions.

    Times over two minutes are pauses, and left out. None until there is one.

    Args:
        acts: Oldest first.
        last: How many of the newest acts count.
    """
    times = _times(acts[-last:])
    middle = median(times) if times else 0.0
    return 60_000 / middle if middle else None


def _times(acts: Iterable[Act]) -> list[int]:
    return [act.ms for act in acts if act.ms is not None and _is_timed(act)]


def _is_timed(act: Act) -> bool:
    return act.ms is not None and 0 <= act.ms <= PAUSE_MS


def _is_decisive(act: Act) -> bool:
    return act.outcome in ("a", "b", "rewrite")


def _share(cases: int, of: int) -> float | None:
    return cases / of if of else None
