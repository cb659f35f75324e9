"""Every attempt passes the gate and stands in the egress log."""

import asyncio
import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from align.claude.client import calling, open_client, passage_of
from align.claude.provider import Key
from align.errors import UserError
from align.privacy.egress import Refused
from tests.anthropic_server import faults as wrong
from tests.anthropic_server import serve
from tests.claude.rig import KEY, SECRET, Line, attempts, of_kind, over, request, requests, sent

pytestmark = pytest.mark.usefixtures("root")


async def create(channel: Line, **changes: Any) -> Any:
    with calling(["pair1"]):
        return await channel.client.messages.create(**{**request().params, **changes})


def test_the_hash_in_the_egress_log_is_that_of_the_bytes_that_came() -> None:
    question = "Grüße ✓ \u2028 “so”"
    with serve() as server:
        over(
            server,
            lambda channel: create(channel, messages=[{"role": "user", "content": question}]),
        )
        (received,) = server.received
    (row,) = attempts()
    assert question in json.loads(received.body)["messages"][0]["content"]
    assert row["sha256"] == hashlib.sha256(received.body).hexdigest()
    assert row["bytes"] == len(received.body)
    assert received.headers["content-type"] == "application/json"


def test_an_attempt_says_all_but_the_text() -> None:
    with serve() as server:
        over(server, create)
        (bill,) = server.seen.billed
    (row,) = attempts()
    assert (row["method"], row["path"], row["purpose"]) == ("POST", "/v1/messages", "judge")
    assert (row["model"], row["ids"], row["status"]) == ("claude-haiku-5-5", ["pair1"], 200)
    assert row["request_id"].startswith("req_")
    used = bill.usage
    assert (row["input_tokens"], row["output_tokens"]) == (
        used["input_tokens"], used["output_tokens"],
    )  # fmt: skip
    assert row["cost"] == pytest.approx(
        (used["input_tokens"] * 0.10 + used["output_tokens"] * 0.50) / 1e6
    )


def test_each_attempt_of_a_repeated_call_has_a_line() -> None:
    with serve(faults=[wrong.DROPPED, wrong.RATE_LIMITED]) as server:
        over(server, create)
        assert server.attempts() == 3
    assert [row["status"] for row in attempts()] == [None, 429, 200]
    assert attempts()[0]["error"] == "APIConnectionError"


def test_a_call_that_says_not_what_it_is_for_is_refused() -> None:
    async def silent(channel: Line) -> None:
        with pytest.raises(Refused, match="no purpose"):
            await channel.client.messages.create(**request().params)

    with serve() as server:
        over(server, silent)
        assert server.attempts() == 0
    assert [row["reason"] for row in of_kind("refused")] == ["no purpose"]


@pytest.mark.parametrize("where", ["messages", "system", "metadata"])
def test_closed_writing_is_not_sent(where: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "messages": {"messages": [{"role": "user", "content": f"A says: {SECRET.upper()}!"}]},
        "system": {"system": f"He once wrote: {SECRET}"},
        "metadata": {"metadata": {"user_id": SECRET}},
    }

    async def closed(channel: Line) -> None:
        with pytest.raises(Refused) as caught:
            await create(channel, **bodies[where])
        assert "heron" not in str(caught.value)

    with serve() as server:
        over(server, closed)
        assert server.attempts() == 0
    (row,) = of_kind("refused")
    assert row["ids"] == ["pair1"] and row["where"].startswith(where)


def test_nothing_is_sent_where_the_egress_log_is_gone() -> None:
    async def gone(channel: Line) -> None:
        channel.egress_log.path.unlink()
        with pytest.raises(Refused):
            await create(channel)

    with serve() as server:
        over(server, gone)
        assert server.attempts() == 0


def test_an_address_of_another_host_is_refused() -> None:
    async def elsewhere(channel: Line, url: str) -> None:
        with calling(), pytest.raises(Refused, match="another host"):
            await channel.client.get(url, cast_to=object)

    with serve() as server, serve() as other:
        over(server, lambda channel: elsewhere(channel, f"{other.url}/v1/messages/batches"))
        # The same host by another scheme is another.
        secure = server.url.replace("http:", "https:") + "/v1/messages/batches"
        over(server, lambda channel: elsewhere(channel, secure))
        assert server.attempts() == other.attempts() == 0


def test_a_redirect_is_not_followed() -> None:
    with serve() as other, serve(faults=[wrong.redirect(f"{other.url}/v1/messages")]) as server:
        with pytest.raises(UserError, match="redirect"):
            sent(server, requests(1))
        assert other.attempts() == 0 and server.attempts() == 1


def test_what_is_no_json_is_refused() -> None:
    async def upload(channel: Line) -> None:
        with calling(), pytest.raises(Refused, match="not JSON"):
            await channel.client.post("/v1/files", content=b"\x00\x01", cast_to=object)

    with serve() as server:
        over(server, upload)
        assert server.attempts() == 0


def test_a_client_without_a_passage_sends_nothing() -> None:
    import anthropic

    with pytest.raises(TypeError, match="no gate"):
        passage_of(anthropic.AsyncAnthropic(api_key="k"))


def test_plain_http_to_another_machine_is_no_address() -> None:
    async def opens(channel: Line) -> None:
        with pytest.raises(UserError, match="plain http"):
            open_client(
                channel.gate,
                key=Key(KEY),
                base_url="http://10.0.0.1",
                price=channel.channel.price,
            )

    with serve() as server:
        over(server, opens)


def test_a_proxy_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as server, serve() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        over(server, create)
        assert (server.attempts(), proxy.attempts()) == (1, 0)


def test_the_key_is_sent_and_stands_nowhere_else(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(keys={KEY}, faults=[None, wrong.UNAUTHENTICATED]) as server:
        over(server, create)
        with pytest.raises(UserError) as caught:
            sent(server, requests(1))
        assert KEY in server.received[0].headers["authorization"]
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    said = str(caught.value) + caplog.text
    said += "".join(path.read_text() for path in (root / "data" / "ann").iterdir())
    assert KEY not in said


@pytest.mark.slow
def test_anthropic_log_brings_no_body_into_ours(root: Path) -> None:
    script = """
import logging
logging.basicConfig(level=logging.DEBUG)
from tests.anthropic_server import serve
from tests.claude.rig import request, sent
with serve() as server:
    sent(server, [request(text="a question nobody may log")])
    assert server.attempts() == 1
logging.getLogger("ours").debug("the end")
"""
    environment = {**os.environ, "ANTHROPIC_LOG": "debug", "PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "the end" in ran.stderr
    assert "nobody may log" not in ran.stderr and KEY not in ran.stderr


def test_a_call_that_is_cut_short_has_its_line() -> None:
    async def cancel(channel: Line) -> None:
        task = asyncio.create_task(create(channel))
        while not server.seen.in_flight:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with serve(latency=60.0) as server:
        over(server, cancel)
    (row,) = attempts()
    assert row["status"] is None and row["error"] == "CancelledError"
