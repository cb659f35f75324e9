"""A provider's batches: made, found again, polled, cancelled, and their results read.

Imports anthropic: import this module inside functions.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from anthropic import AnthropicError, APIConnectionError, APIStatusError, AsyncAnthropic

from align.claude.channel import Poll
from align.claude.client import NoMessage, calling, passage_of
from align.claude.failures import GIVE_UP, is_passing, results_short, stop_at, without_answers
from align.claude.replies import loaded
from align.store.batches import Batch

# A batch's clock is the provider's: it may run behind ours.
SKEW = timedelta(minutes=10)
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
# Where the results lack a larger share of what was done, it is not bought again.
LOST_AT_MOST = 0.1
_PAGE = 100
_PASSING = (APIConnectionError, NoMessage)


class Service:
    """The batches of one client that ask one model."""

    def __init__(self, client: AsyncAnthropic, model: str) -> None:
        self._batches = client.messages.batches
        # A batch that is made twice is paid twice: the SDK must not repeat that by itself.
        self._once = client.with_options(max_retries=0).messages.batches
        self._tries, self._model = client.max_retries + 1, model
        self.passage = passage_of(client)

    async def make(
        self, entries: Sequence[dict[str, Any]], about: Sequence[str], plan: Batch, known: set[str]
    ) -> str:
        """Make a batch of entries, `custom_id` and `params`, and return its id.

        It shows the pairs `about`; `plan` is what was written down of it, `known` are the ids of
        batches that are another's.

        Raises:
            Refused: The gate does not let it pass.
            UserError: The provider refuses, or fails again and again.
        """
        for attempt in range(self._tries):
            try:
                with calling(about):
                    return str((await self._once.create(requests=list(entries))).id)
            except APIStatusError as error:
                self._end_at(error)
            except _PASSING as error:
                # The answer may have been lost, and not the batch.
                if not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                    batch_id = await self.find(plan, known)
                    if batch_id is not None:
                        return batch_id
            await self._wait(attempt)
        raise without_answers(self.passage.host)

    async def find(self, plan: Batch, known: set[str]) -> str | None:
        """Return the id of the batch that a plan became, or None where it was never made."""
        since = datetime.fromisoformat(plan.planned) - SKEW
        fitting: list[tuple[datetime, str]] = []
        try:
            with calling():
                async for batch in self._batches.list(limit=_PAGE):
                    if batch.created_at < since:
                        break
                    if batch.id not in known and _counts(batch)[1] == len(plan.requests):
                        fitting.append((batch.created_at, batch.id))
        except APIStatusError as error:
            self._end_at(error)
            raise without_answers(self.passage.host) from None
        except _PASSING:
            raise without_answers(self.passage.host) from None
        return min(fitting)[1] if fitting else None

    async def ended(self, id: str, poll: Poll, say: Callable[[str], None]) -> int | None:
        """Return how many entries a batch has, once it has ended.

        None where it is not to be had: unknown, put away, or long past its time. UserError: nobody
        says how it goes, again and again.
        """
        wait, silent, seen = poll.first, 0, 0
        while silent < GIVE_UP:
            await asyncio.sleep(wait)
            wait, silent = min(wait * 1.5, poll.longest), silent + 1
            try:
                with calling():
                    batch = await self._batches.retrieve(id)
            except APIStatusError as error:
                if error.status_code == 404:
                    return None
                self._end_at(error)
                continue
            except _PASSING:
                continue
            silent, (done, total) = 0, _counts(batch)
            if done != seen:
                seen = done
                say(f"Batch {id}: {done:,} of {total:,} are done.")
            if batch.processing_status == "ended":
                return total if batch.results_url else None
            if datetime.now(UTC) > batch.expires_at + timedelta(hours=1):
                return None
        raise without_answers(self.passage.host)

    async def cancel(self, id: str) -> None:
        """Tell the provider that nobody waits for a batch any more; it may not care."""
        try:
            with calling():
                await self._batches.cancel(id)
        except (APIStatusError, *_PASSING):
            return

    async def results(self, id: str, count: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the entries of an ended batch, each once, in any order; there are to be `count`.

        Raises:
            UserError: They break off again and again, or lack many.
        """
        seen = set[str]()
        is_whole = False
        for attempt in range(self._tries):
            try:
                reading = self._batches.with_streaming_response.results(id)
                # Only while it is opened: what is set around a `yield` is set for the reader too.
                with calling():
                    response = await reading.__aenter__()
                try:
                    async for entry in _entries(response):
                        if (name := str(entry.get("custom_id"))) not in seen:
                            seen.add(name)
                            yield entry
                finally:
                    await reading.__aexit__(None, None, None)
                is_whole = True
                if len(seen) >= count:
                    return
            except APIStatusError as error:
                self._end_at(error)
            except (AnthropicError, httpx2.HTTPError, _BrokenOff):
                pass
            await self._wait(attempt)
        if not is_whole:
            raise without_answers(self.passage.host)
        if len(seen) < count * (1 - LOST_AT_MOST):
            raise results_short(self.passage.host, id, len(seen), count)

    async def _wait(self, attempt: int) -> None:
        if attempt + 1 < self._tries:
            await asyncio.sleep(min(FIRST_WAIT * 2**attempt, LONGEST_WAIT))

    def _end_at(self, error: APIStatusError) -> None:
        """Raise where a status ends the run."""
        status, host, model = error.status_code, self.passage.host, self._model
        stop = stop_at(status, error.type, error.request_id, host=host, model=model, answered=False)
        if stop is None and not is_passing(status):
            stop = without_answers(host)
        if stop is not None:
            raise stop from None


def _counts(batch: Any) -> tuple[int, int]:
    """Return how many of a batch's requests are done, and how many there are."""
    counts = batch.request_counts
    done = counts.succeeded + counts.errored + counts.canceled + counts.expired
    return done, done + counts.processing


class _BrokenOff(Exception):
    """The last line of the results is cut."""


async def _entries(response: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of JSON lines; what is none is passed over, unless it is the end."""
    rest = b""
    async for chunk in response.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if isinstance(entry := loaded(line), dict):
                yield entry
    if rest.strip():
        if not isinstance(entry := loaded(rest), dict):
            raise _BrokenOff
        yield entry
