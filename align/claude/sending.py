"""Send requests one by one, a few at a time, and yield the replies as they come.

Imports anthropic: import this module inside functions.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping

from anthropic import APIConnectionError, APIStatusError

from align.claude.budget import OverBudget
from align.claude.channel import Channel
from align.claude.client import NoMessage, calling, passage_of
from align.claude.estimates import tokens_of, worst_case
from align.claude.failures import is_of_the_body, is_passing, refused, stop_at, unwritable
from align.claude.replies import Parse, Reply, read_reply
from align.claude.requests import Request
from align.privacy.egress import Refused

# Seconds without any reply, after which a line says so.
QUIET = 20.0
# Seconds in which those under way may still end, where the run is stopped.
GRACE = 10.0


async def send(
    channel: Channel,
    requests: Iterable[Request],
    *,
    parse: Parse,
    earlier: Mapping[str, Reply] | None = None,
    keep: Callable[[], None] = lambda: None,
    late: Callable[[Reply], None] = lambda reply: None,
) -> AsyncGenerator[Reply, None]:
    """Yield a reply to each request, in the order in which they come.

    Where fewer than all replies are taken, close it (`contextlib.aclosing`): what is under way may
    end then, no task stays behind, and what came by then and nobody took goes to `late`. Requests
    are taken one by one, a few ahead of the replies; `parse` makes a value of a reply's text, or
    raises ValueError; `earlier` is what the same requests came to when they were sent before, by
    id. Nobody else has the replies: `keep` makes those so far last, before more are waited for.

    Raises:
        UserError: The provider refuses the key, the account or the model, or fails again and again.
    """
    sending = _Sending(channel, requests, parse, earlier or {})
    workers = [asyncio.create_task(sending.work()) for _ in range(channel.concurrency)]
    working = len(workers)
    silence = f"{sending.passage.host} has answered nothing for {QUIET:.0f} s; it is tried on."
    told = asyncio.get_running_loop().call_later(QUIET, channel.say, silence)
    try:
        while working:
            if sending.unkept and sending.replies.empty():
                sending.unkept = False
                keep()
            item = await sending.replies.get()
            if item is None:
                working -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                told.cancel()
                sending.replied += 1
                sending.unkept = True
                yield item
        while sending.doubtful:
            sending.replied += 1
            yield sending.doubtful.pop(0)
        sending.count_unasked()
    finally:
        told.cancel()
        await sending.stop(workers)
        for reply in sending.untaken():
            late(reply.in_passing())


class _Sending:
    """The state that the workers share."""

    def __init__(
        self,
        channel: Channel,
        requests: Iterable[Request],
        parse: Parse,
        earlier: Mapping[str, Reply],
    ) -> None:
        self.client = channel.client.messages.with_raw_response
        self.passage = passage_of(channel.client)
        self.passage.say = self.say = channel.say
        self.requests: Iterator[Request] = iter(requests)
        self.parse, self.earlier = parse, earlier
        self.budget, self.price = channel.budget, channel.price
        self.taken = self.replied = 0
        self.replies: asyncio.Queue[Reply | BaseException | None] = asyncio.Queue(4)
        # Those of no use since the last one of use: where none follows, they are no answers.
        self.doubtful: list[Reply] = []
        self.stopped_with: list[Reply] = []
        self.answered = self.used_up = self.stopping = self.unkept = False
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
        if reply.problem not in (None, "blocked"):
            self.doubtful.append(reply)
            return
        coming, self.doubtful = [*self.doubtful, reply], []
        try:
            while coming:
                await self.replies.put(coming[0])
                del coming[0]
        except asyncio.CancelledError:
            self.stopped_with += coming
            raise

    async def stop(self, workers: list[asyncio.Task[None]]) -> None:
        """Wait for what is under way, which is paid; then end all workers."""
        self.used_up = self.stopping = True
        if count := self.passage.under_way:
            self.say(f"Waiting for the answers that are under way: {count:,}.")
        clock = asyncio.get_running_loop().time
        until = clock() + GRACE
        try:
            while self.passage.under_way and clock() < until:
                await asyncio.sleep(0.02)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def untaken(self) -> list[Reply]:
        """Return the replies that came and that nobody took."""
        while not self.replies.empty():
            if isinstance(item := self.replies.get_nowait(), Reply):
                self.stopped_with.append(item)
        return self.stopped_with + self.doubtful

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
        again = True
        while reply is None or (again and reply.is_tried_again and not self.stopping):
            next_reply, again = await self._ask_cached(request, reply.room if reply else 1)
            if next_reply is None:
                break
            reply = next_reply.after(reply)
        return reply

    async def _ask_cached(self, request: Request, times: int) -> tuple[Reply | None, bool]:
        """Ask; the first to share a part goes ahead, so that the others find it in the cache."""
        key, is_first = hash(request.shared), False
        if key in self.cached:
            await self.cached[key].wait()
        # Far below the minimum nothing is cached; near it our own count may err.
        elif request.is_cached and tokens_of(request.shared) * 2 >= self.price.cache_minimum:
            self.cached[key], is_first = asyncio.Event(), True
        try:
            return await self._ask(request, times)
        finally:
            if is_first:
                self.cached[key].set()

    async def _ask(self, request: Request, times: int) -> tuple[Reply | None, bool]:
        """Return what one try came to, and whether another may help; the SDK repeats attempts."""
        worst = worst_case(request, self.price, batch=False, times=times)
        reply, again = Reply(request, None, "errored"), True
        try:
            with calling(request.about, worst) as call:
                await self.client.create(**request.body(times=times))
            reply = read_reply(request, call.message, self.parse, price=self.price, batch=False)
            self.answered = True
        except OverBudget:
            self.used_up = True
            return None, False
        except Refused as refusal:
            if not is_of_the_body(refusal):
                raise refused(refusal.reason) from None
            reply = Reply(request, None, "blocked", tries=0)
        except APIStatusError as error:
            again = self._may_pass(error, request)
        except (APIConnectionError, NoMessage):
            pass
        except OSError:
            raise unwritable(str(self.passage.egress_log.path)) from None
        self.passage.count(reply.problem)
        return reply, again

    def _may_pass(self, error: APIStatusError, request: Request) -> bool:
        """Tell whether trying again may help after a status; UserError where it ends the run."""
        status, host, headers = error.status_code, self.passage.host, error.response.headers
        stop = stop_at(
            status, error.type, error.request_id, host=host, model=request.model,
            answered=self.answered,
        )  # fmt: skip
        if stop is not None:
            raise stop from None
        return is_passing(status) and headers.get("x-should-retry") != "false"
