"""One model in several processes: rank 0 asks and gathers, every process draws its share.

Only rank 0 knows the store and the plan. It tells the others what to draw, draws its own share,
and hands on each answer as it arrives, so that a kill costs what was not yet stored, as with one
process. Messages are JSON over gloo, in main memory whatever the devices are: a process that dies
closes its connections, and rank 0 notices at once.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

from align.errors import UserError

# A share may take hours; a lost process shows by its connection.
_TIMEOUT = timedelta(days=7)
Answered = tuple[int, int, str]


class LostProcess(Exception):
    """A process of the job ended before its share was drawn."""


def rank() -> int:
    """Return the number of this process."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """Return how many processes the launcher started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join() -> None:
    """Meet the other processes at the launcher's address."""
    import torch.distributed as dist

    # A launcher's FSDP file is about training: here each process loads the whole model itself.
    os.environ.pop("ACCELERATE_USE_FSDP", None)
    dist.init_process_group("gloo", timeout=_TIMEOUT)


class DistributedModel:
    """The models of all processes as one, which rank 0 draws with.

    `load` returns this process's model, called while the others load theirs by `source`, as JSON.
    """

    def __init__(self, load: Callable[[], Any], source: dict[str, Any]) -> None:
        self._others = range(1, world())
        self._send_all(source)
        self._model = load()

    def generate_each(self, conversations: Sequence[Any], **settings: Any) -> Iterator[Answered]:
        """Yield what `LoadedModel.generate_each` does, from all processes, as it arrives.

        Raises:
            LostProcess: One ended before its share was drawn; what arrived was yielded.
            UserError: One met a mistake of the user's.
        """
        if not conversations:
            return
        arrived: SimpleQueue[dict[str, Any]] = SimpleQueue()
        # Before anything is sent: a process that failed to load waits to report that.
        for other in self._others:
            threading.Thread(target=_gather, args=(other, arrived), daemon=True).start()
        self._send_all(
            {"conversations": [list(messages) for messages in conversations], **settings}
        )
        waiting = len(self._others)
        share = (0, world())
        for answer in self._model.generate_each(conversations, share=share, **settings):
            yield answer
            while not arrived.empty():
                message = arrived.get()
                waiting -= message["kind"] == "done"
                yield from _answers(message)
        while waiting:
            message = arrived.get()
            waiting -= message["kind"] == "done"
            yield from _answers(message)

    def _send_all(self, message: dict[str, Any]) -> None:
        for other in self._others:
            _send(message, other)


def serve(load: Callable[[dict[str, Any]], Any]) -> None:
    """Draw this process's share of what rank 0 asks for, until all is done.

    `load` returns the model that rank 0's first message describes. LostProcess: rank 0 is gone.
    """
    try:
        message = _receive(0)
        if "end" in message:
            return
        model = load(message)
        while "end" not in (message := _receive(0)):
            for at, place, text in model.generate_each(**message, share=(rank(), world())):
                _send({"kind": "answer", "at": at, "place": place, "text": text}, 0)
            _send({"kind": "done"}, 0)
    except UserError as error:
        _send({"kind": "mistake", "parts": [error.where, error.what, error.remedy]}, 0)
        # Rank 0 says it: were this process the first to end, the launcher would stop rank 0.
        while True:
            _receive(0)


def dismiss() -> None:
    """Tell the other processes that all is done (rank 0), and part."""
    import torch.distributed as dist

    if rank() == 0:
        for other in range(1, world()):
            _send({"end": True}, other)
    dist.barrier()
    dist.destroy_process_group()


def _gather(other: int, arrived: "SimpleQueue[dict[str, Any]]") -> None:
    """Queue a process's messages until it is done, has failed, or is gone."""
    while True:
        try:
            message = _receive(other)
        except LostProcess as error:
            message = {"kind": "lost", "why": str(error)}
        arrived.put(message)
        if message["kind"] != "answer":
            return


def _answers(message: dict[str, Any]) -> Iterator[Answered]:
    if message["kind"] == "lost":
        raise LostProcess(message["why"])
    if message["kind"] == "mistake":
        raise UserError(*message["parts"])
    if message["kind"] == "answer":
        yield message["at"], message["place"], message["text"]


def _send(message: dict[str, Any], to: int) -> None:
    import torch
    import torch.distributed as dist

    content = torch.frombuffer(bytearray(json.dumps(message).encode()), dtype=torch.uint8)
    with _as_lost(to):
        dist.send(torch.tensor([len(content)]), to)
        dist.send(content, to)


def _receive(sender: int) -> dict[str, Any]:
    import torch
    import torch.distributed as dist

    length = torch.zeros(1, dtype=torch.int64)
    with _as_lost(sender):
        dist.recv(length, sender)
        content = torch.empty(int(length), dtype=torch.uint8)
        dist.recv(content, sender)
    message: dict[str, Any] = json.loads(content.numpy().tobytes())
    return message


@contextmanager
def _as_lost(other: int) -> Iterator[None]:
    """Turn gloo's error into the one that says which process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcess(f"Process {other} ended before its share was drawn") from error
