"""The plain SDK, without anything of ours, put to the stand-in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic

from tests.anthropic_server import Server

SCHEMA = {
    "type": "object",
    "properties": {
        "notes": {"type": "string"},
        "winner": {"type": "string", "enum": ["A", "B", "neither"]},
    },
    "required": ["notes", "winner"],
    "additionalProperties": False,
}
SHARED = "Which of both answers sounds like her? Wording and rhythm count, length does not. " * 100


def asked(question: str = "A: Fine. B: Splendid.", **changes: Any) -> dict[str, Any]:
    params = {
        "model": "claude-haiku-5-5",
        "max_tokens": 300,
        "messages": [{"role": "user", "content": question}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }
    return params | changes


def cached(ttl: str = "5m", text: str = SHARED) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]


@contextlib.asynccontextmanager
async def client_of(
    server: Any, max_retries: int = 0, **options: Any
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    # Reading the system's certificates takes 50 ms, and none is needed on loopback.
    plain = {"http_client": anthropic.DefaultAsyncHttpxClient(verify=False)}
    options = plain | {"api_key": "any", "open_telemetry": False} | options
    async with anthropic.AsyncAnthropic(
        base_url=server.url, max_retries=max_retries, **options
    ) as client:
        yield client


def ask(server: Server, max_retries: int = 0, **changes: Any) -> Any:
    async def once() -> Any:
        async with client_of(server, max_retries) as client:
            return await client.messages.create(**asked(**changes))

    return asyncio.run(once())


def with_client(server: Server, does: Callable[[Any], Any], **options: Any) -> Any:
    async def run() -> Any:
        async with client_of(server, **options) as client:
            return await does(client)

    return asyncio.run(run())


def entries(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"custom_id": f"entry-{at}", "params": asked(f"Question {at}", **changes)}
        for at in range(number)
    ]


async def results_of(client: Any, requests: list[dict[str, Any]]) -> list[Any]:
    batch = await client.messages.batches.create(requests=requests)
    return [line async for line in await client.messages.batches.results(batch.id)]
