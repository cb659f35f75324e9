"""The gate: whether a judge's verdicts count in training, and how much. Pure.

It opens where two things are shown on the owner's own choices: the judge is right more often than
chance, and more often than taking the longer answer on the same pairs. Both must hold, so neither
test needs a correction for the other (intersection-union test: Berger 1982, "Multiparameter
hypothesis testing and acceptance sampling").
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from align.choices.verdicts import Certainty
from align.statistics import answers_to_settle, wilson

# Below that, the share of a lucky judge says nothing, and a fold has fewer than five choices.
MINIMUM = 20
ERROR = 0.05  # that any attempt opens the gate to a judge that is no better than a coin
# How likely a coin may be to do as well against the longer answer. Were it enough to be ahead, a
# judge that takes the longer answer, and tosses a coin in one of ten, would open the gate in 3 to
# 10 % of draws of 50 to 200 choices of an owner who likes long answers in 62 %; at 0.2 in 1 to 4 %.
# The price: a judge that is right in 80 % opens it in 68 % of draws of 50 such choices, not in
# 83 %; at 0.05 it would in 39 %. (The judges are those of tests/judging/cases.py.)
LUCK = 0.2


class Evidence(NamedTuple):
    """What is known of a judge from the owner's choices."""

    choices: int  # choices with a winner that were put to the judge
    verdicts: int  # verdicts on them that count
    hits: int  # of those, how many name the owner's winner
    effective: float  # how many independent verdicts they are worth
    ahead: int  # prompts on which the judge does better than the longer answer
    behind: int  # prompts on which it does worse


@dataclass(frozen=True)
class JudgeGate:
    """Whether verdicts count, and how much."""

    is_open: bool  # whether any do
    certainties: tuple[Certainty, ...]  # those at which a verdict counts; none where it is shut
    weight: float  # of a verdict, where the owner's choice has 1; 0 where it is shut
    reason: str  # why, in a sentence without a full stop
    # about how many more choices would open a shut one at this rate; None where more would not help
    # as it stands, 0 where it is open
    more_choices: int | None
    z: float  # the normal quantile of the bound
    bound: float | None  # the share of hits that is sure; None without verdicts


def decide(evidence: Evidence, certainties: tuple[Certainty, ...], *, attempts: int) -> JudgeGate:
    """Open the gate, at these certainties, or shut it.

    `attempts` counts the judges that were tried for this owner, this one included.
    """
    z = z_of(attempts)
    bound = lower_bound(evidence.hits, evidence.verdicts, evidence.effective, z)
    shut = _why_shut(evidence, bound)
    if shut is not None:
        more = _more_choices(evidence, bound, z)
        return JudgeGate(False, (), 0.0, shut, more, z, bound)
    assert bound is not None
    share = evidence.hits / evidence.verdicts
    reason = f"it agrees with the owner in {share:.0%}, and surely in more than {bound:.1%}"
    return JudgeGate(True, certainties, weight_of(bound), reason, 0, z, bound)


def z_of(attempts: int) -> float:
    """Return the normal quantile of the bound, which keeps the error of all attempts below 5 %.

    Each judge, model and prompt that is tried is another chance to open the gate by luck. A gate
    that was opened stays open while others are tried, so the k-th attempt can't share the error out
    anew; it gets 1 / (k (k + 1)) of it. These shares add up to 1, however many attempts follow, and
    bound the chance that any of them opens wrongly, whatever they have in common (Bonferroni's
    inequality with unequal shares; Dunn 1961, "Multiple comparisons among means"). The first
    attempt has half of it, 2.5 %, and with it the usual 1.96.

    The same judge on more choices is no further attempt: its newest calibration replaces the older
    ones, so an opening by luck does not last: measured at each 20 choices up to 200, a coin has the
    gate open at some time in 6 % of draws, and at the end in 1 %.
    """
    if attempts < 1:
        raise ValueError(f"{attempts} attempts")
    return NormalDist().inv_cdf(1 - ERROR / (attempts * (attempts + 1)))


def weight_of(bound: float | None) -> float:
    """Return the weight of a verdict from the share of hits that is sure.

    A label that is flipped with chance e, whatever the pair, gives `-sigmoid(-m) + e` for the
    derivative of `-log sigmoid(m)` by the margin m, on average: at m = 0, where DPO begins,
    (1 - 2e) times the clean one. A step on it is worth as much less, and 1 - 2e is twice the
    share of hits, less 1. The lower bound stands for that share, so that fewer choices count
    less; the owner's own slips, which make a judge look worse than it is, are not taken out.
    Compare Chowdhury, Kini and Natarajan 2024, "Provably robust DPO", whose bound has the same
    factor.
    """
    return 0.0 if bound is None else max(0.0, 2 * bound - 1)


def lower_bound(hits: int, verdicts: int, effective: float, z: float) -> float | None:
    """Return the lower end of Wilson's interval of the share of hits; None without verdicts.

    The verdicts are worth `effective` independent ones; `z` is the normal quantile.
    """
    if not verdicts:
        return None
    interval = wilson(hits / verdicts * effective, effective, z)
    return None if interval is None else interval.low


def effective_cases(by_prompt: Iterable[tuple[int, int]]) -> float:
    """Return how many independent cases clustered ones are worth, by their design effect.

    Pairs of one prompt, of which hits and cases are given, may be easy or hard together. The design
    effect is the variance of the share, taken over prompts, by that of as many independent cases;
    never less than 1, since a smaller one is luck.

    Source: Rao and Scott 1992, "A simple method for the analysis of clustered binary data".
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
        return "none of its verdicts counts: it does not say the same both ways round"
    if bound <= 0.5:
        share = evidence.hits / evidence.verdicts
        if share <= 0.5:
            return f"it agrees with the owner in {share:.0%}, no more than chance"
        return (
            f"it agrees with the owner in {share:.0%}, but surely only in {bound:.0%}: that may "
            "be chance"
        )
    if luck(evidence.ahead, evidence.behind) > LUCK:
        return (
            "it does not beat taking the longer answer: it is better on "
            f"{evidence.ahead} prompts and worse on {evidence.behind}"
        )
    return None


def _more_choices(evidence: Evidence, bound: float | None, z: float) -> int | None:
    """Return about how many more choices would open the gate at the rates seen so far."""
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
    differing = evidence.ahead + evidence.behind
    if luck(evidence.ahead, evidence.behind) > LUCK:
        if evidence.ahead <= evidence.behind:
            return None
        prompts = answers_to_settle(evidence.ahead, differing, NormalDist().inv_cdf(1 - LUCK))
        wanted = max(wanted, math.ceil((prompts or 0) * choices / differing))
    # The exact test can still doubt where its normal approximation is settled.
    return max(1, wanted)
