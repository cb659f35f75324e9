"""What every benchmark shares: rows with targets, a table, and a JSON file of both."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes:
        name: What was measured.
        value: The figure; None where it could not be measured.
        unit: Of the value, like `s`.
        target: What it should be, like `<= 0.3`; empty where nothing was promised.
        holds: Whether it is; None without a target or a value.
    """

    name: str
    value: float | None
    unit: str = ""
    target: str = ""
    holds: bool | None = None


def at_most(name: str, value: float, limit: float, unit: str = "") -> Row:
    """Return a row whose value should not exceed `limit`."""
    return Row(name, value, unit, f"<= {limit:g}", value <= limit)


def at_least(name: str, value: float, limit: float, unit: str = "") -> Row:
    """Return a row whose value should reach `limit`."""
    return Row(name, value, unit, f">= {limit:g}", value >= limit)


def reported(name: str, value: float | None, unit: str = "") -> Row:
    """Return a row without a target."""
    return Row(name, value, unit)


def median_seconds(command: Sequence[str], repeats: int = 7, **environment: str) -> float:
    """Run a command some times, its output thrown away, and return the median of its seconds.

    One run before goes uncounted: it writes the bytecode and warms the disk's cache.
    """
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def table(rows: Iterable[Row]) -> str:
    """Write the rows as a Markdown table, readable in a terminal as well."""
    cells = [("figure", "measured", "target", "holds")]
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:,.4g} {row.unit}".strip()
        cells.append((row.name, value, row.target, {True: "yes", False: "NO", None: ""}[row.holds]))
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    lines = [
        f"| {' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True))} |" for line in cells
    ]
    lines.insert(1, f"|{'|'.join('-' * (w + 2) for w in widths)}|")
    return "\n".join(lines)


def machine() -> str:
    """Describe what it was measured on, as far as it matters."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def run(name: str, measure: Callable[[], Iterable[Row]], description: str | None) -> None:
    """Be the main of a benchmark: measure, print the table, and write JSON where asked."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args()
    write(name, list(measure()), options.json)


def write(name: str, rows: Sequence[Row], file: Path | None, *, on: str | None = None) -> None:
    """Print a benchmark's table, and write its rows as JSON where a file is named.

    Args:
        name: The benchmark's module.
        rows: What it measured.
        file: Where the rows go as well.
        on: What it was measured on, where that is more than `machine` says.
    """
    print(table(rows))
    if file:
        result = {
            "benchmark": name,
            "machine": on or machine(),
            "date": datetime.now(UTC).date().isoformat(),
            "rows": [asdict(row) for row in rows],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
