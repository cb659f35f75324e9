"""Reading goes on in a process of its own, while this one takes in what was read."""

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")

# Files of fewer bytes are read before another process has started.
WORTH_IT = 16 * 1024**2


@contextmanager
def in_worker(items: Iterator[T], size: int) -> Iterator[Iterator[T]]:
    """Give the items of an iterator that was not begun yet, made in another process where it pays.

    Args:
        items: What is worked out; each must be picklable.
        size: Bytes that are read for it.
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
    # It lives shortly and makes no cycles; what it shares with its parent stays shared.
    gc.disable()
    try:
        for item in items:
            sender.send_bytes(pickle.dumps((item, None), pickle.HIGHEST_PROTOCOL))
        sender.send_bytes(b"")
    except BrokenPipeError:
        return
    except BaseException as error:
        shown = "".join(traceback.format_exception(error))
        sender.send_bytes(pickle.dumps((None, shown), pickle.HIGHEST_PROTOCOL))


def _received(receiver: Connection) -> Iterator[T]:
    while True:
        try:
            data = receiver.recv_bytes()
        except EOFError:
            raise RuntimeError("the process that reads was ended from outside") from None
        if not data:
            return
        item, failure = pickle.loads(data)
        if failure is not None:
            raise RuntimeError(f"reading failed:\n{failure}")
        yield item
