"""Calibration: how far a judge agrees with the owner's own choices. Pure.

Cross-fitted: each fold of choices counts at the certainties that were picked on the other folds,
so no choice helps to pick what it measures. What is unknown is None, never 0.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from align.choices.verdicts import (
    CERTAINTIES,
    Certainty,
    Judgement,
    PairVerdict,
    Side,
    from_certainty,
    passes,
    verdict_of,
)
from align.judging.figures import AtCertainty, Calibration, Rate
from align.judging.gate import Evidence, decide, effective_cases, lower_bound, weight_of, z_of
from align.statistics import Interval, bootstrap, cohen_kappa, wilson

# The owner's choices are cut by prompt: a judge that answers for one fold is shown examples of the
# other three only, so that each choice can both teach and measure.
FOLDS = 4
UNSTATED = "unstated"
MISSING = "missing"


class Case(NamedTuple):
    """A choice of the owner's, and what the judge answered to the pair."""

    pair_id: str  # the pair
    prompt_id: str  # what folds are cut by
    fold: int  # 0 to 3
    chosen: Side  # the owner's winner
    longer: Side | None  # the answer with more text; None where they are equal
    ab: Judgement | None  # with `a` shown first; None without an answer
    ba: Judgement | None  # with `b` shown first


class JudgedCase(NamedTuple):
    """A case and its verdict."""

    case: Case
    verdict: PairVerdict

    @property
    def is_hit(self) -> bool:
        """Whether the verdict names the owner's winner."""
        return self.verdict.winner == self.case.chosen


def fold_of(prompt_id: str) -> int:
    """Return a prompt's fold, 0 to 3, which depends on nothing but the prompt.

    New choices never move old ones, so no question of a fold has to be asked again.
    """
    digest = hashlib.sha256(f"judging fold {prompt_id}".encode()).digest()
    # 256 is a multiple of 4: every fold is equally likely.
    return digest[0] % FOLDS


def calibrate(
    cases: Iterable[Case], *, self_agreement: tuple[int, int] | None, attempts: int
) -> Calibration:
    """Hold a judge against the owner's choices, and decide whether its verdicts count.

    `self_agreement` has the answers as before and the pairs asked again, `attempts` the judges that
    were tried for this owner, this one included.

    Raises:
        ValueError: A pair comes twice, or a prompt lies in two folds.
    """
    # By id, so that the figures do not depend on the order in which answers came.
    ordered = sorted(cases, key=lambda case: case.pair_id)
    _check(ordered)
    judged = [JudgedCase(case, verdict_of(case.ab, case.ba)) for case in ordered]
    verdicts = [case for case in judged if case.verdict.winner is not None]
    z = z_of(attempts)
    picked = tuple(pick([j for j in judged if j.case.fold != fold], z) for fold in range(FOLDS))
    counted = [j for j in verdicts if _counts(j, picked[j.case.fold])]
    evidence, difference, spread = _against_longer(len(judged), counted)
    accuracy = _share(evidence.hits, len(counted))
    unequal = [j for j in verdicts if j.case.longer is not None]
    return Calibration(
        cases=len(judged),
        prompts=len({case.prompt_id for case in ordered}),
        verdicts=len(verdicts),
        counted=len(counted),
        hits=evidence.hits,
        accuracy=accuracy,
        interval=None if accuracy is None else wilson(
            accuracy * evidence.effective, evidence.effective
        ),
        effective=evidence.effective,
        coverage=_share(len(counted), len(judged)),
        kappa=cohen_kappa([j.verdict.winner for j in counted], [j.case.chosen for j in counted]),
        abstentions=_sorted(Counter(j.verdict.abstention for j in judged)),
        problems=_sorted(Counter(_problem(given) for c in ordered for given in (c.ab, c.ba))),
        swap=_swap(ordered),
        slot=_slot(ordered),
        longer=_rate(_taking_longer(unequal), len(unequal)),
        owner_longer=_share(sum(j.case.chosen == j.case.longer for j in unequal), len(unequal)),
        by_certainty=_by_certainty(verdicts),
        longer_accuracy=None if accuracy is None or difference is None else accuracy - difference,
        difference=difference,
        difference_interval=spread,
        self_agreement=None if self_agreement is None else _rate(*self_agreement),
        picked=picked,
        attempts=attempts,
        gate=decide(evidence, from_certainty(pick(judged, z)), attempts=attempts),
    )  # fmt: skip


def pick(judged: Sequence[JudgedCase], z: float) -> Certainty:
    """Return the lowest certainty at which verdicts count: what is worth most by these cases.

    The worth of a rule is its coverage times its weight squared. n labels flipped with chance e
    bound the error of what is learned from them by `sqrt(1 / n) / (1 - 2e)` (Chowdhury, Kini and
    Natarajan 2024, "Provably robust DPO"), so they are worth n (1 - 2e)^2 clean ones. Of rules
    worth the same the strictest: what was never seen is not let through. Where none is worth
    anything, all count, and the gate sees them all.
    """
    worths = {lowest: _worth(judged, lowest, z) for lowest in CERTAINTIES}
    best = max(worths.values())
    return [lowest for lowest in CERTAINTIES if worths[lowest] == best][-1] if best else "low"


