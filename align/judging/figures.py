"""The figures of a calibration: counts and rates, and no text. What is unknown is None, never 0."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from align.choices.verdicts import Certainty
from align.judging.gate import JudgeGate
from align.statistics import Interval


class Rate(NamedTuple):
    """A share with its 95 % interval, and of how many cases it is."""

    share: float
    low: float
    high: float
    cases: int


class AtCertainty(NamedTuple):
    """The verdicts of one certainty: how many agree, how many take the longer answer."""

    accuracy: Rate
    longer: Rate | None


@dataclass(frozen=True)
class Calibration:
    """What the owner's choices say of a judge.

    Attributes:
        cases: Choices with a winner.
        prompts: Their prompts.
        verdicts: Cases with the same winner both ways round.
        counted: Verdicts at the certainties picked on the other folds.
        hits: Of those, how many name the owner's winner.
        accuracy: Hits of counted.
        interval: Wilson's, 95 %, of the independent verdicts that the counted ones are worth.
        effective: How many those are.
        coverage: Counted of cases.
        kappa: Cohen's, of the counted verdicts.
        abstentions: By kind.
        problems: Single answers that could not be used, by kind.
        swap: Of cases with a winner in each order, how often the two differ.
        slot: How often the answer shown first wins, of all single answers with a winner.
        longer: How often a verdict takes the longer answer.
        owner_longer: How often the owner does, on the same pairs.
        by_certainty: Of all verdicts; `unstated` are those that name none.
        longer_accuracy: How often the longer answer is the owner's, on the counted pairs; answers
            of equal length count half.
        difference: Accuracy above that of the longer answer.
        difference_interval: Its bootstrap interval over prompts, 95 %.
        self_agreement: How often the owner answers as before.
        picked: The lowest certainty that counts, by fold, as picked on the other folds.
        attempts: How many judges were tried, this one included.
        gate: The decision.
    """

    cases: int
    prompts: int
    verdicts: int
    counted: int
    hits: int
    accuracy: float | None
    interval: Interval | None
    effective: float
    coverage: float | None
    kappa: float | None
    abstentions: dict[str, int]
    problems: dict[str, int]
    swap: Rate | None
    slot: Rate | None
    longer: Rate | None
    owner_longer: float | None
    by_certainty: dict[str, AtCertainty]
    longer_accuracy: float | None
    difference: float | None
    difference_interval: Interval | None
    self_agreement: Rate | None
    picked: tuple[Certainty, ...]
    attempts: int
    gate: JudgeGate

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them: counts and rates, and no text or id."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> Self:
        """Return the calibration that `to_json` wrote."""
        found = dict(figures)
        for name in ("swap", "slot", "longer", "self_agreement"):
            found[name] = _rate_from(found[name])
        for name in ("interval", "difference_interval"):
            found[name] = None if found[name] is None else Interval(*found[name])
        found["by_certainty"] = {
            name: AtCertainty(Rate(**at["accuracy"]), _rate_from(at["longer"]))
            for name, at in found["by_certainty"].items()
        }
        found["picked"] = tuple(found["picked"])
        gate = dict(found["gate"])
        gate["certainties"] = tuple(gate["certainties"])
        found["gate"] = JudgeGate(**gate)
        return cls(**found)


def _rate_from(figures: Mapping[str, Any] | None) -> Rate | None:
    return None if figures is None else Rate(**figures)


def _plain(value: Any) -> Any:
    """Return what JSON has: rates by name, intervals as two numbers."""
    if isinstance(value, Rate | AtCertainty):
        return _plain(value._asdict())
    if isinstance(value, JudgeGate):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
