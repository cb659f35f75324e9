"""Paste real output into the pages: `python -m scripts.paste_outputs [--check]`.

A page marks a place with `<!-- output: NAME -->` and `<!-- end -->`; what stands between is
replaced by docs/output/NAME.txt in a code block. A place whose file does not exist yet stays empty.
With `| head 12` or `| tail 12` after the name, only those lines are pasted.
"""

import re
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
OUTPUT = CHECKOUT / "docs" / "output"
PLACE = re.compile(
    r"(<!-- output: (?P<name>[a-z0-9-]+)(?: \| (?P<end>head|tail) (?P<count>\d+))? -->\n)"
    r".*?(<!-- end -->)",
    re.DOTALL,
)
# What a terminal would not show: escape sequences, and a progress line before it was redrawn.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DRAWN_OVER = re.compile(r"^.*\r(?!\n)", re.MULTILINE)


def pasted(text: str, output: Path = OUTPUT) -> str:
    """Return the page's text with every marked place filled."""

    def fill(place: re.Match[str]) -> str:
        file = output / f"{place['name']}.txt"
        if not file.exists():
            return f"{place[1]}{place[5]}"
        lines = DRAWN_OVER.sub("", ESCAPES.sub("", file.read_bytes().decode())).rstrip().split("\n")
        if place["count"]:
            n = int(place["count"])
            lines = lines[:n] if place["end"] == "head" else lines[-n:]
        body = "\n".join(line.rstrip() for line in lines)
        return f"{place[1]}```text\n{body}\n```\n{place[5]}"

    return PLACE.sub(fill, text)


def main() -> None:
    """Paste into README.md and docs/*.md, or with `--check` fail where one is out of date."""
    for page in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))):
        text = page.read_text()
        if "--check" not in sys.argv[1:]:
            page.write_text(pasted(text))
        elif pasted(text) != text:
            sys.exit(f"{page.relative_to(CHECKOUT)}: out of date. Run: make docs")


if __name__ == "__main__":
    main()
