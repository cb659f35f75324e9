"""Requests that go in batches: found again after a kill, and each one ends in a reply."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from anthropic import _base_client as base_client

import align.claude.batch_service as batch_service
import align.claude.batches as batches
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
    monkeypatch.setattr(base_client, "INITIAL_RETRY_DELAY", 0.002)
    monkeypatch.setattr(base_client, "MAX_RETRY_DELAY", 0.01)
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
    monkeypatch.setattr(batches, "MOST_REQUESTS", 7)
    with serve() as server:
        replies = batched(server, requests(20))
        assert [len(entries) for entries in created(server)] == [7, 7, 6]
    monkeypatch.setattr(batches, "MOST_BYTES", 2000)
    with serve() as server:
        assert ids(batched(server, requests(20))) == ids(replies)
        sizes = [len(received.body) for received in server.received if received.body]
    assert max(sizes) <= 2000 and len(sizes) > 3


def test_one_batch_is_under_way_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    made = 0

    def counted() -> Iterator[Request]:
        nonlocal made
        for each in requests(40):
            made += 1
            yield each

    async def wait(channel: Line) -> None:
        sender = asyncio.create_task(taken(channel.batched(counted())))
        while server.seen.routes[CREATED] < 1:
            await asyncio.sleep(0.01)
        # Long enough for a second.
        await asyncio.sleep(0.3)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)

    with serve(batch_seconds=None) as server:
        over(server, wait)
        assert server.seen.routes[CREATED] == 1
    # Its bodies, and one that did not fit in, are in memory.
    assert made == 3


async def _left(channel: Line) -> list[Reply]:
    return await taken(channel.left())


def test_a_killed_run_finds_its_batch_again(conn: Connection) -> None:
    with serve(batch_seconds=None) as server:
        over(server, killed, conn=conn)
        server.finish_batches()
        replies = over(server, _left, conn=conn)
        assert over(server, _left, conn=conn) == []
        assert [len(entries) for entries in created(server)] == [30]
    assert ids(replies) == all_of(30)
    assert all(reply.value and reply.request.params == {} for reply in replies)
    assert open_batches(conn) == []


async def killed(channel: Line) -> None:
    """Send a batch, and be gone before it has ended."""
    conn = channel.channel.conn
    sender = asyncio.create_task(taken(channel.batched(requests(30))))
    while not [each for each in open_batches(conn) if each.batch]:
        await asyncio.sleep(0.01)
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)


def test_a_batch_left_behind_can_be_cancelled_and_what_was_done_is_kept(conn: Connection) -> None:
    async def cancel(channel: Line) -> list[Reply]:
        return await taken(channel.left(cancel=True))

    with serve(batch_seconds=None, done_when_canceled=0.4) as server:
        over(server, killed, conn=conn)
        replies = over(server, cancel, conn=conn)
        assert any(path.endswith("/cancel") for _, path in routes(server))
        paid = len(server.seen.billed)
    assert ids(replies) == all_of(30) and 0 < paid < 30
    problems = Counter(reply.problem for reply in replies)
    assert problems == {None: paid, "errored": 30 - paid}
    assert open_batches(conn) == []


def test_what_failed_in_a_batch_left_behind_is_no_answer(conn: Connection) -> None:
    faults = [wrong.WRONG_JSON, wrong.TRUNCATED, wrong.EXPIRED, wrong.REFUSAL]
    with serve(batch_seconds=None, entry_faults=faults) as server:
        over(server, killed, conn=conn)
        server.finish_batches()
        replies = over(server, _left, conn=conn)
        cost = billed(server)
    problems = Counter(reply.problem for reply in replies)
    assert problems == {None: 26, "errored": 3, "refused": 1}
    assert sum(reply.cost or 0 for reply in replies) == pytest.approx(cost)


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_run_killed_between_sending_and_writing_down_is_sorted_out(
    conn: Connection, was_sent: bool
) -> None:
    async def create(channel: Line, count: int) -> None:
        entries = [{"custom_id": one.id, "params": one.body()} for one in requests(count)]
        with calling():
            await channel.client.messages.batches.create(requests=entries)

    async def killed_between(channel: Line) -> None:
        # Another's, of eight, which is to be left alone.
        await create(channel, 8)
        batch = {"host": channel.gate.host, "model": MODEL, "purpose": "judge"}
        plan_batch(conn, **batch, requests=[one.id for one in requests(12)])
        if was_sent:
            await create(channel, 12)

    with serve() as server:
        over(server, killed_between, conn=conn)
        before = server.seen.routes[CREATED]
        replies = over(server, _left, conn=conn)
        assert server.seen.routes[CREATED] == before
    assert ids(replies) == (all_of(12) if was_sent else Counter())
    assert {reply.problem for reply in replies} <= {None}
    assert open_batches(conn) == []


def test_a_batch_whose_reply_was_lost_is_not_made_twice(conn: Connection) -> None:
    with serve(batch_faults=[wrong.LOST_REPLY]) as server:
        replies = batched(server, requests(15), conn=conn)
        assert server.seen.routes[CREATED] == 1
    assert ids(replies) == all_of(15)


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
        rest = over(server, _left, conn=conn)
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
    monkeypatch.setattr(batches, "MOST_REQUESTS", 10)
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
        assert over(server, _left, conn=conn) == []
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


# --- faults that pass -----------------------------------------------------------------------------


def of_results(script: list[wrong.Fault | None]) -> Any:
    """Return a script of what goes wrong with one download of results after the other."""
    left = iter(script)

    def fault(number: int, received: Any) -> wrong.Fault | None:
        return next(left, None) if received.path.endswith("/results") else None

    return fault


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_results_that_are_short_are_downloaded_again_and_not_bought(share: float) -> None:
    short = wrong.shortened(share)
    with serve(http_faults=of_results([short, wrong.CUT, short])) as server:
        replies = batched(server, requests(120), budget=1.0)
        assert (server.seen.routes[CREATED], server.seen.routes[ONLINE]) == (1, 0)
        assert len(server.seen.billed) == 120
    assert ids(replies) == all_of(120)
    assert {(reply.problem, reply.tries) for reply in replies} == {(None, 1)}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_results_that_stay_short_end_the_run_and_the_batch_waits(
    conn: Connection, share: float
) -> None:
    with serve(http_faults=of_results([wrong.shortened(share)] * 6)) as server:
        with pytest.raises(UserError, match="they are not bought again"):
            batched(server, requests(120), conn=conn)
        assert len(open_batches(conn)) == 1
        replies = over(server, _left, conn=conn)
        assert len(server.seen.billed) == 120
    assert ids(replies) == all_of(120) and open_batches(conn) == []


def test_a_batch_of_which_nothing_can_be_used_ends_the_run(conn: Connection) -> None:
    with serve(entry_faults=lambda *_: wrong.WRONG_JSON) as server:
        with pytest.raises(UserError, match="300 answers in a row could not be used: 300 malf"):
            batched(server, requests(300), conn=conn)
        assert len(server.seen.billed) == 300
    assert open_batches(conn) == []


ODD = ["[1, 2]", "{}", "null", '{"id": "x"}', "[" * 100_000, "<html></html>"]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_proxy_in_between_delays_a_batch_and_makes_none_twice(text: str) -> None:
    with serve(http_faults=[wrong.page(text)] * 3, batch_faults=[wrong.page(text)]) as server:
        replies = batched(server, requests(15))
        assert len(server.seen.billed) == 15
    assert ids(replies) == all_of(15)


def test_lines_that_nobody_can_parse_are_lost_entries() -> None:
    deep = wrong.says("[" * 100_000)
    with serve(entry_faults=[deep]) as server:
        replies = batched(server, requests(15))
        assert (server.seen.routes[CREATED], server.seen.routes[ONLINE]) == (1, 1)
    assert {reply.problem for reply in replies} == {None}


def test_a_batch_without_figures_counts_with_the_most_it_may_cost() -> None:
    async def use(channel: Line) -> tuple[float, float]:
        await taken(channel.batched(requests(30)))
        return channel.budget.spent, channel.budget.unsure

    with serve(without_usage=True) as server:
        spent, unsure = over(server, use)
    assert spent == 0 and unsure > 0
