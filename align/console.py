"""What commands say while they work: narration and progress on stderr, data on stdout."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from align.text.printable import printable

T = TypeVar("T")


def say(text: str) -> None:
    """Print one line of narration to stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def make_command(targets: str, owner_id: str) -> str:
    """Return a `make` line for an owner that can be pasted as it stands."""
    return f"make {targets}" + ("" if owner_id == "demo" else f" OWNER={owner_id}")


def dollars(amount: float) -> str:
    """Write US dollars: with cents from one dollar on, below that with two digits that tell."""
    if amount >= 1 or amount <= 0:
        return f"${amount:,.2f}"
    whole, _, places = f"{float(f'{amount:.2g}'):.6f}".partition(".")
    return f"${whole}.{places.rstrip('0'):0<2}"


def duration(seconds: float) -> str:
    """Write seconds the short way: `9 s`, `2 min 05 s`, `1 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def progress(
    items: Iterable[T], total: int, what: str, *, unit: str = "", every: float = 0.2
) -> Iterator[T]:
    """Yield the items and keep one line on stderr: how many, the rate, the time left.

    On a terminal the line is redrawn; elsewhere a line is printed every ten seconds, so that a
    log stays readable. Nothing is printed for work that takes less than a second.

    Args:
        items: What is worked on.
        total: How many there are.
        what: The stretch's name, at the line's front.
        unit: What is counted, as in `pairs`.
        every: Seconds between two redraws on a terminal.
    """
    terminal = sys.stderr.isatty()
    started = shown = time.monotonic()
    drawn = False
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - shown >= (every if terminal else 10.0) and now - started >= 1.0:
            shown, drawn = now, True
            rate = done / (now - started)
            left = duration((total - done) / rate) if rate else "?"
            line = f"{what}: {done:,}/{total:,} {unit} · {rate:,.1f}/s · {left} left".replace(
                "  ", " "
            )
            print(
                f"\r\x1b[2K{line}" if terminal else line,
                end="" if terminal else "\n",
                file=sys.stderr,
                flush=True,
            )
    if drawn and terminal:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
