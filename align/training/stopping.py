"""SIGINT and SIGTERM: between steps they end a run at once; in training, at the step's end.

A spot instance gets SIGTERM before it goes; Ctrl-C is SIGINT. Within two seconds the same request
may arrive several times: from the terminal, from `align` and from the launcher's agent. A later one
quits at once.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME_REQUEST = 2.0


class Stopped(KeyboardInterrupt):
    """A signal stops the run: its number, where the run stands, whether all processes stop."""

    def __init__(self, number: int, sentence: str = "", *, is_agreed: bool = False) -> None:
        super().__init__(sentence)
        self.number, self.sentence, self.is_agreed = number, sentence, is_agreed


@dataclass
class _Request:
    number: int = 0
    received: float = 0.0
    waits: bool = False


_request = _Request()


@contextmanager
def signals_to(receive: Callable[[int, Any], None], *numbers: signal.Signals) -> Iterator[None]:
    """Send signals to a function as long as the block runs; what is ignored stays ignored.

    A job in the background of a script ignores Ctrl-C: its shell said so.
    """
    kept = {
        number: signal.signal(number, receive)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, action in kept.items():
            signal.signal(number, action)


@contextmanager
def catching_signals() -> Iterator[None]:
    """Turn the signals into `Stopped`, as long as the block runs."""
    _request.number, _request.waits = 0, False
    is_main = threading.current_thread() is threading.main_thread()
    with signals_to(_receive, *(SIGNALS if is_main else ())):
        yield


@contextmanager
def until_the_step_ends() -> Iterator[None]:
    """Only record a signal while the block runs; Stopped where it came after the last step."""
    _request.waits = True
    try:
        yield
    finally:
        _request.waits = False
    if _request.number:
        raise Stopped(_request.number)


def received_signal() -> int:
    """Return the number of the signal that this process received, or 0.

    A process whose launcher is gone counts as stopped by SIGTERM: `accelerate launch` of a single
    process dies of it and doesn't pass it on.
    """
    if not _request.number and _launcher and os.getppid() != _launcher:
        _request.number, _request.received = signal.SIGTERM, time.monotonic()
    return _request.number


def code_of(number: int) -> int:
    """Return the exit code of a process that a signal ended: 130 or 143."""
    return 128 + number


def _receive(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _request.number and now - _request.received < _SAME_REQUEST:
        return
    if _request.number:
        _write("Quitting without a save.")
        os._exit(code_of(number))
    _request.number, _request.received = number, now
    if not _request.waits:
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
