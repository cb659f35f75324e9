"""The scorecard: what was measured, as rows that a table, a file and a test can read."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

Better = Literal["higher", "lower", "as the owner", "no lower", "no higher"]


@dataclass(frozen=True)
class Match:
    """How often one checkpoint won over another, and who says so."""

    first: str
    second: str
    by: str
    wins: float
    ties: float
    losses: float
    rate: float | None
    low: float | None
    high: float | None

    @property
    def in_words(self) -> str:
        """Say what the match shows."""
        if self.low is None or self.high is None:
            return "nothing to compare"
        if self.low <= 0.5 <= self.high:
            return "inside the noise"
        return f"{self.first} wins" if self.low > 0.5 else f"{self.second} wins"


@dataclass(frozen=True)
class Step:
    """A measure's change from one checkpoint to the next, with its 95 % interval.

    `neutral` is the value that means no change: 0 for a difference, 1 for a ratio.
    """

    before: str
    after: str
    change: float
    low: float
    high: float
    neutral: float = 0.0

    @property
    def is_noise(self) -> bool:
        """Tell whether no change at all would explain it."""
        return self.low <= self.neutral <= self.high


@dataclass(frozen=True)
class Measure:
    """One measure of every checkpoint; what was not measured is absent."""

    name: str
    better: Better
    values: dict[str, float]
    owner: float | None = None
    steps: tuple[Step, ...] = ()
    meaning: str = ""

    def in_words(self) -> str:
        """Say what each step did."""
        return "; ".join(f"{step.after}: {self._change(step)}" for step in self.steps)

    def _change(self, step: Step) -> str:
        if step.is_noise:
            return "inside the noise"
        rose = step.change > step.neutral
        if self.better == "as the owner":
            if self.owner is None:
                return "rose" if rose else "fell"
            before = abs(self.values[step.before] - self.owner)
            after = abs(self.values[step.after] - self.owner)
            return "nearer to the owner" if after < before else "further from the owner"
        return "better" if rose == (self.better in ("higher", "no lower")) else "worse"


@dataclass(frozen=True)
class HabitRow:
    """One habit's rate for the owner and each checkpoint; `counts` where it is in the distance."""

    name: str
    unit: str
    meaning: str
    owner: float
    values: dict[str, float]
    counts: bool = True


@dataclass(frozen=True)
class Sample:
    """One prompt and what each checkpoint answered."""

    prompt: str
    answers: dict[str, str]


@dataclass(frozen=True)
class Judge:
    """What the voice judge is worth: whose texts it knows, how well it tells the owner's apart."""

    against: str
    weak: bool
    cap: float
    cap_from: str
    separation: float | None
    topic_binds: bool
    repetition_bound: float
    owner_texts: int
    other_texts: int


@dataclass(frozen=True)
class Scorecard:
    """The results of one evaluation."""

    owner: str
    # Column -> checkpoint's name and hash; columns in the order of training.
    checkpoints: dict[str, dict[str, str]]
    prompts: int
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    judge: Judge
    matches: tuple[Match, ...]
    measures: tuple[Measure, ...]
    habits: tuple[HabitRow, ...]
    samples: tuple[Sample, ...]
    # How often the longer of the last two answers is the judge's too, of how many decided.
    longer_agrees: tuple[int, int] = (0, 0)
    inputs: str = ""
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def match(self, first: str, second: str, by: str) -> Match | None:
        """Return a match by its parts, or None."""
        wanted = (first, second, by)
        matches = (m for m in self.matches if (m.first, m.second, m.by) == wanted)
        return next(matches, None)

    def measure(self, name: str) -> Measure | None:
        """Return a measure by its name, or None where it was not taken."""
        return next((measure for measure in self.measures if measure.name == name), None)

    def to_json(self) -> str:
        """Return the scorecard as JSON; unknown values are null or absent, never 0."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Scorecard:
    """Return the scorecard that `to_json` wrote; ValueError where it is none."""
    return TypeAdapter(Scorecard).validate_json(text)
