"""What goes into a batch: as many requests as it takes, as the gate and the money allow."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from align.claude.channel import Channel
from align.claude.estimates import worst_case
from align.claude.failures import is_of_the_body, refused
from align.claude.prices import Usage
from align.claude.replies import Reply
from align.claude.requests import Request, size_of
from align.privacy.egress import Refused
from align.store.batches import Batch

if TYPE_CHECKING:
    from align.claude.client import Passage

# The provider takes ten times as many and twenty times the bytes. A body stands in memory several
# times while it is looked through and sent, and less is lost where one goes wrong.
MOST_REQUESTS, MOST_BYTES = 10_000, 12 * 10**6
# The share of a budget that is worth no further batch, which may take a day. What a batch did not
# use holds a smaller one, and that one's rest a smaller yet.
REST = 0.1
# An entry's own frame: its id, its braces.
_FRAME = 80


@dataclass
class OpenBatch:
    """A batch under way."""

    # those without an entry so far, by id; of an earlier run's, at first the id alone
    requests: dict[str, Request] = field(default_factory=dict)
    reserved: dict[str, float] = field(default_factory=dict)  # what each of this run's may cost
    plan: Batch | None = None  # what is written down of it; None until it is
    id: str = ""  # the provider's
    silent: int = 0  # how many polls in a row had no answer
    done: int = 0  # how many were done at the last poll
    usage: Usage | None = None  # of its entries
    cost: float = 0.0  # of its entries

    def count(self, reply: Reply) -> None:
        """Add what an entry cost."""
        if reply.usage is not None:
            self.usage = reply.usage if self.usage is None else self.usage + reply.usage
            self.cost += reply.cost or 0.0


class Chunks:
    """Cuts requests into batches, and remembers which are to be sent once more.

    The channel's budget holds what each request may cost. The gate is asked about each, so that one
    does not stop all others of its batch: `blocked` are replies to those, to be yielded. `waiting`
    is, by a request's id, the batch that holds it; `again` what is to be sent once more, and
    `earlier` what those came to, by id; `exhausted` tells that all were taken, `used_up` that the
    budget holds no more.
    """

    def __init__(self, channel: Channel, passage: "Passage") -> None:
        self.gate, self.host = passage.gate, passage.host
        self.budget, self.price, self.rate = channel.budget, channel.price, channel.rate
        self.say = channel.say
        self.source: Iterator[Request] = iter(())
        self.held: deque[Request] = deque()
        self.short_at: float | None = None
        self.exhausted = self.used_up = False
        self.blocked: list[Reply] = []
        self.waiting: dict[str, OpenBatch] = {}
        self.again: deque[Request] = deque()
        self.earlier: dict[str, Reply] = {}

    def take(self, requests: Iterable[Request]) -> None:
        """Cut these from now on."""
        self.source = iter(requests)

    def next_batch(self, *, waits: bool) -> OpenBatch | None:
        """Return requests for a batch; None where there are none, or no money for them now.

        `waits` says that others are under way, which may cost less than they might.
        """
        chunk, size = OpenBatch(), 0
        if waits and self.short_at == self.budget.unspent:
            # Nothing was paid since: the money is as short as it was.
            return None
        while len(chunk.requests) < MOST_REQUESTS and (request := self._next()) is not None:
            if (batch := self.waiting.get(request.id)) is not None:
                batch.requests[request.id] = request
                continue
            times = self.times(request)
            size += size_of(request.body(times=times)) + _FRAME
            worst = worst_case(request, self.price, self.rate, batch=True, times=times)
            if chunk.requests and size > MOST_BYTES:
                self.held.appendleft(request)
                break
            if not self._passes(request):
                continue
            if not self.budget.reserve(worst):
                self.held.appendleft(request)
                if waits or self.budget.unspent < REST:
                    self._hold_back(chunk)
                    self.short_at = self.budget.unspent
                if not waits and not chunk.requests:
                    self._stop()
                break
            chunk.requests[request.id], chunk.reserved[request.id] = request, worst
            self.waiting[request.id] = chunk
        return chunk if chunk.requests or self.blocked else None

    def _hold_back(self, chunk: OpenBatch) -> None:
        """Take a batch apart that money cut short, for a larger one or for none."""
        self.held.extendleft(reversed(chunk.requests.values()))
        for id, reserved in chunk.reserved.items():
            self.budget.settle(reserved, 0.0)
            del self.waiting[id]
        chunk.requests, chunk.reserved = {}, {}

    def _next(self) -> Request | None:
        request = self.held.popleft() if self.held else None
        if request is None and not self.exhausted and not self.used_up:
            request = next(self.source, None)
            self.exhausted = request is None
        return request

    def once_more(self) -> None:
        """Make what is to be sent again the next requests."""
        self.source, self.again = iter(self.again), deque()
        self.exhausted = False

    def times(self, request: Request) -> int:
        """Return how many times `max_tokens` an answer may have: one that was cut off gets more."""
        earlier = self.earlier.get(request.id)
        cut = earlier is not None and earlier.problem == "truncated"
        return 2**earlier.tries if earlier is not None and cut else 1

    def _passes(self, request: Request) -> bool:
        """Ask the gate about one request, so that it does not stop all others of its batch."""
        try:
            self.gate.check(request.params, self.host, request.about)
        except Refused as refusal:
            if not is_of_the_body(refusal):
                raise refused(refusal.reason) from None
            reply = Reply(request, None, "blocked", tries=0)
            self.blocked.append(reply.after(self.earlier.pop(request.id, None)))
            return False
        return True

    def _stop(self) -> None:
        """Take no more requests, and count how many that leaves."""
        self.used_up = True
        left = 0
        for request in chain(self.held, self.source):
            if request.id in self.earlier:
                self.again.append(request)
            elif (batch := self.waiting.get(request.id)) is not None:
                batch.requests[request.id] = request
            else:
                left += 1
        self.held.clear()
        self.budget.unasked += left
        self.say(f"The budget is used up: {left:,} requests were not sent.")

    def sift(self, chunk: OpenBatch, refusal: Refused) -> None:
        """Take out what the owner closed since it was looked at; all, if none of it is found."""
        if not is_of_the_body(refusal):
            raise refused(refusal.reason) from None
        kept = {id: request for id, request in chunk.requests.items() if self._passes(request)}
        if len(kept) == len(chunk.requests):
            self.blocked += [Reply(request, None, "blocked", tries=0) for request in kept.values()]
            kept = {}
        for id in [id for id in chunk.requests if id not in kept]:
            self.budget.settle(chunk.reserved.pop(id), 0.0)
            del self.waiting[id]
        chunk.requests = kept
