"""What a judge's answers in both orders come to: a verdict or an abstention. Pure."""

from typing import Literal, NamedTuple

Side = Literal["a", "b"]
Winner = Literal["a", "b", "tie"]
Certainty = Literal["low", "medium", "high"]
Abstention = Literal["swapped", "tie", "unscored"]
CERTAINTIES: tuple[Certainty, ...] = ("low", "medium", "high")
UNSTATED = "unstated"  # stands for the certainty of a verdict that names none


class Judgement(NamedTuple):
    """One answer of a judge, in the pair's own terms."""

    winner: Winner | None  # `a`, `b` or `tie`; None where it could not be understood
    certainty: Certainty | None = None  # as the judge puts it; None where it states none
    problem: str | None = None  # why there is no winner: `refused`, `truncated`, `malformed`, ..

    def turned(self) -> "Judgement":
        """Return the same for the pair with its answers exchanged."""
        other: dict[Winner, Winner] = {"a": "b", "b": "a", "tie": "tie"}
        return self if self.winner is None else self._replace(winner=other[self.winner])

    @property
    def is_scored(self) -> bool:
        """Whether the answer could be understood."""
        return self.winner is not None and self.problem is None


class PairVerdict(NamedTuple):
    """What a judge's two answers to a pair come to: a winner, or why there is none."""

    winner: Side | None  # the answer that won both ways round
    certainty: Certainty | None  # the lower of the two; None where either answer names none
    # `swapped` (the winner changed with the order), `tie` (an answer names neither), `unscored` (an
    # answer is missing or could not be understood)
    abstention: Abstention | None


def verdict_of(ab: Judgement | None, ba: Judgement | None) -> PairVerdict:
    """Return what a judge's answers about a pair come to: with `a` shown first, and with `b`.

    A model's choice can follow the place of an answer (Zheng et al. 2023, "Judging
    LLM-as-a-judge", section 3.4), so one order alone (the other is None) is no verdict.
    """
    if ab is None or ba is None or not ab.is_scored or not ba.is_scored:
        return PairVerdict(None, None, "unscored")
    if ab.winner == "tie" or ba.winner == "tie":
        return PairVerdict(None, None, "tie")
    if ab.winner != ba.winner:
        return PairVerdict(None, None, "swapped")
    assert ab.winner is not None
    return PairVerdict(ab.winner, _lower(ab.certainty, ba.certainty), None)


def _lower(first: Certainty | None, second: Certainty | None) -> Certainty | None:
    if first is None or second is None:
        return None
    return min(first, second, key=CERTAINTIES.index)
