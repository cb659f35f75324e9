"""The figures of a calibration: counts and rates, and no text. What is unknown is None, never 0."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from align.judging.gate import JudgeGate
from align.statistics import Interval
from align.store.ids import canonical_json


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval, and of how many cases it is."""

    share: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True)
class Calibration:
    """What the owner's choices say of a judge."""

    cases: int  # choices
    ties: int  # of those, how many name both or neither: half a hit, whatever the verdict
    imported: int  # of those, how many were chosen elsewhere
    prompts: int  # their prompts
    verdicts: int  # cases with the same winner both ways round
    hits: float  # of those, how many name the owner's winner
    accuracy: float | None  # hits of verdicts
    interval: Interval | None  # Wilson's, 95 %, of the independent verdicts that these are worth
    effective: float  # how many those are
    coverage: float | None  # verdicts of cases
    kappa: float | None  # Cohen's, of the verdicts where the owner names a winner
    abstentions: dict[str, int]  # by kind
    problems: dict[str, int]  # single answers that could not be used, by kind
    swap: Rate | None  # of cases with a winner in each order, how often the two differ
    slot: Rate | None  # how often the answer shown first wins, of all single answers with a winner
    longer: Rate | None  # how often a verdict takes the longer answer
    owner_longer: float | None  # how often the owner does, on the same pairs
    by_certainty: dict[str, Rate]  # how many agree; `unstated` are those that name no certainty
    rule: str | None  # what the best simple rule takes, as picked on the other folds
    rule_accuracy: (
        float | None
    )  # how often it agrees, on the pairs with a verdict; half where it is torn
    self_agreement: Rate | None  # how often the owner answers as before, on the same pairs
    attempts: int  # how many judges were tried, this one included
    gate: JudgeGate  # the decision

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them: counts and rates, and no text or id."""
        figures: dict[str, Any] = json.loads(canonical_json(asdict(self)))
        return figures
