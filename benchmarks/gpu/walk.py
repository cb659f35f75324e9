"""One check after another, each ok, failed or skipped with its reason."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.gpu.ground import Ground, Skipped, hushed
from benchmarks.harness import Row

Measure = Callable[[Ground], Iterable[Row]]


@dataclass(frozen=True)
class Check:
    """A promise: its name, and what measures whether it is kept."""

    name: str
    measure: Measure


@dataclass(frozen=True)
class Outcome:
    """How a check went.

    Attributes:
        name: The check's.
        state: `ok`, `failed` or `skipped`.
        seconds: How long it took.
        reason: Why it failed or was skipped; empty else.
        rows: What it measured, also where it failed later.
    """

    name: str
    state: str
    seconds: float
    reason: str = ""
    rows: Sequence[Row] = field(default_factory=tuple)

    def line(self) -> str:
        """Return it as a line of the report."""
        said = f"{self.name:<34} {self.state:<8} {self.seconds:6.1f} s"
        return f"{said}  {self.reason}" if self.reason else said

    def recorded(self) -> list[Row]:
        """Return its rows under its name; one without a value where it could not measure."""
        named = [
            Row(f"{self.name}: {row.name}", row.value, row.unit, row.target, row.holds)
            for row in self.rows
        ]
        if self.state == "skipped":
            named.append(Row(f"{self.name} (skipped: {self.reason})", None))
        elif self.state == "failed" and all(row.holds is not False for row in self.rows):
            named.append(Row(f"{self.name} (failed: {self.reason})", None, "", "passes", False))
        return named


def walk(checks: Iterable[Check], ground: Ground, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Take every check, whatever became of those before it, and tell of each as it is done."""
    outcomes = []
    for check in checks:
        outcome = _take(check, ground)
        tell(outcome)
        outcomes.append(outcome)
    return outcomes


def _take(check: Check, ground: Ground) -> Outcome:
    started = time.monotonic()
    rows: list[Row] = []
    state, reason = "ok", ""
    try:
        measured = iter(check.measure(ground))
        while True:
            with hushed():
                row = next(measured, None)
            if row is None:
                break
            rows.append(row)
    except Skipped as skipped:
        state, reason = "skipped", str(skipped)
    except Exception as error:  # whatever breaks, the next check is taken
        lines = str(error).strip().splitlines()
        state, reason = "failed", f"{type(error).__name__}: {lines[0] if lines else ''}"
    missed = [row for row in rows if row.holds is False]
    if missed and state == "ok":
        first = missed[0]
        state, reason = "failed", f"{first.name}: {first.value:.4g}, should be {first.target}"
    ground.tidy()
    return Outcome(check.name, state, time.monotonic() - started, reason, tuple(rows))
