"""Requests that go one by one: every one ends in a reply, whatever happens on the way."""

import asyncio
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from anthropic import _base_client as base_client

import align.claude.sending as sending
from align.claude.replies import Reply
from align.claude.requests import Request
from align.errors import UserError
from tests.anthropic_server import faults as wrong
from tests.anthropic_server import serve
from tests.anthropic_server.faults import random_faults
from tests.claude.rig import (
    SECRET,
    Line,
    attempts,
    billed,
    of_kind,
    over,
    request,
    requests,
    sent,
    taken,
)

pytestmark = pytest.mark.usefixtures("root")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_client, "INITIAL_RETRY_DELAY", 0.002)
    monkeypatch.setattr(base_client, "MAX_RETRY_DELAY", 0.01)


def only(replies: list[Reply]) -> Reply:
    (reply,) = replies
    return reply


def test_every_request_gets_one_reply() -> None:
    with serve() as server:
        replies = sent(server, requests(50), concurrency=8)
        assert server.attempts() == 50
    assert {reply.request.id for reply in replies} == {each.id for each in requests(50)}
    assert all(reply.value in ("A", "B", "neither") and reply.tries == 1 for reply in replies)
    assert len(attempts()) == 50


def test_no_more_go_at_once_than_was_said() -> None:
    with serve(latency=0.01) as server:
        sent(server, requests(30), concurrency=3)
        assert server.seen.most_in_flight == 3


def test_requests_are_taken_as_replies_go_out() -> None:
    made = 0

    def counted() -> Iterator[Request]:
        nonlocal made
        for each in requests(1000):
            made += 1
            yield each

    async def take_five(channel: Line) -> None:
        replies = channel.sent(counted(), concurrency=4)
        for _ in range(5):
            await anext(replies)
        await replies.aclose()

    with serve() as server:
        over(server, take_five)
    # Five were taken; four are in the queue, and four workers hold another each.
    assert 5 <= made <= 5 + 4 + 4 + 4


@pytest.mark.parametrize(
    ("fault", "problem", "asked"),
    [
        (wrong.REFUSAL, "refused", 1),
        (wrong.LATE_REFUSAL, "refused", 1),
        (wrong.WRONG_JSON, "malformed", 3),
        (wrong.WRONG_KEYS, "malformed", 3),
        (wrong.NO_TEXT, "no text", 3),
        (wrong.EMPTY, "no text", 3),
        (wrong.TOOL_USE, "no text", 3),
        (wrong.TRUNCATED, "truncated", 3),
        (wrong.CONTEXT_EXCEEDED, "truncated", 3),
        (wrong.THINKING_FIRST, None, 1),
    ],
    ids=lambda each: each.name if isinstance(each, wrong.Fault) else str(each),
)
def test_what_is_wrong_with_a_reply_is_named_and_never_guessed(
    fault: wrong.Fault, problem: str | None, asked: int
) -> None:
    with serve(faults=lambda number, params: fault) as server:
        reply = only(sent(server, [request()]))
        cost = billed(server)
        assert server.attempts() == asked
    assert (reply.problem, reply.tries) == (problem, asked)
    assert (reply.value is None) == (problem is not None)
    # What was answered was paid, well or badly.
    assert reply.cost == pytest.approx(cost) and cost > 0


def test_asking_again_mends_what_chance_broke() -> None:
    with serve(faults=[wrong.WRONG_JSON, wrong.NO_TEXT]) as server:
        reply = only(sent(server, [request()]))
        cost = billed(server)
    assert reply.problem is None and reply.tries == 3
    assert reply.cost == pytest.approx(cost)
    assert reply.usage is not None and reply.usage.output_tokens > 0


def test_a_truncated_reply_is_asked_for_with_more_room() -> None:
    with serve(faults=[wrong.TRUNCATED, wrong.TRUNCATED]) as server:
        reply = only(sent(server, [request(max_tokens=100)]))
        room = [json_of(received)["max_tokens"] for received in server.received]
    assert reply.problem is None
    assert room == [100, 200, 400]


