"""Send requests one by one, a few at a time, and yield the replies as they come.

Imports anthropic: import this module inside functions.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from typing import Any

import httpx2
from anthropic import APIConnectionError, APIStatusError

from align.claude.channel import Channel
from align.claude.client import calling, passage_of
from align.claude.estimates import tokens_of, worst_case
from align.claude.failures import (
    GIVE_UP,
    is_of_the_body,
    is_passing,
    refused,
    stop_at,
    unreachable,
    unwritable,
    without_answers,
)
from align.claude.replies import AGAIN, RETRIED, Parse, Reply, read_reply
from align.claude.requests import Request
from align.privacy.egress import Refused

# Seconds before an attempt is repeated, doubled each time up to the second.
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
# A provider that asks for a longer wait is tried again after this: its next refusal says more.
LONGEST_RETRY_AFTER = 120.0
# A longer wait is worth a line.
TOLD_FROM = 5.0
# The provider does not say how long to wait: our own waits hold.
OWN_WAIT = -1.0


async def send(
    channel: Channel,
    requests: Iterable[Request],
    *,
    parse: Parse,
    earlier: Mapping[str, Reply] | None = None,
    late: Callable[[Reply], None] = lambda reply: None,
) -> AsyncGenerator[Reply, None]:
    """Yield a reply to each request, in the order in which they come.

    Where fewer than all replies are taken, close it (`contextlib.aclosing`): no task stays behind,
    and what came by then and nobody took goes to `late`. Requests are taken one by one, a few ahead
    of the replies; `parse` makes a value of a reply's text, or raises ValueError; `earlier` is what
    the same requests came to when they were sent before, by id.

    Raises:
        UserError: The provider refuses the key, the account or the model, or fails again and again.
    """
    sending = _Sending(channel, requests, parse, earlier or {})
    workers = [asyncio.create_task(sending.work()) for _ in range(channel.concurrency)]
    working = len(workers)
    try:
        while working:
            item = await sending.replies.get()
            if item is None:
                working -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                sending.replied += 1
                yield item
        sending.count_unasked()
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for reply in sending.untaken():
            late(reply)


class _Sending:
    """The state that the workers share."""

    def __init__(
        self,
        channel: Channel,
        requests: Iterable[Request],
        parse: Parse,
        earlier: Mapping[str, Reply],
    ) -> None:
        client = channel.client
        # The SDK's own repetitions are not used: of an attempt that broke off nobody knows whether
        # it was paid, and the budget has to hold before the next one.
        self.client = client.with_options(max_retries=0).messages.with_raw_response
        self.passage = passage_of(client)
        self.retries = client.max_retries
        self.requests: Iterator[Request] = iter(requests)
        self.parse, self.earlier, self.say = parse, earlier, channel.say
        self.budget, self.price, self.rate = channel.budget, channel.price, channel.rate
        self.taken = self.replied = self.under_way = 0
        self.replies: asyncio.Queue[Reply | BaseException | None] = asyncio.Queue(4)
        self.stopped_with: list[Reply] = []
        self.failed = self.unanswered = 0
        self.reached = self.answered = self.used_up = False
        self.not_before = 0.0
        self.settled = asyncio.Event()
        # Of each shared part, whether the first request with it was answered.
        self.cached: dict[int, asyncio.Event] = {}

    async def work(self) -> None:
        """Take requests until there are none, and put each reply where it is read."""
        try:
            while not self.used_up and (request := next(self.requests, None)) is not None:
                self.taken += 1
                reply = await self._reply(request)
                if reply is not None:
                    await self._put(reply)
            await self.replies.put(None)
        except Exception as error:
            # Raised again where the replies are read.
            await self.replies.put(error)

    async def _put(self, reply: Reply) -> None:
        try:
            await self.replies.put(reply)
        except asyncio.CancelledError:
            self.stopped_with.append(reply)
            raise

    def untaken(self) -> list[Reply]:
        """Return the replies that came and that nobody took."""
        while not self.replies.empty():
            if isinstance(item := self.replies.get_nowait(), Reply):
                self.stopped_with.append(item)
        return self.stopped_with

    def count_unasked(self) -> None:
        """Note how many requests the budget left out."""
        if not self.used_up:
            return
        unasked = self.taken + sum(1 for _ in self.requests) - self.replied
        self.budget.unasked += unasked
        self.say(f"The budget is used up: {unasked:,} requests were not sent.")

    async def _reply(self, request: Request) -> Reply | None:
        """Ask once, and again where that may help; None where the budget leaves it out."""
        reply = self.earlier.get(request.id)
        tries = reply.tries if reply is not None else 0
        times = 2**tries if reply is not None and reply.problem == "truncated" else 1
        for _ in range(1 + AGAIN - tries):
            next_reply, again = await self._ask_cached(request, times)
            if next_reply is None:
                break
            reply = next_reply.after(reply)
            if not again or reply.problem not in RETRIED:
                break
            times *= 2 if reply.problem == "truncated" else 1
        return reply

    async def _ask_cached(self, request: Request, times: int) -> tuple[Reply | None, bool]:
        """Ask; the first to share a part goes ahead, so that the others find it in the cache."""
        # Far below the minimum nothing is cached; near it our own count may err.
        if request.ttl is None or tokens_of(request.shared) * 2 < self.price.cache_minimum:
            return await self._ask(request, times)
        key = hash(request.shared)
        if (first := self.cached.get(key)) is not None:
            await first.wait()
            return await self._ask(request, times)
        first = self.cached[key] = asyncio.Event()
        try:
            return await self._ask(request, times)
        finally:
            first.set()

    async def _ask(self, request: Request, times: int) -> tuple[Reply | None, bool]:
        """Return what one try came to, and whether another may help; repeats attempts."""
        body = request.body(times=times)
        worst = worst_case(request, self.price, self.rate, batch=False, times=times)
        reply: Reply | None = None
        for attempt in range(self.retries + 1):
            await self._pause()
            if not await self._reserved(worst):
                self.used_up = True
                return reply, False
            result = await self._attempt(request, body, worst)
            if isinstance(result, Reply):
                return result, True
            reply = Reply(request, None, "errored")
            if result is None:
                return reply, False
            if attempt < self.retries:
                wait = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) * random.uniform(0.75, 1.0)
                await asyncio.sleep(wait if result == OWN_WAIT else result)
        self.failed += 1
        if self.failed >= GIVE_UP:
            raise without_answers(self.passage.host)
        return reply, True

    async def _reserved(self, worst: float) -> bool:
        """Set money aside, waiting for what is under way to cost less than it might."""
        while not self.budget.reserve(worst):
            if not self.under_way:
                return False
            self.settled.clear()
            await self.settled.wait()
        return True

    async def _pause(self) -> None:
        """Wait until the provider wants to be asked again."""
        while (wait := self.not_before - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)

    async def _attempt(
        self, request: Request, body: dict[str, Any], worst: float
    ) -> Reply | float | None:
        """Return a reply; else the seconds to wait before the next attempt, None if none helps."""
        spent: float | None = None
        self.under_way += 1
        try:
            with calling(request.about) as call:
                await self.client.create(**body)
            self.reached = True
            if call.message is None:
                return OWN_WAIT
            reply = read_reply(request, call.message, self.parse, price=self.price, batch=False)
            spent = reply.cost
            if reply.usage is not None:
                self.rate.learn(call.size, reply.usage)
            self.failed, self.answered = 0, True
            return reply
        except Refused as refusal:
            spent = 0.0
            return self._blocked(request, refusal)
        except APIStatusError as error:
            spent = 0.0
            return self._status(error, request)
        except APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                spent = 0.0
            return self._unanswered()
        except OSError:
            raise unwritable(str(self.passage.egress_log.path)) from None
        finally:
            self.under_way -= 1
            self.budget.settle(worst, spent)
            self.settled.set()

    def _blocked(self, request: Request, refusal: Refused) -> Reply:
        if not is_of_the_body(refusal):
            raise refused(refusal.reason) from None
        return Reply(request, None, "blocked", tries=0)

    def _status(self, error: APIStatusError, request: Request) -> float | None:
        """Return the wait after a status, None where no repetition helps; or end the run."""
        self.reached = True
        status, model, host = error.status_code, request.model, self.passage.host
        stop = stop_at(
            status, error.type, error.request_id, host=host, model=model, answered=self.answered
        )
        if stop is not None:
            raise stop from None
        if not is_passing(status):
            return None
        wait = _retry_after(error.response.headers)
        if wait is None:
            return OWN_WAIT
        # It is the account that is to wait, not this request alone.
        self.not_before = max(self.not_before, asyncio.get_running_loop().time() + wait)
        if wait >= TOLD_FROM:
            self.say(f"{host} asks to wait {wait:.0f} s.")
        return 0.0

    def _unanswered(self) -> float:
        self.unanswered += 1
        if not self.reached and self.unanswered >= GIVE_UP:
            raise unreachable(self.passage.host) from None
        return OWN_WAIT


def _retry_after(headers: Any) -> float | None:
    """Return the seconds that a provider asks to wait; None where it says nothing of the kind."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name)) * unit
        except (TypeError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_RETRY_AFTER)
    return None
