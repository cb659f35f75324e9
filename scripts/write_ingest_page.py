"""Write the reasons into docs/ingest.md: `python -m scripts.write_ingest_page [--check]`."""

from align.ingest.reasons import REASONS
from scripts.generated_page import CHECKOUT, write_or_check

PAGE = CHECKOUT / "docs" / "ingest.md"
BEGINS, ENDS = "<!-- reasons -->\n", "<!-- end -->"


def page() -> str:
    """Return the page with the reasons as the code has them."""
    before, rest = PAGE.read_text().split(BEGINS)
    after = rest[rest.index(ENDS) :]
    rows = (
        f"| `{code}` | {reason.meaning} | {'still read' if reason.is_context else ''} |\n"
        for code, reason in REASONS.items()
    )
    return f"{before}{BEGINS}| reason | what | |\n|---|---|---|\n{''.join(rows)}{after}"


if __name__ == "__main__":
    write_or_check(PAGE, page)
