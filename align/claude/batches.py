"""Send requests in batches, which cost less and take longer; a killed run finds them again.

Imports anthropic: import this module inside functions.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any

from align.claude.batch_service import Service, State
from align.claude.channel import Channel
from align.claude.chunks import Chunks, OpenBatch
from align.claude.failures import GIVE_UP, refused, unwritable, without_answers
from align.claude.prices import logged
from align.claude.replies import AGAIN, RETRIED, Parse, Reply, read_reply
from align.claude.requests import Request, id_only
from align.claude.sending import send
from align.privacy.egress import Refused
from align.store.batches import batch_ended, batch_sent, known_batches, open_batches, plan_batch

# Under way at once: their requests are kept, should some have to be sent again.
AT_ONCE = 16
# So few left over are sent one by one: a further batch may take a day.
FEW = 200
# What is wrong with a request stays wrong.
_FOR_GOOD = frozenset({"invalid_request_error", "not_found_error", "request_too_large"})


async def send_batches(
    channel: Channel,
    requests: Iterable[Request],
    *,
    parse: Parse,
    keep: Callable[[], None] = lambda: None,
    late: Callable[[Reply], None] = lambda reply: None,
) -> AsyncGenerator[Reply, None]:
    """Yield a reply to each request, and to those of batches that an earlier run sent.

    A request that waits in such a batch is not sent again. Before the next reply is asked for, the
    last one has to be kept: a batch counts as ended once all its replies were taken, and `keep`,
    which makes those last, is called before. Requests have ids of their own, and are taken a few
    batches ahead of the replies; `parse` makes a value of a reply's text, or raises ValueError.
    `late` gets, when it is closed early, single replies that came and that nobody took; those of a
    batch are found again.

    Raises:
        UserError: The provider refuses the key, the account or the model, or fails again and again.
    """
    batches = _Batches(channel, parse, keep)
    chunks = batches.chunks
    try:
        await batches.take_up()
        chunks.take(requests)
        async for reply in batches.run():
            yield reply
    except Refused as refusal:
        raise refused(refusal.reason) from None
    except OSError:
        raise unwritable(str(batches.passage.egress_log.path)) from None
    left = send(channel, list(chunks.again), parse=parse, earlier=chunks.earlier, late=late)
    async with aclosing(left):
        async for reply in left:
            yield reply


class _Batches:
    """All batches of one run, from planned to collected."""

    def __init__(self, channel: Channel, parse: Parse, keep: Callable[[], None]) -> None:
        self.conn, self.parse, self.keep = channel.conn, parse, keep
        self.budget, self.price = channel.budget, channel.price
        self.poll, self.say = channel.poll, channel.say
        self.service = Service(channel.client)
        self.passage = self.service.passage
        self.chunks = Chunks(channel, self.passage)
        self.inherited: list[OpenBatch] = []
        self.open: list[OpenBatch] = []

    async def take_up(self) -> None:
        """Find the batches that an earlier run left behind."""
        purpose, host = self.passage.gate.purpose, self.passage.host
        for plan in open_batches(self.conn, purpose):
            if plan.host != host or plan.model != self.price.model:
                continue
            batch_id = plan.batch
            if batch_id is None:
                # Killed between sending it and writing down its id, or before it was sent.
                batch_id = await self.service.find(plan, known_batches(self.conn, host))
                if batch_id is None:
                    batch_ended(self.conn, plan.id)
                    continue
                batch_sent(self.conn, plan.id, batch_id)
            self.say(f"Batch {batch_id} of {len(plan.requests):,} requests is taken up again.")
            notes = zip(plan.requests, plan.notes, strict=True)
            batch = OpenBatch({id: id_only(id, note) for id, note in notes}, plan=plan, id=batch_id)
            self.inherited.append(batch)
            self.chunks.waiting |= dict.fromkeys(plan.requests, batch)

    async def run(self) -> AsyncGenerator[Reply, None]:
        """Send what there is, and yield what comes; what few are left over stay in `again`."""
        wait, chunks = self.poll.first, self.chunks
        while True:
            while len(self.open) < AT_ONCE:
                if (chunk := chunks.next_batch(waits=bool(self.open))) is None:
                    break
                await self._send(chunk)
                while chunks.blocked:
                    yield chunks.blocked.pop()
                wait = self.poll.first
            if chunks.exhausted or chunks.used_up:
                # Not before: by now the requests themselves are known, should some be sent again.
                self.open += self.inherited
                self.inherited = []
            if not self.open:
                if len(chunks.again) <= FEW or chunks.used_up:
                    return
                chunks.once_more()
                continue
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, self.poll.longest)
            for under_way in list(self.open):
                state = await self.service.state(under_way.id, self.price.model)
                if not self._goes_on(under_way, state):
                    async for reply in self._collected(under_way, gone=bool(state and state.gone)):
                        yield reply

    async def _send(self, chunk: OpenBatch) -> None:
        """Send a batch; its id is written down before and after."""
        while chunk.requests:
            plan = plan_batch(
                self.conn,
                host=self.passage.host,
                model=self.price.model,
                purpose=self.passage.gate.purpose,
                requests=list(chunk.requests),
                notes=[request.note for request in chunk.requests.values()],
            )
            entries = [
                {"custom_id": id, "params": request.body(times=self.chunks.times(request))}
                for id, request in chunk.requests.items()
            ]
            about = [pair for request in chunk.requests.values() for pair in request.about]
            known = known_batches(self.conn, self.passage.host)
            try:
                chunk.id = await self.service.make(entries, about, plan, known)
            except Refused as refusal:
                batch_ended(self.conn, plan.id)
                self.chunks.sift(chunk, refusal)
                continue
            batch_sent(self.conn, plan.id, chunk.id)
            chunk.plan = plan
            self.open.append(chunk)
            self.say(f"Batch {chunk.id} of {len(plan.requests):,} requests is sent.")
            return

    def _goes_on(self, under_way: OpenBatch, state: State | None) -> bool:
        if state is None:
            under_way.silent += 1
            if under_way.silent >= GIVE_UP:
                raise without_answers(self.passage.host)
            return True
        under_way.silent = 0
        if state.done != under_way.done:
            under_way.done = state.done
            self.say(f"Batch {under_way.id}: {state.done:,} of {state.total:,} are done.")
        return not (state.ended or state.gone)

    async def _collected(self, under_way: OpenBatch, *, gone: bool) -> AsyncGenerator[Reply, None]:
        """Yield the replies of a batch that has ended, or is given up; then it is done with."""
        if gone:
            self.say(f"Batch {under_way.id} never ended, or is not to be had: it is given up.")
            await self.service.give_up(under_way.id)
        else:
            async for entry in self.service.results(under_way.id, self.price.model):
                request = under_way.requests.pop(str(entry.get("custom_id")), None)
                if request is None:
                    continue
                reply, again = self._read(request, entry.get("result"))
                under_way.count(reply)
                if (final := self._final(reply, again=again)) is not None:
                    yield final
        # Of these nobody says what they cost.
        unsure = sum(under_way.reserved.get(id, 0.0) for id in under_way.requests)
        problem = "expired" if gone else "errored"
        for request in under_way.requests.values():
            final = self._final(Reply(request, None, problem), again=not gone)
            if final is not None:
                yield final
        self.budget.settle(sum(under_way.reserved.values()) - unsure, under_way.cost)
        self.budget.settle(unsure, None)
        self._close(under_way)

    def _read(self, request: Request, result: Any) -> tuple[Reply, bool]:
        """Return what an entry came to, and whether sending it again may help."""
        result = result if isinstance(result, dict) else {}
        kind = result.get("type")
        if kind == "succeeded":
            message = result.get("message")
            return read_reply(request, message, self.parse, price=self.price, batch=True), True
        problem = str(kind) if kind in ("canceled", "expired") else "errored"
        error = result.get("error")
        inner = error.get("error") if isinstance(error, dict) else None
        error_type = inner.get("type") if isinstance(inner, dict) else None
        return Reply(request, None, problem), error_type not in _FOR_GOOD

    def _final(self, reply: Reply, *, again: bool) -> Reply | None:
        """Return the reply with what earlier tries cost; None where it is sent once more."""
        request = reply.request
        self.chunks.waiting.pop(request.id, None)
        reply = reply.after(self.chunks.earlier.pop(request.id, None))
        if again and reply.problem in RETRIED and reply.tries <= AGAIN and request.params:
            self.chunks.earlier[request.id] = reply
            self.chunks.again.append(request)
            return None
        return reply

    def _close(self, under_way: OpenBatch) -> None:
        """Write down what a batch cost, and that nothing more is to come of it."""
        assert under_way.plan is not None
        self.open.remove(under_way)
        usage, requests = under_way.usage, len(under_way.plan.requests)
        if usage is not None:
            self.chunks.rate.learn_batch(requests, usage)
        self.passage.egress_log.settled(
            purpose=self.passage.gate.purpose,
            host=self.passage.host,
            batch=under_way.id,
            model=self.price.model,
            requests=requests,
            **(logged(usage, under_way.cost) if usage is not None else {}),
        )
        self.keep()
        batch_ended(self.conn, under_way.plan.id)
