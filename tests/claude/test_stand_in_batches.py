"""The stand-in for Anthropic's API, as the plain SDK sees it: batches."""

import asyncio
import time
from typing import Any

import anthropic
import pytest

from tests.anthropic_server import faults as wrong
from tests.anthropic_server import serve
from tests.anthropic_server.faults import Fault
from tests.claude.plain_sdk import (
    asked,
    entries,
    results_of,
    with_client,
)


def test_a_batch_ends_in_its_time_and_its_results_come_shuffled() -> None:
    async def run(client: Any) -> Any:
        batches = client.messages.batches
        made = await batches.create(requests=entries(50))
        waiting = await batches.retrieve(made.id)
        with pytest.raises(anthropic.AnthropicError, match="results_url"):
            await batches.results(made.id)
        server.finish_batches()
        ended = await batches.retrieve(made.id)
        lines = [line async for line in await batches.results(made.id)]
        return made, waiting, ended, lines

    with serve(batch_seconds=None) as server:
        made, waiting, ended, lines = with_client(server, run)
    for batch in (made, waiting):
        assert batch.processing_status == "in_progress"
        assert batch.results_url is None and batch.request_counts.processing == 50
    assert ended.processing_status == "ended" and ended.ended_at is not None
    assert ended.results_url == f"{server.url}/v1/messages/batches/{made.id}/results"
    assert ended.request_counts.succeeded == 50
    assert (made.expires_at - made.created_at).total_seconds() == 24 * 3600
    ids = [line.custom_id for line in lines]
    assert ids != sorted(ids, key=lambda name: int(name.split("-")[1]))
    assert sorted(ids) == sorted(entry["custom_id"] for entry in entries(50))


def test_a_batch_takes_as_long_as_it_was_told() -> None:
    async def run(client: Any) -> Any:
        begun = time.monotonic()
        batch = early = await client.messages.batches.create(requests=entries(1))
        while batch.processing_status != "ended":
            await asyncio.sleep(0.02)
            batch = await client.messages.batches.retrieve(batch.id)
        return early, time.monotonic() - begun

    with serve(batch_seconds=0.25) as server:
        early, took = with_client(server, run)
    assert early.processing_status == "in_progress" and took >= 0.25


def test_each_entry_of_a_batch_fails_in_its_own_way() -> None:
    script = [
        wrong.ERRORED, wrong.INVALID, wrong.EXPIRED, wrong.CANCELED, wrong.MISSING, wrong.STRANGER,
    ]  # fmt: skip

    async def run(client: Any) -> Any:
        batch = await client.messages.batches.create(requests=entries(7))
        lines = [line async for line in await client.messages.batches.results(batch.id)]
        counts = (await client.messages.batches.retrieve(batch.id)).request_counts
        return {line.custom_id: line.result for line in lines}, counts

    with serve(entry_faults=script) as server:
        results, counts = with_client(server, run)
    assert results["entry-0"].error.error.type == "api_error"
    assert results["entry-1"].error.error.type == "invalid_request_error"
    kinds = {name: result.type for name, result in results.items()}
    assert kinds == {
        "entry-0": "errored",
        "entry-1": "errored",
        "entry-2": "expired",
        "entry-3": "canceled",
        "entry-5": "succeeded",
        "nobody-s": "succeeded",
        "entry-6": "succeeded",
    }
    assert (counts.errored, counts.expired, counts.canceled, counts.succeeded) == (2, 1, 1, 3)
    assert [bill.tier for bill in server.seen.billed] == ["batch", "batch"]


def test_what_an_entry_asks_is_looked_at_in_its_turn() -> None:
    with serve() as server:
        wrong_model = {"custom_id": "x", "params": asked(model="claude-haiku-0")}
        lines = with_client(server, lambda client: results_of(client, [*entries(1), wrong_model]))
    results = {line.custom_id: line.result for line in lines}
    assert results["entry-0"].type == "succeeded"
    assert results["x"].error.error.type == "not_found_error"


