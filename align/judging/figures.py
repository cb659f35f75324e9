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
    """What the owner's choices say of a judge."""

    cases: int  # choices with a winner
    prompts: int  # their prompts
    verdicts: int  # cases with the same winner both ways round
    counted: int  # verdicts at the certainties picked on the other folds
    hits: int  # of those, how many name the owner's winner
    accuracy: float | None  # hits of counted
    # Wilson's, 95 %, of the independent verdicts that the counted ones are worth
    interval: Interval | None
    effective: float  # how many those are
    coverage: float | None  # counted of cases
    kappa: float | None  # Cohen's, of the counted verdicts
    abstentions: dict[str, int]  # by kind
    problems: dict[str, int]  # single answers that could not be used, by kind
    swap: Rate | None  # of cases with a winner in each order, how often the two differ
    slot: Rate | None  # how often the answer shown first wins, of all single answers with a winner
    longer: Rate | None  # how often a verdict takes the longer answer
    owner_longer: float | None  # how often the owner does, on the same pairs
    by_certainty: dict[str, AtCertainty]  # of all verdicts; `unstated` are those that name none
    # how often the longer answer is the owner's, on the counted pairs; answers of equal length
    # count half
    longer_accuracy: float | None
    difference: float | None  # accuracy above that of the longer answer
    difference_interval: Interval | None  # its bootstrap interval over prompts, 95 %
    self_agreement: Rate | None  # how often the owner answers as before
    # the lowest certainty that counts, by fold, as picked on the other folds
    picked: tuple[Certainty, ...]
    attempts: int  # how many judges were tried, this one included
    gate: JudgeGate  # the decision

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them: counts and rates, and no text or id."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> Self:
        """Return the calibration that `to_json` wrote."""
        values = dict(figures)
        for name in ("swap", "slot", "longer", "self_agreement"):
            values[name] = _rate_from(values[name])
        for name in ("interval", "difference_interval"):
            values[name] = None if values[name] is None else Interval(*values[name])
        values["by_certainty"] = {
            name: AtCertainty(Rate(**at["accuracy"]), _rate_from(at["longer"]))
            for name, at in values["by_certainty"].items()
        }
        values["picked"] = tuple(values["picked"])
        gate = dict(values["gate"])
        gate["certainties"] = tuple(gate["certainties"])
        values["gate"] = JudgeGate(**gate)
        return cls(**values)


def _rate_from(figures: Mapping[str, Any] | None) -> Rate | None:
    return None if figures is None else Rate(**figures)


def _plain(value: Any) -> Any:
    """Return what JSON has: rates by name, intervals as two numbers."""
    if isinstance(value, Rate | AtCertainty):
        return _plain(value._asdict())
    if isinstance(value, JudgeGate):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
