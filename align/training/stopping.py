"""SIGINT and SIGTERM: between steps they end a run at once; in training, at the step's end.

A spot instance is told with SIGTERM that it goes; Ctrl-C is SIGINT. Within two seconds the same
wish may arrive several times: from the terminal, from `align` and from the launcher's agent. What
comes later means it, and quits at once.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME_WISH = 2.0


class Stopped(KeyboardInterrupt):
    """The run was told to stop.

    Attributes:
        number: The signal's.
        sentence: Where the run stands, if it is known.
        is_agreed: Whether all processes of the run stop here.
    """

    def __init__(self, number: int, sentence: str = "", *, is_agreed: bool = False) -> None:
        super().__init__(sentence)
        self.number, self.sentence, self.is_agreed = number, sentence, is_agreed


@dataclass
class _Wish:
    number: int = 0
    heard: float = 0.0
    waits: bool = False


_wish = _Wish()


@contextmanager
def listening() -> Iterator[None]:
    """Turn the signals into `Stopped`, as long as the block runs; what is ignored stays ignored.

    A job in the background of a script ignores Ctrl-C: its shell said so.
    """
    _wish.number, _wish.waits = 0, False
    kept = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                kept[number] = signal.signal(number, _hear)
    try:
        yield
    finally:
        for number, action in kept.items():
            signal.signal(number, action)


@contextmanager
def until_the_step_ends() -> Iterator[None]:
    """Only note a signal while the block runs; who trains asks `wished` at each step's end.

    Raises:
        Stopped: A signal was noted after the last step.
    """
    _wish.waits = True
    try:
        yield
    finally:
        _wish.waits = False
    if _wish.number:
        raise Stopped(_wish.number)


def wished() -> int:
    """Return the number of the signal that was noted in this process, or 0.

    A process whose launcher is gone has been told, too: `accelerate launch` of a single process
    dies of SIGTERM without a word to its child.
    """
    if not _wish.number and _launcher and os.getppid() != _launcher:
        _wish.number, _wish.heard = signal.SIGTERM, time.monotonic()
    return _wish.number


def code_of(number: int) -> int:
    """Return the exit code of a process that a signal ended: 130 or 143."""
    return 128 + number


def _hear(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _wish.number and now - _wish.heard < _SAME_WISH:
        return
    if _wish.number:
        _write("Quitting without a save.")
        os._exit(code_of(number))
    _wish.number, _wish.heard = number, now
    if not _wish.waits:
        raise Stopped(number)
    if os.environ.get("RANK", "0") == "0":
        _write("Stopping after this step, with a save. A second signal quits at once.")


def _write(line: str) -> None:
    # A handler may interrupt a print to the same stream, which may not be entered twice.
    clear = "\r\x1b[2K" if sys.stderr.isatty() else ""
    os.write(2, f"{clear}{line}\n".encode())


def _launcher_here() -> int:
    """Return the process that started this one to train; 0 where nobody waits for it."""
    marks = ("SOUNDALIKE_VERDICT", "TORCHELASTIC_RUN_ID", "ACCELERATE_MIXED_PRECISION")
    return os.getppid() if any(mark in os.environ for mark in marks) else 0


_launcher = _launcher_here()
