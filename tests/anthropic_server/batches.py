"""Batches: kept, worked off when their time has come, and given out shuffled."""

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.anthropic_server.faults import Fault
from tests.anthropic_server.messages import error_body
from tests.anthropic_server.validation import Refusal

DAY = 24 * 3600.0
STATES = ("processing", "succeeded", "errored", "canceled", "expired")
# Writes one entry's result: its custom_id, what it asks, whether the batch was canceled.
Work = Callable[[dict[str, Any], bool], list[dict[str, Any]]]


@dataclass
class Batch:
    """One batch."""

    id: str  # as the client is told
    created: float  # in seconds since 1970
    # when it will have ended, if nothing happens; None for one that waits to be told
    ends: float | None
    entries: list[dict[str, Any]]  # what was asked, until it is worked off
    fault: Fault | None = None  # what goes wrong with it as a whole
    canceled: float | None = None
    ended: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)  # its results

    def shown(self, base: str) -> dict[str, Any]:
        """Return what the API says of it."""
        status = "ended" if self.ended else "canceling" if self.canceled else "in_progress"
        results = None
        if self.ended:
            results = f"{base}/v1/messages/batches/{self.id}/results"
            if self.fault and self.fault.does == "elsewhere":
                results = self.fault.url
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": dict.fromkeys(STATES, 0) | self.counts,
            "created_at": _said(self.created),
            "expires_at": _said(self.created + DAY),
            "ended_at": _said(self.ended),
            "cancel_initiated_at": _said(self.canceled),
            "archived_at": None,
            "results_url": results,
        }


def _said(moment: float | None) -> str | None:
    return datetime.fromtimestamp(moment, UTC).isoformat() if moment else None


class Batches:
    """All batches of a server.

    Attributes:
        seconds: How long a batch takes; None for as long as nobody calls `finish`.
    """

    def __init__(self, work: Work, *, seconds: float | None, seed: int) -> None:
        self.seconds = seconds
        self._work = work
        self._shuffle = random.Random(seed)
        self._all: dict[str, Batch] = {}
        self._numbers = itertools.count(1)

    def create(self, entries: list[dict[str, Any]], fault: Fault | None) -> Batch:
        """Take a batch in."""
        now = time.time()
        never = fault is not None and fault.does == "never end"
        ends = None if never or self.seconds is None else now + self.seconds
        age = fault.seconds if fault is not None and never else 0.0
        name = f"msgbatch_01{next(self._numbers):022d}"
        batch = Batch(name, now - age, ends, entries, fault, counts={"processing": len(entries)})
        self._all[name] = batch
        return batch

    def at(self, name: str) -> Batch:
        """Return a batch as it is by now.

        Raises:
            Refusal: There is none of this name.
        """
        batch = self._all.get(name)
        if batch is None:
            raise Refusal(f"Message Batch {name} not found", "not_found_error", 404)
        # A canceled one has been seen canceling once, by the answer to the cancellation.
        over = batch.ends is not None and batch.ends <= time.time()
        if batch.ended is None and (over or batch.canceled):
            self.finish(name)
        return batch

    def finish(self, name: str) -> None:
        """Work off a batch and end it, whatever its time."""
        batch = self._all[name]
        if batch.ended is not None:
            return
        results: list[dict[str, Any]] = []
        for entry in batch.entries:
            results += self._work(entry, batch.canceled is not None)
        self._shuffle.shuffle(results)
        counts = dict.fromkeys(STATES, 0)
        asked = {entry["custom_id"] for entry in batch.entries}
        told = {line["custom_id"]: line["result"]["type"] for line in results}
        # A missing line is missing from the results only: the counts still say it was done.
        for custom_id in asked:
            counts[told.get(custom_id, "succeeded")] += 1
        batch.lines = [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in results]
        batch.counts, batch.entries, batch.ended = counts, [], time.time()

    def finish_all(self) -> None:
        """End every batch that waits, but for those that never end."""
        for name, batch in list(self._all.items()):
            if not (batch.fault and batch.fault.does == "never end"):
                self.finish(name)

    def cancel(self, name: str) -> Batch:
        """Begin to cancel a batch; whoever looks next sees it ended."""
        batch = self.at(name)
        if batch.ended is not None:
            raise Refusal(f"Message Batch {name} has already ended.")
        batch.canceled = batch.canceled or time.time()
        return batch

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a batch that has ended."""
        if self.at(name).ended is None:
            raise Refusal(f"Message Batch {name} is still in progress; cancel it first.")
        del self._all[name]
        return {"id": name, "type": "message_batch_deleted"}

    def results(self, name: str) -> Iterator[bytes]:
        """Return the results, in pieces of some hundred lines.

        Raises:
            Refusal: The batch has not ended.
        """
        batch = self.at(name)
        if batch.ended is None:
            raise Refusal(f"Message Batch {name} has no results yet.", "not_found_error", 404)
        lines = batch.lines
        return (b"".join(lines[at : at + 200]) for at in range(0, len(lines), 200))

    def page(self, query: dict[str, str], base: str) -> dict[str, Any]:
        """Return a page of the list, the newest first."""
        limit = query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 1000:
            raise Refusal("limit: Input should be between 1 and 1000")
        names = list(reversed(self._all))
        if "after_id" in query:
            names = names[self._place(names, query["after_id"]) + 1 :]
        elif "before_id" in query:
            names = names[: self._place(names, query["before_id"])][-int(limit) :]
        shown = names[: int(limit)]
        return {
            "data": [self.at(name).shown(base) for name in shown],
            "has_more": len(names) > len(shown),
            "first_id": shown[0] if shown else None,
            "last_id": shown[-1] if shown else None,
        }

    @staticmethod
    def _place(names: list[str], name: str) -> int:
        if name not in names:
            raise Refusal(f"Message Batch {name} not found", "not_found_error", 404)
        return names.index(name)


def errored(custom_id: str, kind: str, message: str) -> dict[str, Any]:
    """Return the result of an entry that failed."""
    result = {"type": "errored", "error": error_body(kind, message)}
    return {"custom_id": custom_id, "result": result}