@pytest.mark.parametrize(
    ("names", "words"),
    [(["a b"], "should match pattern"), (["x" * 65], "should match"), (["a", "a"], "unique")],
)
def test_an_id_in_a_batch_is_well_formed_and_alone(names: list[str], words: str) -> None:
    requests = [{"custom_id": name, "params": asked()} for name in names]
    with serve() as server, pytest.raises(anthropic.BadRequestError, match=words):
        with_client(server, lambda client: client.messages.batches.create(requests=requests))


def test_a_batch_that_never_ends_is_as_old_as_it_was_told() -> None:
    async def run(client: Any) -> Any:
        batch = await client.messages.batches.create(requests=entries(2))
        server.finish_batches()
        return await client.messages.batches.retrieve(batch.id)

    with serve(batch_faults=[wrong.never_ends(age=26 * 3600)]) as server:
        batch = with_client(server, run)
    assert batch.processing_status == "in_progress"
    assert batch.expires_at.timestamp() < time.time() - 3600


def test_results_elsewhere_are_asked_for_elsewhere() -> None:
    with serve() as elsewhere:
        fault = wrong.results_at(f"{elsewhere.url}/v1/messages/batches/b/results")
        with serve(batch_faults=[fault]) as server, pytest.raises(anthropic.NotFoundError):
            with_client(server, lambda client: results_of(client, entries(1)))
        # A plain client goes there, with the key: ours may not.
        assert elsewhere.received[0].headers["authorization"]


def test_a_lost_reply_leaves_a_batch_behind() -> None:
    async def run(client: Any) -> Any:
        with pytest.raises(anthropic.APIConnectionError):
            await client.messages.batches.create(requests=entries(3))
        return [listed async for listed in client.messages.batches.list()]

    with serve(batch_faults=[wrong.LOST_REPLY]) as server:
        (left,) = with_client(server, run)
    assert left.request_counts.succeeded == 3


def test_batches_are_listed_by_page_newest_first() -> None:
    async def run(client: Any) -> Any:
        batches = client.messages.batches
        made = [(await batches.create(requests=entries(1))).id for _ in range(5)]
        page = await batches.list(limit=2)
        return made, [batch.id async for batch in batches.list(limit=2)], page

    with serve() as server:
        made, listed, page = with_client(server, run)
        with pytest.raises(anthropic.BadRequestError, match="limit"):
            with_client(server, lambda client: client.messages.batches.list(limit=0))
    assert listed == made[::-1]
    assert page.has_more and page.last_id == made[-2] and page.first_id == made[-1]


def test_a_canceled_batch_keeps_what_was_done() -> None:
    async def run(client: Any) -> Any:
        batch = await client.messages.batches.create(requests=entries(40))
        canceling = await client.messages.batches.cancel(batch.id)
        lines = [line async for line in await client.messages.batches.results(batch.id)]
        with pytest.raises(anthropic.BadRequestError, match="already ended"):
            await client.messages.batches.cancel(batch.id)
        await client.messages.batches.delete(batch.id)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.batches.retrieve(batch.id)
        return canceling, lines

    with serve(batch_seconds=None, done_when_canceled=0.5) as server:
        canceling, lines = with_client(server, run)
    assert canceling.processing_status == "canceling" and canceling.cancel_initiated_at
    kinds = [line.result.type for line in lines]
    assert set(kinds) == {"canceled", "succeeded"} and len(kinds) == 40


@pytest.mark.parametrize("fault", [wrong.RATE_LIMITED, wrong.DROPPED], ids=lambda f: f.name)
def test_other_addresses_fail_by_a_script_of_their_own(fault: Fault) -> None:
    with serve(http_faults=[None, fault]) as server:
        lines = with_client(server, lambda c: results_of(c, entries(3)), max_retries=1)
    assert len(lines) == 3
    assert server.seen.routes["GET /v1/messages/batches/{id}"] == 2


def test_results_may_break_off() -> None:
    async def run(client: Any) -> int:
        batch = await client.messages.batches.create(requests=entries(100))
        read = 0
        with pytest.raises(Exception, match=r"peer closed|JSON|Unterminated"):
            async for _ in await client.messages.batches.results(batch.id):
                read += 1
        return read

    with serve(http_faults=[None, None, wrong.CUT]) as server:
        assert with_client(server, run) < 100
