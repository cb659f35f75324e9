"""A worker process reads, while this one stores what was read."""

import gc
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

T = TypeVar("T")

# Fewer bytes are read before another process has started.
WORTH_IT = 16 * 1024**2


class _End(NamedTuple):
    failure: str | None


@contextmanager
def in_worker(items: Iterator[T], size: int) -> Iterator[Iterator[T]]:
    """Give an iterator's items, made in a worker process where reading `size` bytes pays for one.

    It has not begun yet; each item must be picklable.
    """
    # Where processes are not forked, all that `items` holds would have to be pickled.
    if size < WORTH_IT or not sys.platform.startswith("linux") or (os.cpu_count() or 1) < 2:
        yield items
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    worker = context.Process(target=_send_all, args=(items, receiver, sender), daemon=True)
    worker.start()
    sender.close()
    try:
        yield _received(receiver)
    finally:
        receiver.close()
        worker.kill()
        worker.join()


def _send_all(items: Iterator[T], receiver: Connection, sender: Connection) -> None:
    # Ctrl-C is the other process's to answer: it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    receiver.close()
    # It is short-lived and makes no cycles; what it shares with its parent stays shared.
    gc.disable()
    failure = None
    try:
        for item in items:
            sender.send(item)
    except BrokenPipeError:
        return
    except BaseException as error:
        failure = "".join(traceback.format_exception(error))
    sender.send(_End(failure))


def _received(receiver: Connection) -> Iterator[T]:
    while True:
        try:
            item = receiver.recv()
        except EOFError:
            raise RuntimeError("the process that reads was ended from outside") from None
        if not isinstance(item, _End):
            yield item
        elif item.failure is None:
            return
        else:
            raise RuntimeError(f"reading failed:\n{item.failure}")
