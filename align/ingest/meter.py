"""How far a reading is: by the bytes that readers took from their files."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeVar

from align.console import duration

T = TypeVar("T")


class Meter:
    """Shows one line on stderr: records, rate and time left; nothing for work under a second.

    Args:
        total: Bytes of all that is read.
        every: Seconds between two lines on a terminal; elsewhere ten.
    """

    def __init__(self, total: int, every: float = 0.2) -> None:
        self._total, self._bytes, self._records = total, 0, 0
        self._terminal = sys.stderr.isatty()
        self._every = every if self._terminal else 10.0
        self._started = self._shown = time.monotonic()
        self._drawn = False

    def read(self, count: int) -> None:
        """Take note of bytes that were read."""
        self._bytes += count

    def counted(self, records: Iterable[T]) -> Iterator[T]:
        """Yield the records, and keep the line up to date."""
        for record in records:
            yield record
            self._records += 1
            if not self._records % 256:
                self._show()

    def done(self) -> None:
        """Take the line away."""
        if self._drawn and self._terminal:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._started < 1.0 or now - self._shown < self._every:
            return
        self._shown, self._drawn = now, True
        spent = now - self._started
        share = min(self._bytes / self._total, 1.0) if self._total else 0.0
        left = f"{duration(spent / share - spent)} left" if share else "reading"
        line = f"Reading: {self._records:,} records · {self._records / spent:,.0f}/s · {left}"
        print(
            f"\r\x1b[2K{line}" if self._terminal else line,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )


class Metered:
    """A file that tells how much of it is read."""

    def __init__(self, file: IO[bytes], tell: Any) -> None:
        self._file, self._tell = file, tell

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        data = self._file.read(size)
        self._tell(len(data))
        return data

    def read1(self, size: int = -1) -> bytes:
        """Read as a text layer over the file does."""
        data: bytes = self._file.read1(size)  # type: ignore[attr-defined]
        self._tell(len(data))
        return data

    def __enter__(self) -> "Metered":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self._tell(len(line))
            yield line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
