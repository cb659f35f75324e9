"""The arena: how often one checkpoint beats another before the owner's own eyes.

`both` and `neither` are ties, and so is a rewrite: neither answer was good enough. Ties count
half. Answers to one prompt are no independent cases, so each prompt counts once, with the mean of
its answers.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from align.choices.selection import checkpoint_number
from align.statistics import Interval, answers_to_settle, wilson


class ArenaChoice(NamedTuple):
    """What the owner chose between two checkpoints' answers to a prompt."""

    prompt_id: str
    outcome: str
    name_a: str
    name_b: str
    hash_a: str
    hash_b: str


@dataclass(frozen=True)
class Contest:
    """How the owner chose between two checkpoints' answers."""

    first: str  # the newer checkpoint's name
    second: str  # the older one's
    wins: int  # answers that take the first one's
    ties: int  # answers that take neither one's
    losses: int  # answers that take the second one's
    points: tuple[float, ...]  # by prompt, from 0 (the second won) to 1 (the first did)

    @property
    def rate(self) -> float:
        """Return the first one's win rate."""
        return fmean(self.points)

    @property
    def interval(self) -> Interval:
        """Return Wilson's 95 % interval of the win rate."""
        interval = wilson(sum(self.points), len(self.points))
        assert interval is not None
        return interval

    @property
    def to_settle(self) -> int | None:
        """Return how many more prompts, at this rate, until the interval leaves one half out.

        0 where it does; None where the rate is one half, which no number of answers settles.
        """
        return answers_to_settle(sum(self.points), len(self.points))

    def words(self) -> str:
        """Return the standing of the contest, in a line."""
        low, high = self.interval
        more = self.to_settle
        if more is None:
            settled = "even so far"
        else:
            settled = f"about {more:,} more would settle it" if more else "settled"
        return (
            f"{self.first} over {self.second} {self.rate:.0%} ({low:.0%} to {high:.0%}), "
            f"{len(self.points):,} prompts; {settled}"
        )


def contests(choices: Iterable[ArenaChoice]) -> list[Contest]:
    """Return each two checkpoints between which the owner chose in the arena, newest first."""
    points: defaultdict[tuple[str, str], defaultdict[str, list[float]]]
    points = defaultdict(lambda: defaultdict(list))
    names: dict[str, str] = {}
    for prompt, outcome, name_a, name_b, hash_a, hash_b in choices:
        names |= {hash_a: name_a, hash_b: name_b}
        # Names alone don't tell checkpoints apart that two machines numbered alike.
        newer, older = sorted((hash_a, hash_b), key=lambda h: (_age(names[h]), h), reverse=True)
        won = {"a": hash_a, "b": hash_b}.get(outcome)
        points[newer, older][prompt].append(0.5 if won is None else float(won == newer))
    results = []
    for (newer, older), by_prompt in points.items():
        every = list(chain.from_iterable(by_prompt.values()))
        results.append(
            Contest(
                names[newer],
                names[older],
                wins=every.count(1.0),
                ties=every.count(0.5),
                losses=every.count(0.0),
                points=tuple(map(fmean, by_prompt.values())),
            )
        )
    return sorted(results, key=lambda c: (_age(c.first), _age(c.second)), reverse=True)


def _age(name: str) -> tuple[int, str]:
    return checkpoint_number(name), name
