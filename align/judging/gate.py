"""The gate: whether a judge's verdicts count in training, and how much. Pure.

It opens where two things are shown on the owner's own choices: the judge is right more often than
chance, and more often than every simple rule on the same pairs. All must hold, so none of the
tests needs a correction for the others (intersection-union test: Berger 1982, "Multiparameter
hypothesis testing and acceptance sampling").
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from align.statistics import answers_to_settle, wilson

# Below that, the share of a lucky judge says nothing, and a fold has fewer than five choices.
MINIMUM = 20
# More choices than this narrow the interval by little, and cost as much.
MEASURED = 400
ERROR = 0.05  # that any attempt opens the gate to a judge that is no better than a coin
# How likely a coin may be to do as well against a simple rule, and by how much of its verdicts a
# judge must be ahead of it at least. A judge that is a simple rule, and tosses a coin in none or
# one of ten, opens the gate in at most 3 % of draws of 50 to 400 choices of owners who follow that
# rule, or another, in 55 to 80 %. Luck alone would not do: who takes the answer nearer to 27 words
# does beat "nearer to 25", by a little. The price: a judge that is right in 80 % opens the gate in
# 63 % of draws of 50 choices, and in 96 % of 100.
LUCK, MARGIN = 0.25, 0.05


class Rival(NamedTuple):
    """A simple rule beside the judge, on the pairs of the verdicts that count."""

    rule: str  # what it takes
    ahead: int  # prompts on which the judge does better
    behind: int  # prompts on which it does worse
    gain: float  # the judge's share of hits above the rule's

    @property
    def luck(self) -> float:
        """How likely a coin is to be ahead as often."""
        return luck(self.ahead, self.behind)

    @property
    def is_beaten(self) -> bool:
        """Whether the judge knows more than the rule."""
        return self.gain >= MARGIN and self.luck <= LUCK


class Evidence(NamedTuple):
    """What is known of a judge from the owner's choices."""

    choices: int  # choices with a winner that were put to the judge
    verdicts: int  # verdicts on choices
    hits: float  # of those, how many name the owner's winner; half of one where there is none
    effective: float  # how many independent verdicts they are worth
    rivals: tuple[Rival, ...]  # the simple rules
    by_certainty: Mapping[str, tuple[float, int]]  # hits and verdicts of each
    self_agreement: tuple[int, int] = (0, 0)  # answers as before, and pairs asked again
    abstention: str | None = None  # why most pairs have no verdict


@dataclass(frozen=True)
class JudgeGate:
    """Whether verdicts count, and how much."""

    is_open: bool  # whether any do
    # of a verdict by its certainty, where the owner's choice has 1; none where the gate is shut
    weights: dict[str, float]
    weight: float  # of a verdict on average; 0 where it is shut
    reason: str  # why, in a sentence without a full stop
    # about how many more choices would open a shut one at this rate; None where more would not help
    # as it stands, 0 where it is open
    more_choices: int | None
    z: float  # the normal quantile of the bound
    bound: float | None  # the share of hits that is sure; None without verdicts


def decide(evidence: Evidence, *, attempts: int) -> JudgeGate:
    """Open the gate, or shut it.

    `attempts` counts the judges that were tried for this owner, this one included.
    """
    z = z_of(attempts)
    bound = lower_bound(evidence.hits, evidence.verdicts, evidence.effective, z)
    weights = {
        certainty: weight
        for certainty, at in evidence.by_certainty.items()
        if (weight := weight_of(*at, evidence.self_agreement)) > 0
    }
    shut = _why_shut(evidence, bound)
    if shut is None and not weights:
        shut = "at no certainty does it agree with the owner more than chance"
    if shut is not None:
        more = _more_choices(evidence, bound, z)
        return JudgeGate(False, {}, 0.0, shut, more, z, bound)
    assert bound is not None
    share = evidence.hits / evidence.verdicts
    reason = f"it agrees with the owner in {share:.0%}, and surely in more than {bound:.1%}"
    counts = {certainty: evidence.by_certainty[certainty][1] for certainty in weights}
    mean = math.fsum(weights[c] * n for c, n in counts.items()) / sum(counts.values())
    return JudgeGate(True, weights, mean, reason, 0, z, bound)


def z_of(attempts: int) -> float:
    """Return the normal quantile of the bound, which keeps the error of all attempts below 5 %.

    Each judge that is tried is another chance to open the gate by luck, and a gate that was opened
    stays open while others are tried. So the k-th attempt gets 1 / (k (k + 1)) of the error, which
    add up to 1 (Bonferroni's inequality with unequal shares; Dunn 1961, "Multiple comparisons among
    means"). The same judge on more choices is no further attempt.
    """
    if attempts < 1:
        raise ValueError(f"{attempts} attempts")
    return NormalDist().inv_cdf(1 - ERROR / (attempts * (attempts + 1)))


