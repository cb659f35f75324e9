"""What an ingestion came to, as lines for a terminal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from align.ingest.detection import Taken
from align.ingest.intake import Intake
from align.ingest.reasons import REASONS
from align.ingest.taking import Tally
from align.levels import Level
from align.paths import project_root
from align.text.printable import printable

_WIDEST = 44
# As many exports of one kind in one folder have a line each.
_FEW = 3
# More problems than these are counted: the first ones tell what is the matter.
PROBLEMS = 20


def report(intake: Intake, *, dry_run: bool = False) -> Iterator[str]:
    """Yield what was taken for what, what it holds, and what is left out of training and why."""
    yield from _exports(intake.exports)
    yield ""
    yield from _pieces(intake)
    new = sum(intake.splits.values())
    yield (
        f"{'Would store' if dry_run else 'Stored'}: {counted(intake.new, 'new record')}, "
        f"{intake.known:,} known; {intake.splits['evaluation']:,} of {new:,} new threads held out "
        "for evaluation"
    )
    yield f"Left out of training: {_reasons(intake) or 'nothing'}"
    if intake.duplicates:
        yield f"Copies in the whole store, left out too: {_counted(intake.duplicates)}"
    if intake.notes.passed_over:
        passed = intake.notes.passed_over.most_common()
        yield "Passed over: " + printable(", ".join(f"{n:,} {what}" for what, n in passed))


def counted(number: int, what: str) -> str:
    """Return `1 file` or `2 files`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _exports(exports: list[tuple[Taken, Tally]]) -> Iterator[str]:
    lines = _grouped(exports)
    wide = max([12, *(len(reader) for reader, _ in lines)])
    yield f"{'read as':<{wide}} {'what':<{_WIDEST}} {'records':>9} {'yours':>9}  time"
    for (reader, named), tallies in lines.items():
        what = _short(named)
        first = min((tally.first for tally in tallies if tally.first), default="")[:10]
        last = max((tally.last for tally in tallies if tally.last), default="")[:10]
        yield (
            f"{reader:<{wide}} {what:<{_WIDEST}} {sum(t.records for t in tallies):>9,} "
            f"{sum(t.own for t in tallies):>9,}  "
            + (first if first == last else f"{first} to {last}")
        ).rstrip()


def _short(path: str) -> str:
    """Return the end of a path that has room in its column, from the root or from `~`."""
    shown = path
    for folder, name in ((project_root(), ""), (Path.home(), "~/")):
        if shown.startswith(f"{folder}/"):
            shown = f"{name}{shown.removeprefix(f'{folder}/')}"
    return printable(shown if len(shown) <= _WIDEST else "…" + shown[1 - _WIDEST :])


def _grouped(exports: list[tuple[Taken, Tally]]) -> dict[tuple[str, str], list[Tally]]:
    """Put the exports of one kind in one tree into one line where they are many."""
    together = Counter((taken.reader.name, taken.export.tree.label) for taken, _ in exports)
    lines: dict[tuple[str, str], list[Tally]] = {}
    for taken, tally in exports:
        export = taken.export
        named = export.title if export.title != taken.reader.name else ""
        what = named or export.place(export.names[0])
        if len(export.names) > 1 and not named:
            what = export.tree.label
        if together[taken.reader.name, export.tree.label] > _FEW:
            what = export.tree.label
        lines.setdefault((taken.reader.name, what), []).append(tally)
    return lines


def _pieces(intake: Intake) -> Iterator[str]:
    pieces: Counter[tuple[str, Level]] = Counter()
    words: Counter[tuple[str, Level]] = Counter()
    for _, tally in intake.exports:
        pieces += tally.pieces
        words += tally.words
    yield f"{'source':<18}{'pieces':>9}{'your words':>12}  privacy"
    for (source, level), count in sorted(pieces.items()):
        yield f"{source:<18}{count:>9,}{words[source, level]:>12,}  {level}"


def _reasons(intake: Intake) -> str:
    reasons: Counter[str] = Counter()
    for _, tally in intake.exports:
        reasons += tally.reasons
    return _counted(reasons)


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{n:,} {code}" for code, n in reasons.most_common() if code in REASONS)
