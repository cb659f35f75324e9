"""Send requests one by one, a few at a time, and yield the replies as they come.

Imports anthropic: import this module inside functions.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from typing import Any

import httpx2
from anthropic import APIConnectionError, APIStatusError, AsyncAnthropic

from align.claude.client import calling, passage_of
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
from align.claude.prices import Price
from align.claude.replies import AGAIN, RETRIED, Parse, Reply, read_reply
from align.claude.requests import Request
from align.claude.spending import Budget, Rate, tokens_of, worst_case
from align.privacy.egress import Refused

Say = Callable[[str], None]

# Seconds before an attempt is repeated, doubled each time up to the second.
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
# A provider that asks for more is asked again after this: the next refusal says how long still.
LONGEST_ASKED_WAIT = 120.0
# A longer wait is worth a line.
SAID_FROM = 5.0
# No word from the provider on when to come again: our own waits hold.
NO_WORD = -1.0


async def send(
    client: AsyncAnthropic,
    requests: Iterable[Request],
    *,
    parse: Parse,
    budget: Budget,
    price: Price,
    concurrency: int = 16,
    rate: Rate | None = None,
    total: int | None = None,
    earlier: Mapping[str, Reply] | None = None,
    late: Callable[[Reply], None] = lambda reply: None,
    progress: Say | None = None,
) -> AsyncGenerator[Reply, None]:
    """Yield a reply to each request, in the order in which they come.

    Where fewer than all replies are taken, close it (`contextlib.aclosing`): no task stays behind,
    and what came by then goes to `late`.

    Args:
        client: From `align.claude.client.open_client`.
        requests: Taken one by one, a few ahead of the replies.
        parse: Makes a value of a reply's text, or raises ValueError.
        budget: Where it is used up, no more is sent; it then says how many were left.
        price: Of the model.
        concurrency: How many are under way at once.
        rate: What earlier replies have shown; learns from these.
        total: How many requests there are, if that is known: else those left out are counted by
            taking them all.
        earlier: What the same requests came to when they were asked before, by id.
        late: Gets, when it is closed early, the replies that came and that nobody took.
        progress: Gets a line where something is worth saying.

    Raises:
        UserError: The provider refuses the key, the account or the model, or fails again and again.
    """
    sending = _Sending(client, requests, parse, budget, price, rate or Rate(), total)
    sending.say, sending.earlier = progress or sending.say, earlier or {}
    workers = [asyncio.create_task(sending.work()) for _ in range(concurrency)]
    working = len(workers)
    try:
        while working:
            came = await sending.replies.get()
            if came is None:
                working -= 1
            elif isinstance(came, BaseException):
                raise came
            else:
                sending.replied += 1
                yield came
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
        client: AsyncAnthropic,
        requests: Iterable[Request],
        parse: Parse,
        budget: Budget,
        price: Price,
        rate: Rate,
        total: int | None,
    ) -> None:
        # The SDK's own repetitions are not used: of an attempt that broke off nobody knows whether
        # it was paid, and the budget has to hold before the next one.
        self.client = client.with_options(max_retries=0).messages.with_raw_response
        self.passage = passage_of(client)
        self.retries = client.max_retries
        self.requests: Iterator[Request] = iter(requests)
        self.parse, self.budget, self.price, self.rate = parse, budget, price, rate
        self.total, self.taken, self.replied, self.under_way = total, 0, 0, 0
        self.replies: asyncio.Queue[Reply | BaseException | None] = asyncio.Queue(4)
        self.stopped_with: list[Reply] = []
        self.failed = self.unheard = 0
        self.heard = self.answered = self.used_up = False
        self.not_before = 0.0
        self.settled = asyncio.Event()
        self.warm: dict[int, asyncio.Event] = {}
        self.earlier: Mapping[str, Reply] = {}
        self.say: Say = lambda line: None

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
            if isinstance(came := self.replies.get_nowait(), Reply):
                self.stopped_with.append(came)
        return self.stopped_with

    def count_unasked(self) -> None:
        """Note how many requests the budget left out."""
        if not self.used_up:
            return
        everything = (
            self.taken + sum(1 for _ in self.requests) if self.total is None else self.total
        )
        self.budget.unasked += everything - self.replied
        self.say(f"The budget is used up: {everything - self.replied:,} requests were not sent.")

    async def _reply(self, request: Request) -> Reply | None:
        """Ask once, and again where that may help; None where the budget leaves it out."""
        reply = self.earlier.get(request.id)
        asked = reply.asked if reply is not None else 0
        longer = 2**asked if reply is not None and reply.problem == "truncated" else 1
        for _ in range(1 + AGAIN - asked):
            came, again = await self._warmly(request, longer)
            if came is None:
                break
            reply = came.after(reply)
            if not again or reply.problem not in RETRIED:
                break
            longer *= 2 if reply.problem == "truncated" else 1
        return reply

    async def _warmly(self, request: Request, longer: int) -> tuple[Reply | None, bool]:
        """Ask; the first to share a part goes ahead, so that the others find it in the cache."""
        # Far below the minimum nothing is cached; near it our own count may err.
        if request.ttl is None or tokens_of(request.shared) * 2 < self.price.cache_minimum:
            return await self._ask(request, longer)
        named = hash(request.shared)
        if (first := self.warm.get(named)) is not None:
            await first.wait()
            return await self._ask(request, longer)
        first = self.warm[named] = asyncio.Event()
        try:
            return await self._ask(request, longer)
        finally:
            first.set()

    async def _ask(self, request: Request, longer: int) -> tuple[Reply | None, bool]:
        """Return what one asking came to, and whether another may help; repeats attempts."""
        body = request.body(times=longer)
        worst = worst_case(request, self.price, self.rate, batch=False, times=longer)
        reply: Reply | None = None
        for attempt in range(self.retries + 1):
            await self._pause()
            if not await self._reserved(worst):
                self.used_up = True
                return reply, False
            came = await self._attempt(request, body, worst)
            if isinstance(came, Reply):
                return came, True
            reply = Reply(request, None, "errored")
            if came is None:
                return reply, False
            if attempt < self.retries:
                wait = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) * random.uniform(0.75, 1.0)
                await asyncio.sleep(wait if came == NO_WORD else came)
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
            self.heard = True
            if call.message is None:
                return NO_WORD
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
            return self._no_answer()
        except OSError:
            raise unwritable(str(self.passage.egress_log.path)) from None
        finally:
            self.under_way -= 1
            self.budget.settle(worst, spent)
            self.settled.set()

    def _blocked(self, request: Request, refusal: Refused) -> Reply:
        if not is_of_the_body(refusal):
            raise refused(refusal.reason) from None
        return Reply(request, None, "blocked", asked=0)

    def _status(self, error: APIStatusError, request: Request) -> float | None:
        """Return the wait after a status, None where no repetition helps; or end the run."""
        self.heard = True
        status, model, host = error.status_code, request.model, self.passage.host
        stop = stop_at(
            status, error.type, error.request_id, host=host, model=model, answered=self.answered
        )
        if stop is not None:
            raise stop from None
        if not is_passing(status):
            return None
        asked_for = _retry_after(error.response.headers)
        if asked_for is None:
            return NO_WORD
        # It is the account that is to wait, not this request alone.
        self.not_before = max(self.not_before, asyncio.get_running_loop().time() + asked_for)
        if asked_for >= SAID_FROM:
            self.say(f"{host} asks to wait {asked_for:.0f} s.")
        return 0.0

    def _no_answer(self) -> float:
        self.unheard += 1
        if not self.heard and self.unheard >= GIVE_UP:
            raise unreachable(self.passage.host) from None
        return NO_WORD


def _retry_after(headers: Any) -> float | None:
    """Return the seconds that a provider asks to wait; None where it says nothing of the kind."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name)) * unit
        except (TypeError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_ASKED_WAIT)
    return None
