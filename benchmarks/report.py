"""Write docs/benchmarks.md from benchmarks/results/: `python -m benchmarks.report [--check]`."""

import json

from benchmarks.harness import Row, table
from scripts.generated_page import CHECKOUT, write_or_check

RESULTS = CHECKOUT / "benchmarks" / "results"
PAGE = CHECKOUT / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `python -m benchmarks.report` from the files in `benchmarks/results/`; `make bench` and
`make bench-demo` measure again. A figure that misses its target says NO.
"""


def page() -> str:
    """Return the page as the results have it."""
    parts = [HEAD]
    for file in sorted(RESULTS.glob("*.json")):
        result = json.loads(file.read_text())
        rows = [Row(**row) for row in result["rows"]]
        parts.append(
            f"## {result['benchmark']}\n\n`python -m benchmarks.{result['benchmark']}`: "
            f"{result['date']}, {result['machine']}.\n\n{table(rows)}\n"
        )
    if not (RESULTS / "gpu.json").is_file():
        parts.append("## gpu_check\n\n`make gpu-check`: not measured yet, on no CUDA device.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    write_or_check(PAGE, page)
