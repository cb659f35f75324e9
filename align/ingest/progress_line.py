"""How far a reading is: by the bytes that readers took from their files."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

from align.console import StatusLine, duration

T = TypeVar("T")


class ProgressLine:
    """Shows records, rate and time left on stderr, of all the bytes that are read."""

    def __init__(self, total: int) -> None:
        self._total, self._bytes, self._records = total, 0, 0
        self._line = StatusLine()
        self.clear = self._line.clear

    def read(self, count: int) -> None:
        """Count bytes that were read."""
        self._bytes += count

    def counted(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, and keep the line up to date."""
        for item in items:
            yield item
            self._records += 1
            if not self._records % 256 and (spent := self._line.due()):
                share = min(self._bytes / self._total, 1.0) if self._total else 0.0
                left = f"{duration(spent / share - spent)} left" if share else "reading"
                rate = f"{self._records / spent:,.0f}/s"
                self._line.draw(f"Reading: {self._records:,} records · {rate} · {left}")


class CountedFile(io.RawIOBase):
    """A file whose bytes are counted as they are read; for a `BufferedReader` around it."""

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file, self._count = file, count

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer and return how many bytes are in it."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._count(len(data))
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