def json_of(received: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(received.body)
    return said


@pytest.mark.parametrize(
    "fault",
    [wrong.RATE_LIMITED, wrong.OVERLOADED, wrong.SERVER_ERROR, wrong.TIMED_OUT,
     wrong.BAD_GATEWAY, wrong.DROPPED, wrong.LOST_REPLY, wrong.CUT],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_what_passes_is_tried_again(fault: wrong.Fault) -> None:
    with serve(faults=[fault, fault]) as server:
        reply = only(sent(server, [request()]))
        assert server.attempts() == 3
    # One asking, that took three attempts.
    assert reply.problem is None and reply.tries == 1
    assert len(attempts()) == 3


def test_a_wait_that_is_asked_for_is_kept_by_all() -> None:
    limited = wrong.error(429, "rate_limit_error", retry_after=0.3)
    with serve(faults=[limited]) as server:
        started = time.monotonic()
        sent(server, requests(8), concurrency=2)
        assert time.monotonic() - started >= 0.3
        # The other worker had one under way, no more.
        assert server.seen.statuses[429] == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (wrong.UNAUTHENTICATED, "ANTHROPIC_API_KEY"),
        (wrong.UNPAID, "no credit"),
        (wrong.FORBIDDEN, "may not be used"),
        (wrong.error(404, "not_found_error"), "knows no such model"),
        (wrong.error(400, "invalid_request_error", text="A says fine"), "does not take"),
    ],
    ids=["401", "402", "403", "404", "400"],
)
def test_what_no_repetition_mends_ends_the_run_at_once(fault: wrong.Fault, says: str) -> None:
    with serve(faults=lambda number, params: fault, latency=0.01) as server:
        with pytest.raises(UserError, match=says) as caught:
            sent(server, requests(500), concurrency=4)
        assert server.attempts() <= 8
    # The provider's own words may repeat what was sent.
    assert "A says fine" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_one_bad_request_among_good_ones_is_counted_and_the_others_go_on() -> None:
    with serve(faults=[None, wrong.BAD_REQUEST]) as server:
        replies = sent(server, requests(10), concurrency=1)
        assert server.attempts() == 10
    assert Counter(reply.problem for reply in replies) == {None: 9, "errored": 1}
    assert [reply.cost for reply in replies if reply.problem] == [None]


def test_a_provider_that_only_fails_is_left_after_a_while() -> None:
    with serve(faults=lambda number, params: wrong.OVERLOADED) as server:
        with pytest.raises(UserError, match="in a row failed"):
            sent(server, requests(500), max_retries=2)
        # Twenty askings of three attempts, and what was under way.
        assert 60 <= server.attempts() <= 60 + 3 * 16
        # One that was under way when the run ended may not have left; it is noted all the same.
        ended = [row for row in attempts() if row.get("error") != "CancelledError"]
        assert len(ended) <= server.attempts() <= len(attempts())


def test_a_provider_that_is_not_there_is_left_soon() -> None:
    with serve() as server:
        gone = server.url
    with pytest.raises(UserError, match="can't be reached"):
        sent(gone, requests(500))
    # Twenty attempts in all, and what was under way.
    assert 20 <= len(attempts()) < 20 + 16
    assert {row["status"] for row in attempts()} == {None}


def test_a_storm_passes() -> None:
    def storm(number: int, params: Any) -> wrong.Fault | None:
        return wrong.OVERLOADED if 10 <= number < 60 else None

    with serve(faults=storm) as server:
        replies = sent(server, requests(60))
    assert Counter(reply.problem for reply in replies) == {None: 60}


def test_what_the_gate_stops_is_counted_and_the_others_go_on() -> None:
    closed = request(3, text=f"A says: {SECRET}. B says no.")
    with serve() as server:
        replies = sent(server, itertools.chain([closed], requests(20)))
        assert server.attempts() == 20
        assert not any(b"heron" in body for body in server.bodies())
    stopped = [reply for reply in replies if reply.problem == "blocked"]
    assert [(reply.request.id, reply.tries, reply.cost) for reply in stopped] == [
        (closed.id, 0, None)
    ]
    assert [row["reason"] for row in of_kind("refused")] == ["closed writing"]


def test_a_gate_without_consent_ends_the_run() -> None:
    async def use(channel: Line) -> None:
        channel.gate._consent = None
        with pytest.raises(UserError, match="no consent"):
            await taken(channel.sent(requests(100)))

    with serve() as server:
        over(server, use)
        assert server.attempts() == 0


def test_the_budget_holds() -> None:
    limit = 0.002

    async def use(channel: Line) -> tuple[int, float, int]:
        printed: list[str] = []
        replies = await taken(channel.sent(requests(300), say=printed.append))
        assert any("budget is used up" in line for line in printed)
        return len(replies), channel.budget.spent, channel.budget.unasked

    with serve(latency=0.005) as server:
        replied, spent, unasked = over(server, use, budget=limit)
        assert spent == pytest.approx(billed(server))
        assert billed(server) <= limit
    assert replied + unasked == 300 and 0 < replied < 300
    # Nearly all of it was used: what the last request might have cost is left.
    assert spent > 0.8 * limit


