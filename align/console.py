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


def size_words(size: float) -> str:
    """Write bytes as people read them: `850 MB`, `22.9 GB`."""
    if size < 999_500_000:
        return f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.1f} GB"


def progress(items: Iterable[T], total: int, what: str, *, unit: str = "") -> Iterator[T]:
    """Yield the items and keep a line on stderr after the first second: `what`, how many, the rate.

    The line is redrawn on a terminal and printed every ten seconds elsewhere. `unit` is what is
    counted, as in `pairs`.
    """
    line, started = StatusLine(), time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if line.due():
            rate = done / (time.monotonic() - started)
            left = duration((total - done) / rate) if rate else "?"
            text = f"{what}: {done:,}/{total:,} {unit} · {rate:,.1f}/s · {left} left"
            line.draw(text.replace("  ", " "))
    line.clear()


class StatusLine:
    """One line on stderr: redrawn on a terminal, elsewhere printed every ten seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._every = 0.2 if self._terminal else 10.0
        self._started = self._shown = time.monotonic()
        self._drawn = False

    def due(self) -> float:
        """Return the seconds since the beginning where a new line is due, else 0; never early."""
        now = time.monotonic()
        is_due = now - self._started >= 1.0 and now - self._shown >= self._every
        return now - self._started if is_due else 0.0

    def draw(self, text: str) -> None:
        """Show a text in place of the last one."""
        self._shown, self._drawn = time.monotonic(), True
        start, end = ("\r\x1b[2K", "") if self._terminal else ("", "\n")
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn and self._terminal:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
