"""The stand-in for Anthropic's API, as the plain SDK sees it: messages."""

import asyncio
import hashlib
import json
import time
from typing import Any

import anthropic
import pytest

from tests.anthropic_server import faults as wrong
from tests.anthropic_server import question_of, serve, serve_apart
from tests.anthropic_server.faults import Fault, random_faults
from tests.claude.plain_sdk import (
    SCHEMA,
    SHARED,
    ask,
    asked,
    cached,
    entries,
    results_of,
    with_client,
)


def test_a_reply_fits_the_schema_and_is_the_same_for_the_same_question() -> None:
    with serve() as server:
        first, second, other = (ask(server, question=q) for q in ("one", "one", "two"))
    said = json.loads(first.content[0].text)
    assert first.stop_reason == "end_turn"
    assert set(said) == {"notes", "winner"} and said["winner"] in ("A", "B", "neither")
    assert first.content == second.content != other.content


def test_an_answer_is_decided_by_the_test() -> None:
    with serve(answer=lambda params: {"winner": question_of(params)}) as server:
        said = ask(server, question="B").content[0].text
        server.behaviour.answer = lambda params: "no JSON"
        changed = ask(server).content[0].text
    assert json.loads(said) == {"winner": "B"}
    assert changed == "no JSON"


def test_bytes_received_are_the_bytes_sent() -> None:
    sent = []

    async def note(request: Any) -> None:
        sent.append(hashlib.sha256(request.content).hexdigest())

    hooked = anthropic.DefaultAsyncHttpxClient(verify=False, event_hooks={"request": [note]})
    with serve() as server:
        with_client(
            server, lambda client: client.messages.create(**asked("Grüße ✓")), http_client=hooked
        )
        received = server.received[0]
    assert (received.method, received.path) == ("POST", "/v1/messages")
    assert received.headers["anthropic-version"]
    assert "Grüße ✓" in received.body.decode()
    assert [hashlib.sha256(received.body).hexdigest()] == sent


