"""A labeler in a real pseudo-terminal, and what a person would see there."""

import re
import sys
import time
from collections.abc import Callable

import pexpect
import pyte

LABELER = [sys.executable, "-m", "labeler.cli"]


class Window:
    """A terminal of so many columns and rows with a labeler in it."""

    def __init__(self, *arguments: str, columns: int = 120, rows: int = 40, **environment: str):
        import os

        self.child = pexpect.spawn(
            LABELER[0],
            # A test presses a key as soon as it sees what it waits for.
            [*LABELER[1:], "--too-soon", "0", *arguments],
            dimensions=(rows, columns),
            timeout=30,
            env=os.environ | {"TERM": "xterm-256color"} | environment,
        )
        self.child.delaybeforesend = None
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    def read(self, seconds: float = 0.05) -> None:
        """Take in what the program writes for so long."""
        try:
            data = self.child.read_nonblocking(1 << 16, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        self._stream.feed(data)

    def read_for(self, seconds: float) -> None:
        """Take in what the program writes, until so much time has gone by."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def rest(self) -> None:
        """Take in all that a program wrote before it was killed."""
        try:
            while True:
                self._stream.feed(self.child.read_nonblocking(1 << 16, timeout=1))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return

    @property
    def text(self) -> str:
        """The screen, as lines of text."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, seen: Callable[[str], object] | str, seconds: float = 30) -> str:
        """Read until the screen shows something, and return the screen."""
        wanted = (lambda text: seen in text) if isinstance(seen, str) else seen
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read()
            if wanted(self.text):
                return self.text
        raise AssertionError(f"{seen!r} did not come; the screen:\n{self.text}")

    def answered(self) -> int:
        """Return how many answers the top line counts; 0 before there is one."""
        found = re.search(r"(\d+) answered", self._screen.display[0])
        return int(found[1]) if found else 0

    def send(self, keys: str) -> None:
        """Press keys."""
        self.child.send(keys)

    def end(self) -> int:
        """Wait until the program ended and return its exit status, negative for a signal."""
        try:
            while True:
                self.raw += self.child.read_nonblocking(1 << 16, timeout=10)
        except pexpect.EOF:
            pass
        self.child.close()
        status = self.child.exitstatus
        return status if status is not None else -int(self.child.signalstatus or 0)
