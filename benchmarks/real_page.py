"""Write docs/real-owners.md from benchmarks/results/real_owners/: `python -m benchmarks.real_page`.

The base's and the twins' answers on it are to the project's own prompts; no text of an owner's or
of anybody who asked them stands there.
"""

import json
from collections.abc import Iterator
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
# By hand, 30 November 2026, until results of whole roads are here; those replace it.
FIRST = """\
No road was measured whole yet. These first figures were written here by hand: the benchmark was
stopped in its evaluation, and its own judge scored the answers that it had stored. Jerome Powell's
six newest conferences (32,053 words, one of them held out), one seed, 24 held-out questions, SFT of
two epochs at 1e-3:

| figure | base | SFT | owner | other chairs |
|---|---|---|---|---|
| mean log-odds that the owner wrote it | -3.83 | 0.31 | 0.82 | -2.03 |
| nearer to the owner than the base's answer | | 24 of 24 (lower bound .86) | | |
| answers that end by themselves | .42 | .96, short of .97 | | |
| repetition | .045 | .014 | | |
| the owner's name, asked in 30 ways | | .70, short of .95 | | |
| the base's maker named | | 0 | | |

Fifteen of its 219 rows gave the name; the recipe has a tenth of the rows do so since. The judge
orders a held-out text of the owner's and another's rightly in 93 % of pairs. The sense of the
answers is thin: it is a model of 135 million weights.
"""


def page() -> str:
    """Return the page as the results have it."""
    results = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    if not results:
        return f"{HEAD}\n{FIRST}"
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