@pytest.mark.parametrize(
    ("fault", "kind", "name"),
    [
        (wrong.BAD_REQUEST, anthropic.BadRequestError, "invalid_request_error"),
        (wrong.UNAUTHENTICATED, anthropic.AuthenticationError, "authentication_error"),
        (wrong.UNPAID, anthropic.APIStatusError, "billing_error"),
        (wrong.FORBIDDEN, anthropic.PermissionDeniedError, "permission_error"),
        (wrong.RATE_LIMITED, anthropic.RateLimitError, "rate_limit_error"),
        (wrong.SERVER_ERROR, anthropic.InternalServerError, "api_error"),
        (wrong.TIMED_OUT, anthropic.InternalServerError, "timeout_error"),
        (wrong.OVERLOADED, anthropic.APIStatusError, "overloaded_error"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_error_arrives_as_the_sdk_s_own(fault: Fault, kind: type, name: str) -> None:
    with serve(faults=[fault]) as server, pytest.raises(kind) as caught:
        ask(server)
    error: Any = caught.value
    assert error.status_code == fault.status
    assert error.body["error"]["type"] == name
    assert error.request_id == error.body["request_id"]
    assert server.seen.faults == {fault.name: 1}
    assert server.seen.billed == []


def test_a_proxy_s_page_is_an_error_without_a_type() -> None:
    with serve(faults=[wrong.BAD_GATEWAY]) as server, pytest.raises(anthropic.APIStatusError) as it:
        ask(server)
    assert it.value.status_code == 502
    assert "Bad Gateway" in it.value.response.text


def test_retry_after_is_waited_for() -> None:
    fault = wrong.error(429, "rate_limit_error", retry_after=0.3)
    with serve(faults=[fault]) as server:
        begun = time.monotonic()
        ask(server, max_retries=1)
        assert time.monotonic() - begun >= 0.3
        assert server.attempts() == 2
    assert dict(server.seen.statuses) == {429: 1, 200: 1}


@pytest.mark.parametrize(
    ("fault", "billed"),
    [(wrong.DROPPED, 0), (wrong.LOST_REPLY, 1), (wrong.CUT, 1)],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_dropped_connection_is_a_connection_error(fault: Fault, billed: int) -> None:
    with serve(faults=[fault]) as server:
        with pytest.raises(anthropic.APIConnectionError):
            ask(server)
        assert server.attempts() == 1
        # What is lost on the way is paid all the same.
        assert len(server.seen.billed) == billed
        assert ask(server).stop_reason == "end_turn"


def test_a_slow_answer_times_out_and_comes_to_the_patient() -> None:
    with serve(faults=[wrong.slow(0.5), wrong.slow(0.1)]) as server:
        with pytest.raises(anthropic.APITimeoutError):
            with_client(server, lambda client: client.messages.create(**asked(), timeout=0.1))
        assert ask(server).stop_reason == "end_turn"


def test_a_redirect_leads_where_it_says() -> None:
    with serve() as elsewhere, serve(faults=[wrong.redirect(f"{elsewhere.url}/x")]) as server:
        # A plain client takes the body along, if not the key: ours may not follow.
        with pytest.raises(anthropic.AuthenticationError):
            ask(server)
        assert elsewhere.received[0].body == server.received[0].body


@pytest.mark.parametrize(
    ("fault", "reason", "blocks"),
    [
        (wrong.REFUSAL, "refusal", []),
        (wrong.LATE_REFUSAL, "refusal", ["text"]),
        (wrong.TRUNCATED, "max_tokens", ["text"]),
        (wrong.CONTEXT_EXCEEDED, "model_context_window_exceeded", ["text"]),
        (wrong.WRONG_JSON, "end_turn", ["text"]),
        (wrong.WRONG_KEYS, "end_turn", ["text"]),
        (wrong.NO_TEXT, "end_turn", ["thinking"]),
        (wrong.EMPTY, "end_turn", []),
        (wrong.TOOL_USE, "tool_use", ["tool_use"]),
        (wrong.THINKING_FIRST, "end_turn", ["thinking", "text"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_spoiled_reply_is_the_same_online_and_in_a_batch(
    fault: Fault, reason: str, blocks: list[str]
) -> None:
    with serve(faults=[fault], entry_faults=[fault]) as server:
        online = ask(server, question="Question 0")
        (line,) = with_client(server, lambda client: results_of(client, entries(1)))
    for message in (online, line.result.message):
        assert message.stop_reason == reason
        assert [block.type for block in message.content] == blocks
    assert online.content == line.result.message.content
    assert (online.stop_details is not None) == (reason == "refusal")
    assert online.usage.service_tier == "standard"
    assert line.result.message.usage.service_tier == "batch"


def test_what_is_truncated_is_no_json_and_costs_all_that_was_allowed() -> None:
    with serve(faults=[wrong.TRUNCATED]) as server:
        by_script = ask(server)
        by_limit = ask(server, max_tokens=9)
        whole = ask(server)
    for message, limit in ((by_script, 300), (by_limit, 9)):
        assert message.stop_reason == "max_tokens"
        assert message.usage.output_tokens == limit
        with pytest.raises(ValueError):
            json.loads(message.content[0].text)
    assert whole.content[0].text.startswith(by_limit.content[0].text)
    assert 9 < whole.usage.output_tokens < 300


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"model": "claude-haiku-0"}, 404, "claude-haiku-0"),
        ({"extra_body": {"temperature": 0}}, 400, "temperature: Extra inputs are not permitted"),
        ({"extra_body": {"max_tokens": "many"}}, 400, "max_tokens"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "non-empty"),
        ({"system": cached("2h")}, 400, "cache_control"),
        ({"system": cached() * 5}, 400, "maximum of 4"),
        ({"tool_choice": {"type": "any"}}, 400, "forced tool use"),
        (
            {"messages": [*asked()["messages"], {"role": "assistant", "content": "{"}]},
            400,
            "prefill",
        ),
    ],
)
def test_a_wrong_request_is_refused(changes: dict[str, Any], status: int, words: str) -> None:
    with serve() as server, pytest.raises(anthropic.APIStatusError, match=words) as caught:
        ask(server, **changes)
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"additionalProperties": True}, "additionalProperties"),
        ({"required": ["winner", "certainty"]}, "certainty"),
        ({"properties": {"notes": {"type": "string", "maxLength": 9}}}, "maxLength"),
        ({"properties": {"notes": {"description": "a note"}}}, "says no type"),
    ],
)
def test_a_schema_that_is_not_enforced_is_refused(change: dict[str, Any], words: str) -> None:
    schema = {**SCHEMA, **change}
    form = {"format": {"type": "json_schema", "schema": schema}}
    with serve() as server, pytest.raises(anthropic.BadRequestError, match=words):
        ask(server, output_config=form)


