"""A program in a pseudo-terminal, timed to the byte."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

# A frame has ended when nothing came for so long; a frame itself is one write.
QUIET = 0.025


class Terminal:
    """Runs a command in a pseudo-terminal of so many columns and rows."""

    def __init__(self, command: Sequence[str], *, columns: int = 120, rows: int = 40) -> None:
        self.started = time.perf_counter()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            try:
                os.execvp(command[0], list(command))
            finally:
                os._exit(127)
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, wanted: bytes, timeout: float = 60.0) -> float:
        """Read until bytes appear and return the seconds since the start.

        Raises:
            TimeoutError: They did not.
        """
        seen = b""
        deadline = time.perf_counter() + timeout
        while time.perf_counter() < deadline:
            seen += self._read(0.2)
            if wanted in seen:
                return time.perf_counter() - self.started
        raise TimeoutError(f"{wanted!r} did not come; the last bytes were {seen[-500:]!r}")

    def settle(self, quiet: float = 0.5) -> None:
        """Read until nothing comes any more."""
        while self._read(quiet):
            pass

    def press(self, key: bytes, *, within: float = 2.0) -> float | None:
        """Send a key; return seconds from its byte to the last byte of the frame that follows.

        None where no byte came.
        """
        sent = time.perf_counter()
        os.write(self._handle, key)
        last = None
        while True:
            data = self._read(QUIET if last is not None else within)
            if not data:
                return None if last is None else last - sent
            last = time.perf_counter()

    def resident_megabytes(self) -> float | None:
        """Return the resident memory of the process; None where /proc does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def close(self, last_words: bytes = b"") -> None:
        """Send last words, then end the process, by force if need be."""
        if last_words:
            os.write(self._handle, last_words)
            self.settle()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._handle)

    def _read(self, timeout: float) -> bytes:
        ready, _, _ = select.select([self._handle], [], [], timeout)
        if not ready:
            return b""
        try:
            return os.read(self._handle, 1 << 16)
        except OSError:
            return b""