def test_attempts_that_broke_off_count_as_spent() -> None:
    async def use(channel: Line) -> Line:
        await taken(channel.sent(requests(200), concurrency=4))
        return channel

    faults = random_faults(0.3, 5, [wrong.LOST_REPLY, wrong.DROPPED])
    with serve(faults=faults) as server:
        channel = over(server, use, budget=0.002)
        # A lost reply was billed, though nobody could say how much.
        assert channel.budget.spent <= billed(server) <= 0.002
    assert channel.budget.unsure > 0
    assert channel.budget.reserved == pytest.approx(0, abs=1e-12)
    assert channel.budget.spent + channel.budget.unsure <= 0.002


def test_an_empty_budget_sends_nothing() -> None:
    with serve() as server:
        assert sent(server, requests(5), budget=0.0) == []
        assert server.attempts() == 0


def test_the_first_to_share_a_part_goes_ahead() -> None:
    shared = "Which of both answers sounds like her? Rhythm counts, length does not. " * 400
    with serve(latency=0.01, cache_minimum=4096) as server:
        replies = sent(server, requests(40, shared=shared))
    written = [reply for reply in replies if reply.usage and reply.usage.cache_write_tokens]
    assert len(written) == 1
    assert sum(bool(reply.usage and reply.usage.cache_read_tokens) for reply in replies) == 39


def test_breaking_off_leaves_no_task_and_no_open_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(channel: Line) -> None:
        monkeypatch.setattr(sending, "GRACE", 0.1)
        before = asyncio.all_tasks()
        sender = asyncio.create_task(taken(channel.sent(requests(100))))
        while server.seen.in_flight < channel.channel.concurrency:
            await asyncio.sleep(0.01)
        sender.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sender
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert channel.budget.reserved == pytest.approx(0, abs=1e-12)

    with serve(latency=60.0) as server:
        over(server, use)
    assert [row["error"] for row in attempts()] == ["CancelledError"] * 16


def test_a_mistake_in_the_requests_comes_out() -> None:
    def broken() -> Iterator[Request]:
        yield request()
        raise LookupError("no such pair")

    with serve() as server, pytest.raises(LookupError):
        sent(server, broken())


def test_under_faults_all_end_and_the_egress_log_counts_each_attempt() -> None:
    with serve(faults=random_faults(0.3, 7)) as server:
        replies = sent(server, requests(150))
        assert len(attempts()) == server.attempts()
        # A body that is cut began with a 200, and is none to who reads it.
        ours, theirs = Counter(row["status"] or 200 for row in attempts()), server.seen.statuses
        theirs[200] += theirs.pop(0)
        assert ours == theirs
    assert Counter(reply.request.id for reply in replies) == {each.id: 1 for each in requests(150)}
    problems = Counter(reply.problem for reply in replies)
    # A refusal is never asked about again; the rest is, twice.
    assert problems["refused"] > 0 and problems[None] > 120


# --- faults that pass -----------------------------------------------------------------------------

