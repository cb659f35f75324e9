"""What a check found: fine, worth a look, wrong, or not to be known yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from align.errors import UserError


class Mark(Enum):
    """How a finding stands; the value is the word that is shown beside its sign."""

    FINE = "ok"
    WARNING = "look"
    WRONG = "wrong"
    UNKNOWN = "unknown"

    @property
    def sign(self) -> str:
        """Return one character for it."""
        return {"ok": "+", "look": "!", "wrong": "x", "unknown": "?"}[self.value]


@dataclass(frozen=True)
class Finding:
    """One line of the list."""

    check: str  # what was looked at, in a word or two
    mark: Mark  # how it stands
    found: str  # what was found, without a full stop
    remedy: str = ""  # what to do, where something is to be done


def fine(check: str, found: str) -> Finding:
    """Return that a check holds."""
    return Finding(check, Mark.FINE, found)


def look(check: str, found: str, remedy: str = "") -> Finding:
    """Return a warning, which stops nothing."""
    return Finding(check, Mark.WARNING, found, remedy)


def wrong(check: str, found: str, remedy: str = "") -> Finding:
    """Return what stops a run."""
    return Finding(check, Mark.WRONG, found, remedy)


def unknown(check: str, found: str, remedy: str = "") -> Finding:
    """Return what can't be known yet."""
    return Finding(check, Mark.UNKNOWN, found, remedy)


def of_error(check: str, error: UserError) -> Finding:
    """Return an error as the line of its check."""
    return wrong(check, f"{error.where}: {error.what}", error.remedy)


class PreflightError(UserError):
    """All that would stop a run, a line each."""

    def __init__(self, where: str, findings: Iterable[Finding]) -> None:
        lines = [
            f"{where}: {one.check}: {one.found}." + (f" {one.remedy}." if one.remedy else "")
            for one in findings
        ]
        Exception.__init__(self, "\n".join(lines))
        self.where, self.what, self.remedy = where, "; ".join(lines), ""

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        """Pickle it as the plain error that it reads as."""
        return UserError, (self.where, self.what, self.remedy)
