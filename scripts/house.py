"""How large the house is, held against its limits; `make house` prints it, and fails above one.

python -m scripts.house
"""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, LONG_FUNCTION_LINES = 300, 60, 40


@dataclass(frozen=True)
class Figure:
    """One figure of the house.

    Attributes:
        name: What is counted.
        count: How many there are.
        limit: How many there may be; None where it is only shown.
        places: Where they are.
    """

    name: str
    count: int
    limit: int | None
    places: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.limit is None or self.count <= self.limit


def figures(checkout: Path) -> list[Figure]:
    """Return the figures of a checkout."""
    files = tracked(checkout, "align", "labeler")
    align = [file for file in files if file.parts[0] == "align"]
    texts = {file: (checkout / file).read_text(encoding="utf-8") for file in files}
    lines = {file: text.count("\n") for file, text in texts.items()}
    functions = [
        function for file, text in texts.items() for function in function_lines(file, text)
    ]
    return [
        Figure("entries at the root of align", len({file.parts[1] for file in align}), 34),
        Figure("rows of the layers contract", len(layers(checkout)), 14),
        listed(f"files over {FILE_LINES} lines", lines.items(), FILE_LINES, limit=0),
        listed(f"functions over {FUNCTION_LINES} lines", functions, FUNCTION_LINES, limit=0),
        listed(f"functions over {LONG_FUNCTION_LINES} lines", functions, LONG_FUNCTION_LINES),
        doubled_names(align),
        Figure("lines of align", sum(lines[file] for file in align), 46_900),
        Figure("files of align", len(align), None),
    ]


def tracked(checkout: Path, *folders: str) -> list[Path]:
    """Return the Python files under folders that git knows and that are there, in order."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    files = (Path(name) for name in sorted(set(names.splitlines())))
    return [file for file in files if file.suffix == ".py" and (checkout / file).is_file()]


def layers(checkout: Path) -> list[str]:
    """Return the rows of the layers contract, the highest first."""
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    rows = (contract.get("layers") for contract in contracts["tool"]["importlinter"]["contracts"])
    return next(row for row in rows if row)


def function_lines(file: Path, text: str) -> Iterator[tuple[str, int]]:
    """Yield each function of a file with its length in lines, docstring included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{file}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def doubled_names(files: list[Path]) -> Figure:
    """Return which file names occur twice; commands are named as users call them."""
    names = Counter(
        file.name for file in files if file.parts[1] != "commands" and file.stem[:2] != "__"
    )
    doubled = sorted(f"{name} ({times})" for name, times in names.items() if times > 1)
    return Figure("file names of align that occur twice", len(doubled), 8, tuple(doubled))


def listed(
    name: str, sizes: Iterable[tuple[object, int]], most: int, limit: int | None = None
) -> Figure:
    """Return what is longer than `most` lines, the longest first."""
    above = sorted(((size, str(place)) for place, size in sizes if size > most), reverse=True)
    return Figure(name, len(above), limit, tuple(f"{place} ({size})" for size, place in above))


def main() -> int:
    """Print the figures, and what is above a limit; return 1 where something is."""
    measured = figures(CHECKOUT)
    for figure in measured:
        limit = "" if figure.limit is None else f"  (at most {figure.limit:,})"
        print(f"{figure.count:7,}  {figure.name}{limit}")
        if not figure.holds:
            print("".join(f"           {place}\n" for place in figure.places), end="")
    broken = [figure.name for figure in measured if not figure.holds]
    if broken:
        print(f"house: above the limit: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
