"""Calibration: how far a judge agrees with the owner's own choices. Pure.

Cross-fitted: each fold of choices is judged with examples of the other folds, and held against the
simple rule that is best on them, so no choice helps to pick what it measures. What is unknown is
None, never 0.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from align.choices.verdicts import CERTAINTIES, UNSTATED, Judgement, PairVerdict, Side, verdict_of
from align.judging.figures import Calibration, Rate
from align.judging.gate import Evidence, Rival, decide, effective_cases
from align.judging.simple_rules import Rule, Shapes, longer, simple_rules
from align.statistics import cohen_kappa, wilson

# The owner's choices are cut by prompt: a judge that answers for one fold is shown examples of the
# other three only, so that each choice can both teach and measure.
FOLDS = 4
MISSING = "missing"


@dataclass(frozen=True)
class Case:
    """A choice of the owner's, and what the judge answered to the pair."""

    pair_id: str  # the pair
    prompt_id: str  # what folds are cut by
    fold: int  # 0 to 3
    chosen: Side | None  # the owner's winner; None where they named both or neither
    shapes: Shapes  # what simple rules see of the answers
    ab: Judgement | None  # with `a` shown first; None without an answer
    ba: Judgement | None  # with `b` shown first
    is_imported: bool = False  # whether it was chosen elsewhere

    @cached_property
    def verdict(self) -> PairVerdict:
        """What the answers come to."""
        return verdict_of(self.ab, self.ba)

    def hits(self, side: Side | None) -> float:
        """Return 1 for the owner's winner, 0 for the other; half where either names none."""
        return 0.5 if None in (side, self.chosen) else float(side == self.chosen)


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
    were tried for this owner, this one included. ValueError: a pair comes twice, or a prompt lies
    in two folds.
    """
    # By id, so that the figures do not depend on the order in which answers came.
    ordered = sorted(cases, key=lambda case: case.pair_id)
    _check(ordered)
    judged = [case for case in ordered if case.verdict.winner]
    decisive = [case for case in judged if case.chosen]
    unequal = [case for case in decisive if longer(case.shapes)]
    rule, lead, rivals = _against_rules(ordered, judged)
    evidence = _evidence(ordered, judged, rivals, self_agreement or (0, 0))
    accuracy = _share(evidence.hits, len(judged))
    return Calibration(
        cases=len(ordered),
        ties=len(ordered) - evidence.choices,
        imported=sum(case.is_imported for case in ordered),
        prompts=len({case.prompt_id for case in ordered}),
        verdicts=len(judged),
        hits=evidence.hits,
        accuracy=accuracy,
        interval=None if accuracy is None else wilson(
            accuracy * evidence.effective, evidence.effective
        ),
        effective=evidence.effective,
        coverage=_share(len(judged), len(ordered)),
        kappa=cohen_kappa([c.verdict.winner for c in decisive], [c.chosen for c in decisive]),
        abstentions=_sorted(Counter(case.verdict.abstention for case in ordered)),
        problems=_sorted(Counter(_problem(said) for c in ordered for said in (c.ab, c.ba))),
        swap=_swap(ordered),
        slot=_slot(ordered),
        longer=_rate(sum(c.verdict.winner == longer(c.shapes) for c in unequal), len(unequal)),
        owner_longer=_share(sum(c.chosen == longer(c.shapes) for c in unequal), len(unequal)),
        by_certainty={name: rate for name, at in evidence.by_certainty.items()
                      if (rate := _rate(*at))},
        rule=rule,
        rule_accuracy=None if accuracy is None else accuracy - lead,
        self_agreement=None if self_agreement is None else _rate(*self_agreement),
        attempts=attempts,
        gate=decide(evidence, attempts=attempts),
    )  # fmt: skip


def _check(cases: Sequence[Case]) -> None:
    folds: dict[str, int] = {}
    for case in cases:
        if folds.setdefault(case.prompt_id, case.fold) != case.fold:
            raise ValueError(f"the prompt {case.prompt_id} lies in two folds")
    if len({case.pair_id for case in cases}) != len(cases):
        raise ValueError("a pair comes twice")


def _evidence(
    cases: Sequence[Case],
    judged: Sequence[Case],
    rivals: tuple[Rival, ...],
    self_agreement: tuple[int, int],
) -> Evidence:
    """Return what the gate weighs."""
    of_prompts: dict[str, list[float]] = defaultdict(list)
    of_certainties: dict[str, list[float]] = {name: [] for name in (*CERTAINTIES, UNSTATED)}
    for case in judged:
        hits = case.hits(case.verdict.winner)
        of_prompts[case.prompt_id].append(hits)
        of_certainties[case.verdict.certainty or UNSTATED].append(hits)
    abstentions = Counter(case.verdict.abstention for case in cases)
    return Evidence(
        choices=sum(case.chosen is not None for case in cases),
        verdicts=len(judged),
        hits=math.fsum(map(math.fsum, of_prompts.values())),
        effective=effective_cases((math.fsum(hits), len(hits)) for hits in of_prompts.values()),
        rivals=rivals,
        by_certainty={
            c: (math.fsum(hits), len(hits)) for c, hits in of_certainties.items() if hits
        },
        self_agreement=self_agreement,
        abstention=abstentions.most_common(1)[0][0] if abstentions else None,
    )


def _against_rules(
    cases: Sequence[Case], judged: Sequence[Case]
) -> tuple[str | None, float, tuple[Rival, ...]]:
    """Return the best simple rule, by how much the judge is above it, and how it fares with all.

    The best one is picked for each fold on the others; the one named is that of most folds.
    """
    if not cases:
        return None, 0.0, ()
    rules = simple_rules(case.shapes for case in cases)
    best = [_best(rules, [case for case in cases if case.fold != fold]) for fold in range(FOLDS)]
    baseline = _rival("what simple rules say at their best", judged, [rules[name] for name in best])
    others = (_rival(name, judged, [rule] * FOLDS) for name, rule in rules.items())
    return Counter(best).most_common(1)[0][0], baseline.gain, (*others, baseline)


def _best(rules: Mapping[str, Rule], cases: Sequence[Case]) -> str:
    """Return the rule that agrees most with the owner; of as many the one that stands first."""
    return max(rules, key=lambda name: math.fsum(c.hits(rules[name](c.shapes)) for c in cases))


def _rival(rule: str, judged: Sequence[Case], by_fold: Sequence[Rule]) -> Rival:
    """Return how the judge fares beside a rule, by prompts."""
    gains: defaultdict[str, float] = defaultdict(float)
    for case in judged:
        of_rule = case.hits(by_fold[case.fold](case.shapes))
        gains[case.prompt_id] += case.hits(case.verdict.winner) - of_rule
    ahead, behind = (sum(sign * gain > 0 for gain in gains.values()) for sign in (1, -1))
    return Rival(rule, ahead, behind, math.fsum(gains.values()) / max(1, len(judged)))


def _swap(cases: Iterable[Case]) -> Rate | None:
    both = [(_winner(case.ab), _winner(case.ba)) for case in cases]
    differ = [ab != ba for ab, ba in both if ab and ba]
    return _rate(sum(differ), len(differ))


def _slot(cases: Iterable[Case]) -> Rate | None:
    """Return how often the first one shown wins.

    The two answers to a pair hang together, so the interval is that of as many pairs.
    """
    shown = [((_winner(case.ab), "a"), (_winner(case.ba), "b")) for case in cases]
    won = [[winner == first for winner, first in both if winner] for both in shown]
    share, pairs = _share(sum(map(sum, won)), sum(map(len, won))), sum(map(bool, won))
    interval = None if share is None else wilson(share * pairs, pairs)
    return interval and Rate(share or 0.0, *interval, sum(map(len, won)))


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


def _rate(count: float, cases: int) -> Rate | None:
    interval = wilson(count, cases)
    return None if interval is None else Rate(count / cases, *interval, cases)


def _share(count: float, cases: int) -> float | None:
    return count / cases if cases else None
