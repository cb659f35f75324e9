"""The list of a preflight: one line a finding, each with a sign and a word."""

import json
import textwrap
from collections.abc import Mapping, Sequence

from align.text.printable import printable
from align.training.preflight.findings import Finding, Mark

Sections = Mapping[str, Sequence[Finding]]

_WORDS = {Mark.FINE: "ok", Mark.WARNING: "look", Mark.WRONG: "WRONG", Mark.UNKNOWN: "unknown"}
_COLOURS = {Mark.FINE: "32", Mark.WARNING: "33", Mark.WRONG: "31", Mark.UNKNOWN: "2"}
_MARK, _CHECK = 11, 11


def lines(sections: Sections, *, width: int = 100, colours: bool = False) -> list[str]:
    """Return the list as lines for a terminal.

    Args:
        sections: Findings by title.
        width: Columns.
        colours: Whether the marks are coloured; their words stand there anyway.
    """
    made: list[str] = []
    for title, findings in sections.items():
        made += [*([""] if made else []), printable(title)]
        for one in findings:
            made += _of_finding(one, width, colours)
    return [*made, "", verdict(sections)]


def verdict(sections: Sections) -> str:
    """Return the list in one sentence."""
    marks = [one.mark for findings in sections.values() for one in findings]
    wrong, worth = marks.count(Mark.WRONG), marks.count(Mark.WARNING)
    unknown = marks.count(Mark.UNKNOWN)
    parts = [f"{marks.count(Mark.FINE)} fine"]
    parts += [f"{worth} worth a look"] * bool(worth) + [f"{unknown} not known yet"] * bool(unknown)
    parts += [f"{wrong} wrong"] * bool(wrong)
    return ", ".join(parts) + ("." if wrong else ": nothing stands in the way.")


def as_json(sections: Sections) -> str:
    """Return the list as JSON: sections of {check, mark, found, remedy}."""
    values = {
        title: [{"check": one.check, "mark": one.mark.value, "found": one.found,
                 **({"remedy": one.remedy} if one.remedy else {})} for one in findings]
        for title, findings in sections.items()
    }  # fmt: skip
    return json.dumps(values, indent=2, ensure_ascii=False)


def is_wrong(sections: Sections) -> bool:
    """Return whether anything would stop a run."""
    return any(one.mark is Mark.WRONG for found in sections.values() for one in found)


def _of_finding(one: Finding, width: int, colours: bool) -> list[str]:
    mark = f"{one.mark.sign} {_WORDS[one.mark]}".ljust(_MARK)
    if colours:
        mark = f"\x1b[{_COLOURS[one.mark]}m{mark}\x1b[0m"
    indent = " " * (2 + _MARK + _CHECK)
    text = printable(one.found)
    wrapped = textwrap.wrap(text, max(40, width) - len(indent), break_on_hyphens=False) or [""]
    made = [f"  {mark}{one.check:<{_CHECK}}{wrapped[0]}", *(indent + rest for rest in wrapped[1:])]
    if one.remedy:
        # A command that can be pasted is never broken.
        made.append(f"{indent}-> {printable(one.remedy)}")
    return made