def test_what_the_sdk_makes_of_a_model_is_a_schema() -> None:
    from pydantic import BaseModel

    class Said(BaseModel):
        winner: str

    schema = anthropic.transform_schema(Said)
    with serve() as server:
        said = ask(server, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert list(json.loads(said.content[0].text)) == ["winner"]


def test_a_key_is_needed_and_known() -> None:
    with serve(keys={"right"}) as server:
        with pytest.raises(anthropic.AuthenticationError):
            ask(server)
        reply = with_client(server, lambda c: c.messages.create(**asked()), api_key="right")
    assert reply.stop_reason == "end_turn"


def test_a_shared_part_is_written_once_and_read_from_then_on() -> None:
    with serve() as server:
        first, second = (ask(server, question=q, system=cached("1h")).usage for q in "ab")
        other = ask(server, system=cached("1h"), model="claude-sonnet-5-5").usage
        plain = ask(server, question="a", system=SHARED).usage
        counted = with_client(
            server, lambda client: client.messages.count_tokens(**without_limit(system=SHARED))
        )
    assert first.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens > 1024
    assert first.cache_read_input_tokens == second.cache_creation_input_tokens == 0
    assert first.input_tokens == second.input_tokens < 10
    # Each model has its own.
    assert other.cache_read_input_tokens == 0
    total = first.input_tokens + first.cache_creation_input_tokens
    assert plain.input_tokens == total == counted.input_tokens
    assert plain.cache_creation_input_tokens == 0


def without_limit(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in asked("a", **changes).items() if key != "max_tokens"}


def test_a_short_shared_part_is_silently_not_cached() -> None:
    with serve(cache_minimum={"claude-haiku-5-5": 4096}) as server:
        usages = [ask(server, system=cached()).usage for _ in range(2)]
    assert [usage.cache_creation_input_tokens for usage in usages] == [0, 0]
    assert [usage.cache_read_input_tokens for usage in usages] == [0, 0]
    assert usages[0].input_tokens > 1024


def test_what_is_asked_at_the_same_time_finds_no_cache_yet() -> None:
    async def both(client: Any) -> Any:
        questions = (client.messages.create(**asked(q, system=cached())) for q in "ab")
        return await asyncio.gather(*questions)

    with serve(latency=1.0) as server:
        replies = with_client(server, both)
        server.behaviour.latency = 0.0
        later = ask(server, system=cached())
    assert all(reply.usage.cache_creation_input_tokens > 0 for reply in replies)
    assert later.usage.cache_read_input_tokens > 0
    assert server.seen.most_in_flight == 2


def test_faults_at_random_are_as_frequent_as_told_and_the_same_again() -> None:
    drawn = [random_faults(0.3, seed=1)(at, {}) for at in range(3000)]
    assert drawn == [random_faults(0.3, seed=1)(at, {}) for at in range(3000)]
    hit = [fault.name for fault in drawn if fault]
    assert 0.27 < len(hit) / 3000 < 0.33
    assert set(hit) == {fault.name for fault in wrong.ONLINE}


def test_what_a_test_s_own_answer_raises_is_raised_in_the_test() -> None:
    def broken(params: dict[str, Any]) -> str:
        raise ZeroDivisionError

    def one() -> None:
        with serve(answer=broken) as server, pytest.raises(anthropic.InternalServerError):
            ask(server)

    with pytest.raises(ZeroDivisionError):
        one()


def test_headers_tell_the_request_and_what_is_left() -> None:
    async def run(client: Any) -> Any:
        return await client.messages.with_raw_response.create(**asked())

    with serve() as server:
        headers = with_client(server, run).headers
    assert headers["request-id"].startswith("req_")
    left = int(headers["anthropic-ratelimit-requests-remaining"])
    assert 0 < left < int(headers["anthropic-ratelimit-requests-limit"])
    assert headers["anthropic-ratelimit-input-tokens-reset"]


def test_a_stand_in_of_its_own_process_ends_with_the_test() -> None:
    with serve_apart(latency=0.0, cache_minimum=512) as apart:
        reply = with_client(apart, lambda c: c.messages.create(**asked(system=cached())))
        totals = apart.totals()
    assert reply.usage.cache_creation_input_tokens > 512
    assert totals["routes"] == {"POST /v1/messages": 1}
    billed = totals["billed"]["claude-haiku-5-5 standard"]
    assert billed["output_tokens"] == reply.usage.output_tokens
    with pytest.raises(anthropic.APIConnectionError):
        with_client(apart, lambda c: c.messages.create(**asked()))
