"""What the scripts share that write a page, or check that it is up to date."""

import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def write_or_check(file: Path, page: Callable[[], str]) -> None:
    """Write the page, or with `--check` on the command line fail where it is out of date."""
    if "--check" not in sys.argv[1:]:
        file.write_text(page())
    elif not file.exists() or file.read_text() != page():
        sys.exit(f"{file.relative_to(CHECKOUT)}: out of date. Run: make docs")