NO_MESSAGES = [
    "[1, 2, 3]", '{"content": NaN}', '{"content": null, "stop_reason": "end_turn"}', "{}", "null",
    "", "<html>Sign in</html>", '{"type": "error", "error": {"type": "x"}}', "[" * 100_000,
    '{"a":' * 100_000, "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_MESSAGES, ids=range(len(NO_MESSAGES)))
def test_a_200_that_is_no_message_passes(text: str) -> None:
    with serve(faults=[wrong.page(text)] * 3) as server:
        reply = only(sent(server, [request()]))
        assert server.attempts() == 4
    assert (reply.problem, reply.tries) == (None, 1)
    assert [row["error"] for row in attempts()] == ["NoMessage"] * 3 + [None]


@pytest.mark.parametrize("text", NO_MESSAGES[::4], ids=range(len(NO_MESSAGES[::4])))
def test_a_proxy_that_answers_in_the_providers_place_is_left_soon(text: str) -> None:
    with serve(faults=lambda *_: wrong.page(text)) as server:
        with pytest.raises(UserError, match="20 answers in a row could not be used"):
            sent(server, requests(500))
        assert server.attempts() <= 20 + 16
    # None of it is billed, as far as anybody knows.
    assert {row["cost"] for row in attempts()} == {None}


@pytest.mark.parametrize(
    "fault", [wrong.WRONG_JSON, wrong.NO_TEXT, wrong.REFUSAL, wrong.TRUNCATED, wrong.EMPTY,
              wrong.says("[" * 100_000)],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_row_of_answers_of_no_use_ends_the_run_and_none_is_an_answer(fault: wrong.Fault) -> None:
    late: list[Reply] = []
    with serve(faults=lambda *_: fault) as server:
        with pytest.raises(UserError, match="in a row could not be used"):
            sent(server, requests(300), late=late.append)
        assert server.attempts() <= 20 + 16
    assert {reply.problem for reply in late} <= {"errored", "refused"}


def test_answers_of_no_use_among_others_are_answers() -> None:
    with serve(faults=lambda number, _: wrong.REFUSAL if number % 3 else None) as server:
        replies = sent(server, requests(90), concurrency=4)
    assert len({reply.request.id for reply in replies}) == 90
    assert Counter(reply.problem for reply in replies)["refused"] == 60


def test_a_few_answers_of_no_use_at_the_end_are_answers() -> None:
    with serve(faults=lambda number, _: wrong.REFUSAL if number > 5 else None) as server:
        replies = sent(server, requests(15), concurrency=1)
    assert Counter(reply.problem for reply in replies) == {None: 6, "refused": 9}


@pytest.mark.parametrize("ahead", [0.4, -5.0])
def test_a_wait_until_a_date_is_kept(ahead: float) -> None:
    # Dates have whole seconds.
    until = formatdate(math.ceil(time.time() + ahead), usegmt=True)
    limited = replace(wrong.error(429, "rate_limit_error"), headers=(("retry-after", until),))
    with serve(faults=[limited]) as server:
        started = time.time()
        reply = only(sent(server, [request()]))
        waited = time.time() - started
        assert server.attempts() == 2
    assert reply.problem is None and (ahead < 0 or waited > ahead - 0.05) and waited < 3


def test_a_wait_of_hours_ends_the_run_in_words() -> None:
    with serve(faults=[wrong.error(429, "rate_limit_error", retry_after=7_320)]) as server:
        with pytest.raises(UserError, match="asks to wait 2 h 02 min"):
            sent(server, requests(4), concurrency=1)
        assert server.attempts() == 1


def test_the_wait_that_is_asked_for_is_the_one_that_is_said() -> None:
    printed: list[str] = []

    async def use(channel: Line) -> None:
        task = asyncio.create_task(taken(channel.sent(requests(3), say=printed.append)))
        while not printed:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with serve(faults=lambda *_: wrong.error(429, "rate_limit_error", retry_after=900)) as server:
        over(server, use)
    assert printed[0].endswith("asks to wait 15 min 00 s.") and len(printed) == 1


@pytest.mark.parametrize(("word", "asked"), [("true", 2), ("false", 1)])
def test_the_provider_says_whether_trying_again_helps(word: str, asked: int) -> None:
    bad = wrong.BAD_REQUEST if word == "true" else wrong.OVERLOADED
    told = replace(bad, headers=(("x-should-retry", word),))
    with serve(faults=[None, told]) as server:
        replies = sent(server, requests(2), concurrency=1)
        assert server.attempts() == 1 + asked
    assert [reply.problem for reply in replies] == [None, None if asked == 2 else "errored"]


# --- stopped --------------------------------------------------------------------------------------


def test_what_is_under_way_when_the_run_is_stopped_is_kept() -> None:
    late: list[Reply] = []
    printed: list[str] = []

    async def use(channel: Line) -> list[Reply]:
        came: list[Reply] = []

        async def read() -> None:
            sending = channel.sent(requests(200), late=late.append, say=printed.append)
            async with aclosing(sending) as replies:
                async for reply in replies:
                    came.append(reply)

        reader = asyncio.create_task(read())
        while len(came) < 20:
            await asyncio.sleep(0.01)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        return came

    with serve(latency=0.1) as server:
        came = over(server, use)
        paid = len(server.seen.billed)
    assert len(came) + len(late) == paid and len(late) >= 8
    assert {reply.problem for reply in late} == {None}
    assert not [row for row in attempts() if row["error"]]
    assert len(printed) == 1 and printed[0].startswith("Waiting for the answers")


def test_a_server_that_hangs_is_named_while_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "QUIET", 0.05)
    printed: list[str] = []
    with serve(latency=0.3) as server:
        sent(server, requests(40), say=printed.append)
    assert len(printed) == 1 and "has answered nothing" in printed[0]
