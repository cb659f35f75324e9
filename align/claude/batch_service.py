"""A provider's batches: made, found again, polled, and their results read.

Imports anthropic: import this module inside functions.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from anthropic import AnthropicError, APIConnectionError, APIStatusError, AsyncAnthropic

from align.claude.client import calling, passage_of
from align.claude.failures import is_passing, stop_at, without_answers
from align.store.batches import Batch

# A batch's clock is the provider's: it may run behind ours.
SKEW = timedelta(minutes=10)
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
_PAGE = 100


@dataclass(frozen=True, slots=True)
class State:
    """How far a batch is."""

    ended: bool  # whether its results are there
    gone: bool  # whether it is not to be had any more: unknown, put away, or long past its time
    done: int  # how many of its requests are done
    total: int  # how many there are


class Service:
    """The batches of one client."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._batches = client.messages.batches
        # A batch that is made twice is paid twice: the SDK must not repeat that by itself.
        self._once = client.with_options(max_retries=0).messages.batches
        self._tries = client.max_retries + 1
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
                    made = await self._once.create(requests=list(entries))
                return str(made.id)
            except APIStatusError as error:
                self._end_at(error, plan.model)
            except APIConnectionError as error:
                # The answer may have been lost, and not the batch.
                if not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                    batch_id = await self.find(plan, known)
                    if batch_id is not None:
                        return batch_id
            if attempt + 1 < self._tries:
                await asyncio.sleep(min(FIRST_WAIT * 2**attempt, LONGEST_WAIT))
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
                    counts = batch.request_counts
                    total = sum(vars(counts)[name] for name in _COUNTS)
                    if batch.id not in known and total == len(plan.requests):
                        fitting.append((batch.created_at, batch.id))
        except APIStatusError as error:
            self._end_at(error, plan.model)
            raise without_answers(self.passage.host) from None
        except APIConnectionError:
            raise without_answers(self.passage.host) from None
        return min(fitting)[1] if fitting else None

    async def state(self, id: str, model: str) -> State | None:
        """Return how far a batch is, or None where nobody says just now."""
        try:
            with calling():
                batch = await self._batches.retrieve(id)
        except APIStatusError as error:
            if error.status_code == 404:
                return State(ended=False, gone=True, done=0, total=0)
            self._end_at(error, model)
            return None
        except APIConnectionError:
            return None
        counts = vars(batch.request_counts)
        total = sum(counts[name] for name in _COUNTS)
        ended = batch.processing_status == "ended"
        late = datetime.now(UTC) > batch.expires_at + timedelta(hours=1)
        # Ended, and without results: they were put away.
        gone = (ended and not batch.results_url) or (late and not ended)
        return State(ended and not gone, gone, total - counts["processing"], total)

    async def give_up(self, id: str) -> None:
        """Tell the provider that nobody waits for a batch any more; it may not care."""
        try:
            with calling():
                await self._batches.cancel(id)
        except (APIStatusError, APIConnectionError):
            return

    async def results(self, id: str, model: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the entries of an ended batch, in any order; some twice where they broke off.

        Raises:
            UserError: They break off again and again.
        """
        for attempt in range(self._tries):
            try:
                reading = self._batches.with_streaming_response.results(id)
                # Only while it is opened: what is set around a `yield` is set for the reader too.
                with calling():
                    response = await reading.__aenter__()
                try:
                    async for entry in _entries(response):
                        yield entry
                finally:
                    await reading.__aexit__(None, None, None)
                return
            except APIStatusError as error:
                self._end_at(error, model)
            except (AnthropicError, httpx2.HTTPError, _BrokenOff):
                pass
            await asyncio.sleep(min(FIRST_WAIT * 2**attempt, LONGEST_WAIT))
        raise without_answers(self.passage.host)

    def _end_at(self, error: APIStatusError, model: str) -> None:
        """Raise where a status ends the run."""
        status, host = error.status_code, self.passage.host
        stop = stop_at(status, error.type, error.request_id, host=host, model=model, answered=False)
        if stop is None and not is_passing(status):
            stop = without_answers(host)
        if stop is not None:
            raise stop from None


_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


class _BrokenOff(Exception):
    """The last line of the results is cut."""


async def _entries(response: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of JSON lines; what is none is passed over, unless it is the end."""
    rest = b""
    async for chunk in response.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if (entry := _object(line)) is not None:
                yield entry
    if rest.strip():
        entry = _object(rest)
        if entry is None:
            raise _BrokenOff
        yield entry


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