def _worth(judged: Sequence[JudgedCase], lowest: Certainty, z: float) -> float:
    counted = [case for case in judged if _counts(case, lowest)]
    hits = sum(case.is_hit for case in counted)
    effective = effective_cases(_by_prompt(counted).values())
    bound = lower_bound(hits, len(counted), effective, z)
    return len(counted) / len(judged) * weight_of(bound) ** 2 if judged else 0.0


def _counts(judged: JudgedCase, lowest: Certainty) -> bool:
    verdict = judged.verdict
    return verdict.winner is not None and passes(verdict.certainty, from_certainty(lowest))


def _check(cases: Sequence[Case]) -> None:
    folds: dict[str, int] = {}
    for case in cases:
        if folds.setdefault(case.prompt_id, case.fold) != case.fold:
            raise ValueError(f"the prompt {case.prompt_id} lies in two folds")
    if len({case.pair_id for case in cases}) != len(cases):
        raise ValueError("a pair comes twice")


def _against_longer(
    choices: int, counted: Sequence[JudgedCase]
) -> tuple[Evidence, float | None, Interval | None]:
    """Return what the gate weighs, and by how much the judge is above the longer answer."""
    prompts = _by_prompt(counted)
    gains: defaultdict[str, float] = defaultdict(float)
    for judged in counted:
        gains[judged.case.prompt_id] += judged.is_hit - _longer_hits(judged.case)
    evidence = Evidence(
        choices=choices,
        verdicts=len(counted),
        hits=sum(hits for hits, _ in prompts.values()),
        effective=effective_cases(prompts.values()),
        ahead=sum(gain > 0 for gain in gains.values()),
        behind=sum(gain < 0 for gain in gains.values()),
    )
    if not counted:
        return evidence, None, None
    pairs = [(gains[prompt], cases) for prompt, (_, cases) in sorted(prompts.items())]

    def mean_gain(drawn: Sequence[float]) -> float:
        sample = [pairs[int(k)] for k in drawn]
        return math.fsum(gain for gain, _ in sample) / sum(cases for _, cases in sample)

    places = range(len(pairs))
    return evidence, mean_gain(places), bootstrap(places, mean_gain, seed=0)


def _longer_hits(case: Case) -> float:
    return 0.5 if case.longer is None else float(case.longer == case.chosen)


def _by_prompt(counted: Iterable[JudgedCase]) -> dict[str, tuple[int, int]]:
    """Return hits and verdicts of each prompt."""
    by_prompt: dict[str, tuple[int, int]] = {}
    for judged in counted:
        hits, cases = by_prompt.get(judged.case.prompt_id, (0, 0))
        by_prompt[judged.case.prompt_id] = hits + judged.is_hit, cases + 1
    return by_prompt


def _by_certainty(verdicts: Sequence[JudgedCase]) -> dict[str, AtCertainty]:
    by_certainty = {}
    for name in (*CERTAINTIES, UNSTATED):
        here = [j for j in verdicts if (j.verdict.certainty or UNSTATED) == name]
        unequal = [j for j in here if j.case.longer is not None]
        accuracy = _rate(sum(j.is_hit for j in here), len(here))
        if accuracy is not None:
            by_certainty[name] = AtCertainty(accuracy, _rate(_taking_longer(unequal), len(unequal)))
    return by_certainty


def _taking_longer(judged: Iterable[JudgedCase]) -> int:
    return sum(j.verdict.winner == j.case.longer for j in judged)


def _swap(cases: Iterable[Case]) -> Rate | None:
    both = [(_winner(case.ab), _winner(case.ba)) for case in cases]
    with_winners = [(ab, ba) for ab, ba in both if ab is not None and ba is not None]
    return _rate(sum(ab != ba for ab, ba in with_winners), len(with_winners))


def _slot(cases: Iterable[Case]) -> Rate | None:
    """Return how often the first one shown wins.

    The two answers to a pair hang together, so the interval is that of as many pairs.
    """
    firsts = answers = pairs = 0
    for case in cases:
        shown = [(_winner(case.ab), "a"), (_winner(case.ba), "b")]
        won = [winner == first for winner, first in shown if winner is not None]
        firsts, answers, pairs = firsts + sum(won), answers + len(won), pairs + bool(won)
    if not answers:
        return None
    interval = wilson(firsts / answers * pairs, pairs)
    assert interval is not None
    return Rate(firsts / answers, *interval, answers)


def _winner(judgement: Judgement | None) -> Side | None:
    if judgement is None or not judgement.is_scored or judgement.winner == "tie":
        return None
    return judgement.winner


def _problem(judgement: Judgement | None) -> str | None:
    if judgement is None:
        return MISSING
    return None if judgement.is_scored else judgement.problem or MISSING


def _sorted(counts: Mapping[Any, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(name for name in counts if name is not None)}


def _rate(count: int, cases: int) -> Rate | None:
    interval = wilson(count, cases)
    return None if interval is None else Rate(count / cases, *interval, cases)


def _share(count: int, cases: int) -> float | None:
    return count / cases if cases else None
