"""Requests that go in batches: found again after a kill, and each one ends in a reply."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

import align.claude.batch_service as batch_service
import align.claude.batches as batches
import align.claude.chunks as chunks
import align.claude.sending as sending
from align.claude.client import calling
from align.claude.replies import Reply
from align.claude.requests import Request
from align.errors import UserError
from align.owner import Owner
from align.privacy.private_text import PrivateText
from align.store.adding import add_records
from align.store.batches import batch_sent, open_batches, plan_batch
from align.store.connection import connect, in_memory
from tests.anthropic_server import Server, serve
from tests.anthropic_server import faults as wrong
from tests.anthropic_server.faults import random_faults
from tests.claude.rig import (
    MODEL,
    SECRET,
    Line,
    attempts,
    batched,
    billed,
    of_kind,
    over,
    request,
    requests,
    taken,
)
from tests.store.rows import record

pytestmark = pytest.mark.usefixtures("root")

CREATED = "POST /v1/messages/batches"
ONLINE = "POST /v1/messages"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_WAIT", 0.002)
    monkeypatch.setattr(batch_service, "FIRST_WAIT", 0.002)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    channel = connect(tmp_path / "twin.db", create=True)
    yield channel
    channel.close()


def created(server: Server) -> list[list[dict[str, Any]]]:
    """Return the entries of each batch that was asked for."""
    return [
        json.loads(received.body)["requests"]
        for received in server.received
        if (received.method, received.path) == ("POST", "/v1/messages/batches")
    ]


def ids(replies: list[Reply]) -> Counter[str]:
    return Counter(reply.request.id for reply in replies)


def all_of(count: int) -> Counter[str]:
    return Counter(each.id for each in requests(count))


def test_results_in_any_order_find_their_requests(conn: Connection) -> None:
    values: dict[str, str] = {}

    def answer(params: dict[str, Any]) -> dict[str, str]:
        question = params["messages"][0]["content"]
        values[question] = "AB"[len(values) % 2]
        return {"notes": "", "winner": values[question]}

    with serve(answer=answer) as server:
        replies = batched(server, requests(60), conn=conn)
        cost = billed(server)
        assert server.seen.routes[CREATED] == 1 and not server.seen.routes[ONLINE]
    assert ids(replies) == all_of(60)
    for reply in replies:
        assert reply.value == values[reply.request.params["messages"][0]["content"]]
    assert sum(reply.cost or 0 for reply in replies) == pytest.approx(cost)
    assert open_batches(conn) == []


def test_a_batch_costs_half_and_is_settled_in_the_egress_log() -> None:
    with serve() as server:
        batched(server, requests(20))
        cost = billed(server)
    (row,) = of_kind("settled")
    assert row["cost"] == pytest.approx(cost) and row["requests"] == 20
    assert row["cost"] == pytest.approx(
        (row["input_tokens"] * 0.10 + row["output_tokens"] * 0.50) / 2e6
    )
    sent_as = [row for row in attempts() if row["method"] == "POST"]
    assert [row["ids"] for row in sent_as] == [[f"pair{number}" for number in range(10)]]
    assert sent_as[0]["model"] == MODEL and sent_as[0]["cost"] is None


def test_a_batch_holds_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_REQUESTS", 7)
    with serve() as server:
        replies = batched(server, requests(20))
        assert [len(entries) for entries in created(server)] == [7, 7, 6]
    monkeypatch.setattr(chunks, "MOST_BYTES", 2000)
    with serve() as server:
        assert ids(batched(server, requests(20))) == ids(replies)
        sizes = [len(received.body) for received in server.received if received.body]
    assert max(sizes) <= 2000 and len(sizes) > 3


def test_no_more_batches_are_under_way_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_REQUESTS", 2)
    monkeypatch.setattr(batches, "AT_ONCE", 3)
    made = 0

    def counted() -> Iterator[Request]:
        nonlocal made
        for each in requests(40):
            made += 1
            yield each

    async def wait(channel: Line) -> None:
        sender = asyncio.create_task(taken(channel.batched(counted())))
        while server.seen.routes[CREATED] < 3:
            await asyncio.sleep(0.01)
        # Long enough for a fourth.
        await asyncio.sleep(0.3)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)

    with serve(batch_seconds=None) as server:
        over(server, wait)
        assert server.seen.routes[CREATED] == 3
    # Their bodies, and no others, are in memory.
    assert made == 6


def test_a_killed_run_finds_its_batch_again(conn: Connection) -> None:
    async def killed(channel: Line) -> None:
        sender = asyncio.create_task(taken(channel.batched(requests(30))))
        while not [each for each in open_batches(conn) if each.batch]:
            await asyncio.sleep(0.01)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)

    with serve(batch_seconds=None) as server:
        over(server, killed, conn=conn)
        server.behaviour.batch_seconds = 0.0
        server.finish_batches()
        # Ten more are wanted now.
        replies = batched(server, requests(40), conn=conn)
        assert [len(entries) for entries in created(server)] == [30, 10]
    assert ids(replies) == all_of(40)
    # The requests themselves are known again.
    assert all(reply.request.params for reply in replies)
    assert open_batches(conn) == []


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_run_killed_between_sending_and_writing_down_is_sorted_out(
    conn: Connection, was_sent: bool
) -> None:
    async def create(channel: Line, count: int) -> None:
        entries = [{"custom_id": one.id, "params": one.body()} for one in requests(count)]
        with calling():
            await channel.client.messages.batches.create(requests=entries)

    async def killed(channel: Line) -> None:
        # Another's, of eight, which is to be left alone.
        await create(channel, 8)
        batch = {"host": channel.gate.host, "model": MODEL, "purpose": "judge"}
        plan_batch(conn, **batch, requests=[one.id for one in requests(12)])
        if was_sent:
            await create(channel, 12)

    with serve() as server:
        over(server, killed, conn=conn)
        before = server.seen.routes[CREATED]
        replies = batched(server, requests(12), conn=conn)
        assert server.seen.routes[CREATED] - before == (0 if was_sent else 1)
    assert ids(replies) == all_of(12)
    assert {reply.problem for reply in replies} == {None}
    assert open_batches(conn) == []


def test_a_batch_whose_reply_was_lost_is_not_made_twice(conn: Connection) -> None:
    with serve(batch_faults=[wrong.LOST_REPLY]) as server:
        replies = batched(server, requests(15), conn=conn)
        assert server.seen.routes[CREATED] == 1
    assert ids(replies) == all_of(15)


def test_what_an_earlier_run_sent_can_be_collected_alone(conn: Connection) -> None:
    async def killed(channel: Line) -> None:
        replies = channel.batched(requests(10))
        task = asyncio.create_task(anext(replies))
        while not [each for each in open_batches(conn) if each.batch]:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await replies.aclose()

    async def collects(channel: Line) -> list[Reply]:
        return await taken(channel.batched(()))

    with serve(batch_seconds=None) as server:
        over(server, killed, conn=conn)
        server.finish_batches()
        replies = over(server, collects, conn=conn)
        again = over(server, collects, conn=conn)
    assert ids(replies) == all_of(10) and again == []
    assert all(reply.value and reply.request.params == {} for reply in replies)


def test_what_was_taken_before_a_kill_is_taken_again_and_nothing_is_lost(
    conn: Connection,
) -> None:
    async def takes_three(channel: Line) -> list[Reply]:
        replies = channel.batched(requests(10))
        first = [await anext(replies) for _ in range(3)]
        await replies.aclose()
        return first

    with serve() as server:
        first = over(server, takes_three, conn=conn)
        assert len(open_batches(conn)) == 1
        rest = batched(server, requests(10), conn=conn)
        assert server.seen.routes[CREATED] == 1
    assert ids(rest) == all_of(10) and ids(first) <= all_of(10)


def test_few_entries_that_failed_go_one_by_one() -> None:
    faults = [wrong.ERRORED, wrong.EXPIRED, wrong.CANCELED, wrong.MISSING, wrong.WRONG_JSON]
    with serve(entry_faults=faults) as server:
        replies = batched(server, requests(20))
        assert (server.seen.routes[CREATED], server.seen.routes[ONLINE]) == (1, 5)
        cost = billed(server)
    assert ids(replies) == all_of(20)
    assert Counter(reply.problem for reply in replies) == {None: 20}
    assert Counter(reply.tries for reply in replies) == {1: 15, 2: 5}
    assert sum(reply.cost or 0 for reply in replies) == pytest.approx(cost)


def test_many_entries_that_failed_go_into_a_further_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "FEW", 3)

    def fails(number: int, params: Any) -> wrong.Fault | None:
        # All of the first batch, ten of the second, two of the third.
        return wrong.ERRORED if number < 20 or 20 <= number < 30 else None

    with serve(entry_faults=fails) as server:
        replies = batched(server, requests(20))
        assert [len(entries) for entries in created(server)] == [20, 20, 10]
    assert Counter(reply.tries for reply in replies) == {2: 10, 3: 10}
    assert Counter(reply.problem for reply in replies) == {None: 20}


def test_entries_that_always_fail_are_asked_three_times_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "FEW", 0)
    with serve(entry_faults=lambda number, params: wrong.EXPIRED) as server:
        replies = batched(server, requests(4))
        assert [len(entries) for entries in created(server)] == [4, 4, 4]
    assert {(reply.problem, reply.tries, reply.cost) for reply in replies} == {("expired", 3, None)}


def test_an_invalid_entry_is_not_asked_again() -> None:
    with serve(entry_faults=[wrong.INVALID]) as server:
        replies = batched(server, requests(3))
        assert server.attempts() == server.seen.routes[CREATED] + 3
    assert Counter((reply.problem, reply.tries) for reply in replies) == {
        (None, 1): 2, ("errored", 1): 1,
    }  # fmt: skip


def test_a_truncated_entry_gets_more_room() -> None:
    with serve(entry_faults=[wrong.TRUNCATED]) as server:
        (reply,) = batched(server, [request(max_tokens=100)])
        online = json.loads(server.bodies()[-1])
    assert reply.problem is None and reply.tries == 2
    assert online["max_tokens"] == 200


def test_a_stranger_among_the_results_is_passed_over() -> None:
    with serve(entry_faults=[wrong.STRANGER]) as server:
        assert ids(batched(server, requests(5))) == all_of(5)


def test_a_batch_that_never_ends_is_given_up(conn: Connection) -> None:
    with serve(batch_faults=[wrong.never_ends(age=26 * 3600)]) as server:
        replies = batched(server, requests(6), conn=conn, budget=1.0)
        assert any(path.endswith("/cancel") for _, path in routes(server))
    assert {reply.problem for reply in replies} == {"expired"}
    assert ids(replies) == all_of(6)
    assert open_batches(conn) == []


def routes(server: Server) -> list[tuple[str, str]]:
    return [(received.method, received.path) for received in server.received]


def test_results_on_another_host_are_not_fetched() -> None:
    with serve() as other:
        elsewhere = wrong.results_at(f"{other.url}/results")
        with serve(batch_faults=[elsewhere]) as server, pytest.raises(UserError, match="host"):
            batched(server, requests(3))
        assert other.attempts() == 0
    assert [row["reason"] for row in of_kind("refused")] == ["another host"]


def test_results_that_break_off_are_read_again_and_none_twice() -> None:
    def fails(number: int, received: Any) -> wrong.Fault | None:
        if not received.path.endswith("/results"):
            return None
        broken.append(received)
        return wrong.CUT if len(broken) <= 2 else None

    broken: list[Any] = []
    with serve(http_faults=fails) as server:
        replies = batched(server, requests(50))
    assert len(broken) == 3
    assert ids(replies) == all_of(50)


def test_a_request_that_the_gate_stops_does_not_stop_its_batch() -> None:
    closed = request(7, text=f"A says: {SECRET}. B says no.")
    with serve() as server:
        replies = batched(server, [*requests(5), closed])
        assert [len(entries) for entries in created(server)] == [5]
        assert not any(b"heron" in body for body in server.bodies())
    assert Counter(reply.problem for reply in replies) == {None: 5, "blocked": 1}


def test_what_is_sealed_while_a_batch_is_made_stays_here(conn: Connection) -> None:
    store = in_memory()

    def wanted() -> Iterator[Request]:
        yield from requests(5)
        yield request(7, text=f"A says: {SECRET}. B says no.")
        # After the look at each request, and before the batch as a whole is looked at.
        add_records(store, [record(f"Well, {SECRET}, or so.", level="sealed")])

    async def seals(channel: Line) -> list[Reply]:
        channel.gate._detector = PrivateText(store, Owner(name="Ann"))
        return await taken(channel.batched(wanted()))

    with serve() as server:
        replies = over(server, seals, conn=conn)
        assert [len(entries) for entries in created(server)] == [5]
    assert Counter(reply.problem for reply in replies) == {None: 5, "blocked": 1}
    assert len(of_kind("refused")) == 2
    assert open_batches(conn) == []


def test_the_budget_holds_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_REQUESTS", 10)
    limit = 0.001

    async def use(channel: Line) -> tuple[int, float, int]:
        replies = await taken(channel.batched(requests(200)))
        return len(replies), channel.budget.spent, channel.budget.unasked

    with serve() as server:
        replied, spent, unasked = over(server, use, budget=limit)
        assert spent == pytest.approx(billed(server)) and spent <= limit
    assert replied + unasked == 200 and 0 < replied < 200
    assert spent > 0.8 * limit


def test_a_refused_key_ends_the_run_and_leaves_nothing_behind(conn: Connection) -> None:
    with serve(keys={"another"}) as server:
        with pytest.raises(UserError, match="the key"):
            batched(server, requests(5), conn=conn)
        assert server.seen.routes[CREATED] == 1
        server.behaviour.keys = None
        assert ids(batched(server, requests(5), conn=conn)) == all_of(5)


def test_an_open_batch_of_another_model_is_left_alone(conn: Connection) -> None:
    with serve() as server:
        host = server.url.removeprefix("http://")
        plan = plan_batch(
            conn, host=host, model="claude-opus-5-5", purpose="judge", requests=["a" * 32]
        )
        batch_sent(conn, plan.id, "msgbatch_other")
        batched(server, requests(3), conn=conn)
    assert [each.id for each in open_batches(conn)] == [plan.id]


def test_under_faults_everywhere_every_request_ends_once() -> None:
    flaky = [wrong.RATE_LIMITED, wrong.OVERLOADED, wrong.SERVER_ERROR, wrong.DROPPED]
    with serve(
        faults=random_faults(0.3, 3),
        entry_faults=random_faults(0.3, 4, wrong.IN_BATCHES),
        batch_faults=[wrong.OVERLOADED, wrong.LOST_REPLY],
        http_faults=[wrong.DROPPED, None, *flaky[:1]],
    ) as server:
        replies = batched(server, requests(150))
        assert len(attempts()) == server.attempts()
    assert ids(replies) == all_of(150)
    problems = Counter(reply.problem for reply in replies)
    assert problems[None] > 115 and set(problems) <= {None, "refused", "errored", "truncated"}
