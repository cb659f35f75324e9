"""Send requests in batches, one after another: cheaper and later. A killed run finds its own again.

Imports anthropic: import this module inside functions.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from itertools import chain

from align.claude.batch_service import Service
from align.claude.channel import Channel
from align.claude.client import Passage
from align.claude.failures import (
    GIVE_UP,
    is_of_the_body,
    refused,
    unwritable,
    without_use,
)
from align.claude.open_batch import OpenBatch
from align.claude.replies import Parse, Reply
from align.claude.requests import Request, id_only, size_of
from align.claude.sending import send
from align.privacy.egress import Refused
from align.store.batches import batch_ended, batch_sent, known_batches, open_batches, plan_batch

# The provider takes ten times as many and eight times the bytes. A body stands in memory several
# times while it is looked through and sent, and less is lost where one goes wrong.
MOST_REQUESTS, MOST_BYTES = 10_000, 32 * 10**6
# The share of a budget that is worth no further batch, which may take a day. What a batch did not
# use holds a smaller one, and that one's rest a smaller yet.
REST = 0.1
# So few left over are sent one by one: a further batch may take a day.
FEW = 200
# An entry's own frame: its id, its braces.
_FRAME = 80


async def send_batches(
    channel: Channel,
    requests: Iterable[Request],
    *,
    parse: Parse,
    keep: Callable[[], None] = lambda: None,
    late: Callable[[Reply], None] = lambda reply: None,
) -> AsyncGenerator[Reply, None]:
    """Yield a reply to each request.

    Before the next reply is asked for, the last one has to be kept: a batch counts as ended once
    all its replies were taken, and `keep`, which makes those last, is called before. Requests have
    ids of their own, wait in no batch of an earlier run, and are taken a batch ahead of the
    replies; `parse` makes a value of a reply's text, or raises ValueError. `late` gets, when it is
    closed early, single replies that came and that nobody took; those of a batch are found again.

    Raises:
        UserError: The provider refuses the key, the account or the model, or fails again and again.
    """
    batches = _Batches(channel, parse, keep)
    with _explained(batches.passage):
        async for reply in batches.run(iter(requests)):
            yield reply
    again, earlier = batches.again, batches.earlier
    left = send(channel, again, parse=parse, earlier=earlier, keep=keep, late=late)
    async with aclosing(left):
        async for reply in left:
            yield reply


async def left_behind(
    channel: Channel, *, parse: Parse, keep: Callable[[], None] = lambda: None, cancel: bool = False
) -> AsyncGenerator[Reply, None]:
    """Yield the replies of batches that an earlier run sent, once they end; or `cancel` them first.

    Of their requests the id and the note are known. The rest is as in `send_batches`.
    """
    batches = _Batches(channel, parse, keep)
    with _explained(batches.passage):
        async for reply in batches.take_up(cancel=cancel):
            yield reply


@contextmanager
def _explained(passage: Passage) -> Iterator[None]:
    """Say in a UserError why nothing can be sent any more."""
    try:
        yield
    except Refused as refusal:
        raise refused(refusal.reason) from None
    except OSError:
        raise unwritable(str(passage.egress_log.path)) from None


class _Batches:
    """The batches of one run; `again` and `earlier` are left over, to be sent one by one."""

    def __init__(self, channel: Channel, parse: Parse, keep: Callable[[], None]) -> None:
        self.conn, self.parse, self.keep = channel.conn, parse, keep
        self.budget, self.price = channel.budget, channel.price
        self.poll, self.say = channel.poll, channel.say
        self.service = Service(channel.client, channel.price.model)
        self.passage = self.service.passage
        self.passage.say = channel.say
        self.purpose, self.host = self.passage.gate.purpose, self.passage.host
        self.held: list[Request] = []
        self.again: list[Request] = []
        self.earlier: dict[str, Reply] = {}
        self.used_up = False

    async def take_up(self, *, cancel: bool) -> AsyncGenerator[Reply, None]:
        """Yield what comes of the batches that an earlier run left behind."""
        for plan in open_batches(self.conn, self.purpose):
            if plan.host != self.host or plan.model != self.price.model:
                continue
            batch_id = plan.batch
            if batch_id is None:
                # Killed between sending it and writing down its id, or before it was sent.
                known = known_batches(self.conn, self.host)
                batch_id = await self.service.find(plan, known)
                if batch_id is None:
                    batch_ended(self.conn, plan.id)
                    continue
                batch_sent(self.conn, plan.id, batch_id)
            what = "cancelled" if cancel else "taken up again"
            self.say(f"Batch {batch_id} of {len(plan.requests):,} requests is {what}.")
            if cancel:
                await self.service.cancel(batch_id)
            notes = zip(plan.requests, plan.notes, strict=True)
            batch = OpenBatch(self.price, self.budget, plan, batch_id)
            batch.requests = {id: id_only(id, note) for id, note in notes}
            async for reply in self._replies(batch):
                yield reply

    async def run(self, source: Iterator[Request]) -> AsyncGenerator[Reply, None]:
        """Send all there is, and yield what comes; what few are left over stay in `again`."""
        while True:
            batch = self._next_batch(source)
            async for reply in self._sent(batch):
                yield reply
            if batch.plan is not None:
                async for reply in self._replies(batch):
                    yield reply
            elif self.used_up or (not self.held and len(self.again) <= FEW):
                return
            elif not self.held:
                source, self.again = iter(self.again), []

    def _next_batch(self, source: Iterator[Request]) -> OpenBatch:
        """Return as many requests as a batch takes and the budget holds; maybe none."""
        batch, size = OpenBatch(self.price, self.budget), 0
        coming, self.held = chain(self.held, source), []
        for request in coming if not self.used_up else ():
            room = self._room(request)
            size += size_of(request.body(times=room)) + _FRAME
            is_full = len(batch.requests) >= MOST_REQUESTS or size > MOST_BYTES
            if is_full and batch.requests:
                self.held = [request]
                break
            if not batch.takes(request, room):
                self.held = [request]
                if not batch.requests or self.budget.unspent < REST:
                    self._stop(batch, coming)
                break
        return batch

    def _stop(self, batch: OpenBatch, coming: Iterator[Request]) -> None:
        """Take no more requests, neither those of a batch, and count how many that leaves."""
        left = [*batch.drop(list(batch.requests.values())), *self.held, *coming]
        self.again += [request for request in left if request.id in self.earlier]
        self.used_up, self.held = True, []
        count = sum(request.id not in self.earlier for request in left)
        self.budget.unasked += count
        self.say(f"The budget is used up: {count:,} requests were not sent.")

    def _room(self, request: Request) -> int:
        earlier = self.earlier.get(request.id)
        return 1 if earlier is None else earlier.room

    async def _sent(self, batch: OpenBatch) -> AsyncGenerator[Reply, None]:
        """Send a batch, whose id is written down before and after; yield what the gate stops."""
        while batch.requests:
            requests = list(batch.requests.values())
            plan = plan_batch(
                self.conn,
                host=self.host,
                model=self.price.model,
                purpose=self.purpose,
                requests=list(batch.requests),
                notes=[request.note for request in requests],
            )
            entries = [
                {"custom_id": each.id, "params": each.body(times=self._room(each))}
                for each in requests
            ]
            about = [pair for request in requests for pair in request.about]
            known = known_batches(self.conn, self.host)
            try:
                batch.id = await self.service.make(entries, about, plan, known)
            except Refused as refusal:
                batch_ended(self.conn, plan.id)
                if not is_of_the_body(refusal):
                    raise
                # One must not stop all others; all are stopped where none of it is found.
                for request in batch.drop([*filter(self._is_stopped, requests)] or requests):
                    reply = Reply(request, None, "blocked", tries=0)
                    yield reply.after(self.earlier.pop(request.id, None))
                continue
            batch_sent(self.conn, plan.id, batch.id)
            batch.plan = plan
            self.say(f"Batch {batch.id} of {len(requests):,} requests is sent.")
            return

    def _is_stopped(self, request: Request) -> bool:
        try:
            self.passage.gate.check(request.params, self.host, request.about)
        except Refused:
            return True
        return False

    async def _replies(self, batch: OpenBatch) -> AsyncGenerator[Reply, None]:
        """Yield the replies of a batch once it has ended, or is given up; it is done with then."""
        total = await self.service.ended(batch.id, self.poll, self.say)
        if total is None:
            self.say(f"Batch {batch.id} never ended, or is not to be had: it is given up.")
            await self.service.cancel(batch.id)
        else:
            async for entry in self.service.results(batch.id, total):
                if (read := batch.read(entry, self.parse)) is not None:
                    reply, again = read
                    if (final := self._final(reply, again=again)) is not None:
                        yield final
        for reply in batch.rest("expired" if total is None else "errored"):
            if (final := self._final(reply, again=total is not None)) is not None:
                yield final
        plan = batch.log(self.passage)
        self.keep()
        batch_ended(self.conn, plan.id)
        if total is not None and batch.unused.total() == total >= GIVE_UP:
            raise without_use(self.host, batch.unused)

    def _final(self, reply: Reply, *, again: bool) -> Reply | None:
        """Return the reply with what earlier tries cost; None where it is sent once more."""
        request = reply.request
        if not request.params:
            # An earlier run's: this one asks again where that may help.
            return reply.in_passing()
        reply = reply.after(self.earlier.pop(request.id, None))
        if again and reply.is_tried_again:
            self.earlier[request.id] = reply
            self.again.append(request)
            return None
        return reply
