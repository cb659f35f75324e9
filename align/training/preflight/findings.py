"""What checks found, fine, worth a look, wrong or not to be known yet, and the list of it."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from align.errors import UserError
from align.text.printable import printable


class Mark(Enum):
    """How a finding stands, as `align doctor --json` has it."""

    FINE = "ok"
    WARNING = "look"
    WRONG = "wrong"
    UNKNOWN = "unknown"


# The words stand there in colour or without.
_SHOWN = {
    Mark.FINE: "+ ok",
    Mark.WARNING: "! look",
    Mark.WRONG: "x WRONG",
    Mark.UNKNOWN: "? unknown",
}
_COLOURS = {Mark.FINE: "32", Mark.WARNING: "33", Mark.WRONG: "31", Mark.UNKNOWN: "2"}
_COLUMN = 11


@dataclass(frozen=True)
class Finding:
    """One line of the list."""

    check: str  # what was looked at, in a word or two
    mark: Mark
    text: str  # without a full stop
    remedy: str = ""  # what to do, where something is to be done

    def sentence(self) -> str:
        """Return it as a line's text."""
        return f"{self.check}: {self.text}." + (f" {self.remedy}." if self.remedy else "")


Sections = Mapping[str, Sequence[Finding]]  # by title


def fine(check: str, text: str) -> Finding:
    """Return that a check holds."""
    return Finding(check, Mark.FINE, text)


def look(check: str, text: str, remedy: str = "") -> Finding:
    """Return a warning, which stops nothing."""
    return Finding(check, Mark.WARNING, text, remedy)


def wrong(check: str, text: str, remedy: str = "") -> Finding:
    """Return what stops a run."""
    return Finding(check, Mark.WRONG, text, remedy)


def unknown(check: str, text: str, remedy: str = "") -> Finding:
    """Return what can't be known yet."""
    return Finding(check, Mark.UNKNOWN, text, remedy)


def no_tokens(base: str) -> Finding:
    """Return that tokens can't be counted before the base's tokenizer is here."""
    return unknown("tokens", f"known once {base} is here: its tokenizer is not here")


def of_error(check: str, error: UserError) -> Finding:
    """Return an error as the line of its check."""
    return wrong(check, f"{error.where}: {error.what}", error.remedy)


class PreflightError(UserError):
    """All that would stop a run, a line each."""

    def __init__(self, where: str, findings: Iterable[Finding]) -> None:
        lines = [f"{where}: {finding.sentence()}" for finding in findings]
        Exception.__init__(self, "\n".join(lines))
        self.where, self.what, self.remedy = where, "; ".join(lines), ""

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        """Pickle it as the plain error that it reads as."""
        return UserError, (self.where, self.what, self.remedy)


def lines(sections: Sections, *, width: int = 100, colours: bool = False) -> list[str]:
    """Return the list as lines for a terminal of so many columns."""
    made: list[str] = []
    for title, findings in sections.items():
        made += [*([""] if made else []), printable(title)]
        for finding in findings:
            made += _lines_of(finding, width, colours)
    return [*made, "", verdict(sections)]


def verdict(sections: Sections) -> str:
    """Return the list in one sentence."""
    marks = [finding.mark for findings in sections.values() for finding in findings]
    parts = [f"{marks.count(Mark.FINE)} fine"]
    for mark, words in (
        (Mark.WARNING, "worth a look"), (Mark.UNKNOWN, "not known yet"), (Mark.WRONG, "wrong"),
    ):  # fmt: skip
        parts += [f"{marks.count(mark)} {words}"] * (mark in marks)
    return ", ".join(parts) + ("." if Mark.WRONG in marks else ": nothing stands in the way.")


def as_json(sections: Sections) -> str:
    """Return the list as JSON: sections of {check, mark, found, remedy}."""
    values = {
        title: [{"check": finding.check, "mark": finding.mark.value, "found": finding.text,
                 **({"remedy": finding.remedy} if finding.remedy else {})} for finding in findings]
        for title, findings in sections.items()
    }  # fmt: skip
    return json.dumps(values, indent=2, ensure_ascii=False)


def is_wrong(sections: Sections) -> bool:
    """Return whether anything would stop a run."""
    return any(line.mark is Mark.WRONG for findings in sections.values() for line in findings)


def _lines_of(finding: Finding, width: int, colours: bool) -> list[str]:
    mark = _SHOWN[finding.mark].ljust(_COLUMN)
    if colours:
        mark = f"\x1b[{_COLOURS[finding.mark]}m{mark}\x1b[0m"
    indent = " " * (2 + 2 * _COLUMN)
    first, *rest = textwrap.wrap(
        printable(finding.text), max(40, width) - len(indent), break_on_hyphens=False
    ) or [""]
    made = [f"  {mark}{finding.check:<{_COLUMN}}{first}", *(indent + line for line in rest)]
    if finding.remedy:
        # A command that can be pasted is never broken.
        made.append(f"{indent}-> {printable(finding.remedy)}")
    return made
