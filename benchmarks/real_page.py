"""Write docs/real-owners.md from benchmarks/results/real_owners/: `python -m benchmarks.real_page`.

The base's and the twins' answers on it are to the project's own prompts; no text of an owner's or
of anybody who asked them stands there.
"""

import json
from collections.abc import Iterator
from textwrap import fill
from typing import Any

from benchmarks.harness import table
from benchmarks.real_owners import rows
from scripts.generated_page import CHECKOUT, write_or_check

RESULTS = CHECKOUT / "benchmarks" / "results" / "real_owners"
PAGE = CHECKOUT / "docs" / "real-owners.md"
HEAD = """\
# Real owners

Written by `python -m benchmarks.real_page` from what
`python -m benchmarks.real_owners --owners DIR` measured: real people's openly licensed writing, the
base `smollm2-135m` (from the package, whose 4-bit weights are written out), two cores, no GPU. The
writing itself is no part of the project.

The voice judge is fitted against other people of the same kind and time and against the base's
answers. The stand-in that chooses is another model, on other features and other texts. Minutes
are scaled to a machine that multiplies two 2048 x 2048 matrices at 110 GFLOP/s.
"""


def page() -> str:
    """Return the page as the results have it."""
    results = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    parts = [HEAD, "## What falls short\n"]
    missed = [row for name, result in results.items() for row in rows(name, result)]
    missed = [row for row in missed if row.holds is False]
    parts.append(f"{table(missed)}\n" if missed else "Nothing.\n")
    for name, result in results.items():
        parts += _owner(name, result)
    return "\n".join(parts)


def _owner(name: str, result: dict[str, Any]) -> Iterator[str]:
    yield f"## {result['name']}\n"
    size = result["size"]
    yield (
        f"The newest {size['words']:,} words, {size['pairs']} pairs, choices: "
        f"{', '.join(map(str, size['choices']))}; measured with {result['threads']} thread(s) "
        f"on a machine of {result['speed']:.0f} GFLOP/s.\n"
    )
    if note := result.get("note"):
        yield f"{fill(note, 100)}\n"
    yield f"{table(rows(name, result))}\n"
    yield "### Ten answers side by side\n"
    more = result["more"]
    for number, prompt in enumerate(more["prompts"]):
        yield f"**{prompt}**\n"
        for column in (column for column in more if column != "prompts"):
            yield f"- {column}: {_inline(more[column]['shown'][number])}"
        yield ""


def _inline(answer: str) -> str:
    """Return an answer as one line of code, so that nothing in it is markup."""
    text = " ".join(answer.replace("`", "'").split())
    return f"`{text[:400]}{'…' if len(text) > 400 else ''}`" if text else "(nothing)"


if __name__ == "__main__":
    write_or_check(PAGE, page)