def weight_of(hits: float, verdicts: int, self_agreement: tuple[int, int]) -> float:
    """Return the weight of a verdict, 0 to 1, where the owner's choice has 1.

    A label that is flipped with chance e weakens the gradient where DPO begins by 1 - 2e (compare
    Chowdhury, Kini and Natarajan 2024, "Provably robust DPO"): with q the share of hits, by
    2q - 1. The owner's choices are flipped too, and where they answer as before in a share s, by
    the root of 2s - 1; so the judge's own factor by theirs is (2q - 1) / (2s - 1). Both shares are
    smoothed: q by a hit and a miss (Laplace), s by ten pairs, of which nine were answered as
    before. An owner who is no surer than a coin corrects nothing.
    """
    again, asked = self_agreement
    judge = 2 * (hits + 1) / (verdicts + 2) - 1
    owner = 2 * (again + 9) / (asked + 10) - 1
    return min(1.0, max(0.0, judge / owner if owner > 0 else judge))


def lower_bound(hits: float, verdicts: int, effective: float, z: float) -> float | None:
    """Return the lower end of Wilson's interval of the share of hits; None without verdicts.

    The verdicts are worth `effective` independent ones; `z` is the normal quantile.
    """
    if not verdicts:
        return None
    interval = wilson(hits / verdicts * effective, effective, z)
    return None if interval is None else interval.low


def effective_cases(by_prompt: Iterable[tuple[float, int]]) -> float:
    """Return how many independent cases clustered ones are worth, by their design effect.

    That is the variance of the share, taken over prompts, by that of as many independent cases (Rao
    and Scott 1992, "A simple method for the analysis of clustered binary data"); never less than 1,
    since a smaller one is luck.
    """
    prompts = [(hits, cases) for hits, cases in by_prompt if cases]
    n = sum(cases for _, cases in prompts)
    share = sum(hits for hits, _ in prompts) / n if n else 0.0
    if share in (0.0, 1.0) or n == len(prompts):
        return float(n)
    between = math.fsum((hits - share * cases) ** 2 for hits, cases in prompts)
    return n / max(1.0, between / (n * share * (1 - share)))


def luck(ahead: int, behind: int) -> float:
    """Return how likely a coin is to come out ahead on at least as many of the differing prompts.

    The exact sign test (McNemar 1947, where each prompt has one pair): what both get right or both
    get wrong tells nothing of which is better.
    """
    n = ahead + behind
    ways = ways_so_far = 1
    for k in range(behind):
        ways = ways * (n - k) // (k + 1)
        ways_so_far += ways
    return ways_so_far / (1 << n)


def _why_shut(evidence: Evidence, bound: float | None) -> str | None:
    if evidence.choices < MINIMUM:
        return f"{evidence.choices} choices with a winner are too few; {MINIMUM} are needed"
    if bound is None:
        return f"it gives no verdict: {_NONE[evidence.abstention]}"
    share = evidence.hits / evidence.verdicts
    if bound <= 0.5:
        sure = ", no more than chance"
        if share > 0.5:
            sure = f", but surely only in {bound:.0%}: that may be chance"
        return f"it agrees with the owner in {share:.0%}{sure}"
    rival = _unbeaten(evidence)
    if rival is None:
        return None
    return (
        f"it knows no more than a rule, to take {rival.rule}: it is better on {rival.ahead} "
        f"prompts and worse on {rival.behind}"
    )


_NONE = {
    "swapped": "it does not say the same both ways round",
    "tie": "it says that neither sounds more like the owner",
    "unscored": "its answers could not be used",
    None: "no choice was put to it",
}


def _unbeaten(evidence: Evidence) -> Rival | None:
    """Return the rule that the judge is least ahead of, of those that it does not beat."""
    unbeaten = [rival for rival in evidence.rivals if not rival.is_beaten]
    return max(unbeaten, key=lambda rival: (rival.luck, -rival.gain), default=None)


def _more_choices(evidence: Evidence, bound: float | None, z: float) -> int | None:
    """Return about how many more choices would open the gate at the rates seen so far.

    None where it would take more than a judge is measured on.
    """
    choices, effective = evidence.choices, evidence.effective
    if choices < MINIMUM:
        return MINIMUM - choices
    if bound is None or 2 * evidence.hits <= evidence.verdicts:
        return None
    wanted = 0
    if bound <= 0.5:
        share = evidence.hits / evidence.verdicts
        cases = answers_to_settle(share * effective, effective, z)
        wanted = math.ceil((cases or 0) * choices / effective)
    for rival in evidence.rivals:
        if rival.is_beaten:
            continue
        if rival.gain < MARGIN or rival.ahead <= rival.behind:
            return None
        differing = rival.ahead + rival.behind
        prompts = answers_to_settle(rival.ahead, differing, NormalDist().inv_cdf(1 - LUCK))
        wanted = max(wanted, math.ceil((prompts or 0) * choices / differing))
    # The exact test can still doubt where its normal approximation is settled.
    wanted = max(1, wanted)
    return wanted if choices + wanted <= MEASURED else None
