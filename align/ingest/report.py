"""What was ingested, as lines for a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from align.ingest.intake import Intake
from align.ingest.reasons import REASONS
from align.ingest.record_builder import Tally
from align.paths import project_root
from align.text.printable import printable

T = TypeVar("T")

_WIDEST = 44
# So many inputs of one kind in one folder have a line each.
_FEW = 3
# More problems than these are counted: the first ones tell what is the matter.
PROBLEMS = 20


def report(intake: Intake, *, dry_run: bool = False) -> Iterator[str]:
    """Yield what was read as what, what it holds, and what is left out of training and why."""
    yield from _inputs(intake)
    yield ""
    yield from _pieces(intake)
    new = sum(intake.splits.values())
    yield (
        f"{'Would store' if dry_run else 'Stored'}: {counted(intake.new, 'new record')}, "
        f"{intake.known:,} known; {intake.splits['evaluation']:,} of {new:,} new threads held out "
        "for evaluation"
    )
    left_out = _counted(_sum(tally.reasons for tally in intake.tallies))
    yield f"Left out of training: {left_out or 'nothing'}"
    if cut := _sum(tally.cut for tally in intake.tallies):
        yield "Cut or mended in documents: " + ", ".join(f"{n:,} {w}" for w, n in cut.most_common())
    if intake.duplicates:
        yield f"Copies in the whole store, left out too: {_counted(intake.duplicates)}"
    if intake.log.passed_over:
        yield from (printable(f"Passed over: {line}") for line in intake.log.passed_lines())


def counted(number: int, what: str) -> str:
    """Return `1 file` or `2 files`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _inputs(intake: Intake) -> Iterator[str]:
    lines = _grouped(intake)
    wide = max([12, *(len(reader) for reader, _ in lines)])
    yield f"{'read as':<{wide}} {'what':<{_WIDEST}} {'records':>9} {'yours':>9}  time"
    for (reader, title), tallies in lines.items():
        first = min((tally.first for tally in tallies if tally.first), default="")[:10]
        last = max((tally.last for tally in tallies if tally.last), default="")[:10]
        yield (
            f"{reader:<{wide}} {_short(title):<{_WIDEST}} {sum(t.records for t in tallies):>9,} "
            f"{sum(t.own for t in tallies):>9,}  "
            + (first if first == last else f"{first} to {last}")
        ).rstrip()


def _short(path: str) -> str:
    """Return the end of a path that has room in its column, from the root or from `~`."""
    for folder, name in ((project_root(), ""), (Path.home(), "~/")):
        if path.startswith(f"{folder}/"):
            path = f"{name}{path.removeprefix(f'{folder}/')}"
    return printable(path if len(path) <= _WIDEST else "…" + path[1 - _WIDEST :])


def _grouped(intake: Intake) -> dict[tuple[str, str], list[Tally]]:
    """Put the inputs of one kind in one tree into one line where they are many."""
    kinds = [(detected.reader.name, detected.inputs.tree.label) for detected in intake.inputs]
    counts = Counter(kinds)
    lines: dict[tuple[str, str], list[Tally]] = {}
    for detected, kind, tally in zip(intake.inputs, kinds, intake.tallies, strict=True):
        (reader, label), inputs = kind, detected.inputs
        title = inputs.title if inputs.title != reader else ""
        if not title:
            title = label if len(inputs.names) > 1 else inputs.place(inputs.names[0])
        lines.setdefault((reader, label if counts[kind] > _FEW else title), []).append(tally)
    return lines


def _pieces(intake: Intake) -> Iterator[str]:
    words = _sum(tally.words for tally in intake.tallies)
    yield f"{'source':<18}{'pieces':>9}{'your words':>12}  privacy"
    for (source, level), count in sorted(_sum(tally.pieces for tally in intake.tallies).items()):
        yield f"{source:<18}{count:>9,}{words[source, level]:>12,}  {level}"


def _sum(counts: Iterable[Counter[T]]) -> Counter[T]:
    return sum(counts, Counter())


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{n:,} {code}" for code, n in reasons.most_common() if code in REASONS)
