"""A client with a real gate, egress log and closed writing, that sends to a stand-in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from align.claude.budget import Budget
from align.claude.channel import Channel, Poll
from align.claude.client import open_client
from align.claude.prices import price_of
from align.claude.provider import Key, host_of
from align.claude.replies import Parse, Reply
from align.claude.requests import Request, ask
from align.owner import Owner
from align.privacy.consent import Consent
from align.privacy.egress import EgressGate
from align.privacy.egress_log import EgressLog, read
from align.privacy.private_text import PrivateText
from align.store.adding import add_records
from align.store.connection import in_memory
from tests.anthropic_server import Server
from tests.store.rows import record

MODEL = "claude-haiku-5-5"
KEY = "sk-test-5d41402abc4b2a76"
SECRET = "the grey heron told nobody about the broken gate behind the mill"
SCHEMA = {
    "type": "object",
    "properties": {
        "notes": {"type": "string"},
        "winner": {"type": "string", "enum": ["A", "B", "neither"]},
    },
    "required": ["notes", "winner"],
    "additionalProperties": False,
}
SHARED = "Which of both answers sounds like her? Wording and rhythm count, length does not. "


def request(number: int = 0, text: str = "", **changes: Any) -> Request:
    """Return one of many different requests."""
    options: dict[str, Any] = {"max_tokens": 200, "about": (f"pair{number // 2}",), **changes}
    question = text or f"{number}: A says fine, B says splendid."
    return ask(
        options.pop("model", MODEL), options.pop("shared", SHARED), question, SCHEMA, **options
    )


def requests(count: int, **changes: Any) -> Iterator[Request]:
    """Yield requests that differ."""
    return (request(number, **changes) for number in range(count))


def winner(text: str) -> str:
    """Return the winner that a reply names."""
    reply = json.loads(text)
    if not isinstance(reply, dict) or set(reply) != {"notes", "winner"}:
        raise ValueError("other keys")
    return str(reply["winner"])


def private_text() -> PrivateText:
    """Return closed writing that holds `SECRET`."""
    conn = in_memory()
    add_records(conn, [record(f"Well, {SECRET}, or so they say.", level="sealed")])
    return PrivateText(conn, Owner(name="Ann"))


@dataclass
class Line:
    """What a test sends over."""

    channel: Channel
    gate: EgressGate
    egress_log: EgressLog

    @property
    def client(self) -> Any:
        return self.channel.client

    @property
    def budget(self) -> Budget:
        return self.channel.budget

    def sent(
        self,
        wanted: Iterable[Request],
        *,
        parse: Parse = winner,
        late: Callable[[Reply], None] = lambda reply: None,
        **changes: Any,
    ) -> Any:
        """Send one by one."""
        from align.claude.sending import send

        return send(replace(self.channel, **changes), wanted, parse=parse, late=late)

    def batched(self, wanted: Iterable[Request], *, parse: Parse = winner, **changes: Any) -> Any:
        """Send in batches, asking often whether they have ended."""
        from align.claude.batches import send_batches

        return send_batches(replace(self.channel, **changes), wanted, parse=parse)

    def left(self, *, cancel: bool = False) -> Any:
        """Take up, or cancel, what an earlier run left in batches."""
        from align.claude.batches import left_behind

        return left_behind(self.channel, parse=winner, cancel=cancel)


@contextlib.asynccontextmanager
async def line(
    url: str, *, budget: float | None = None, conn: Connection | None = None, **options: Any
) -> AsyncIterator[Line]:
    """Open a line to a stand-in; needs the fixture `root`."""
    price = price_of(options.pop("model", MODEL))
    host = host_of(url)
    conn = conn or in_memory()
    with EgressLog("ann") as egress_log:
        consent = Consent(host, "judge", "terms")
        gate = EgressGate(private_text(), consent, egress_log, host=host, purpose="judge")
        limit = Budget(budget)
        client = open_client(gate, key=Key(KEY), base_url=url, price=price, budget=limit, **options)
        async with client:
            channel = Channel(conn, client, price, limit, poll=Poll(0.01, 0.02))
            yield Line(channel, gate, egress_log)


def over(
    server: Server | str, use: Callable[[Line], Coroutine[Any, Any, Any]], **options: Any
) -> Any:
    """Return what comes of using a line."""

    async def run() -> Any:
        async with line(server if isinstance(server, str) else server.url, **options) as channel:
            return await use(channel)

    return asyncio.run(run())


async def taken(replies: AsyncIterator[Reply]) -> list[Reply]:
    """Return all replies."""
    return [reply async for reply in replies]


def sent(server: Server | str, wanted: Iterable[Request], **options: Any) -> list[Reply]:
    """Return the replies to requests that go one by one."""
    kept = _split(options)
    return list(over(server, lambda channel: taken(channel.sent(wanted, **kept)), **options))


def batched(server: Server | str, wanted: Iterable[Request], **options: Any) -> list[Reply]:
    """Return the replies to requests that go in batches."""
    kept = _split(options)
    return list(over(server, lambda channel: taken(channel.batched(wanted, **kept)), **options))


def _split(options: dict[str, Any]) -> dict[str, Any]:
    """Take out what the sender is told, and leave what the line is."""
    names = ("concurrency", "say", "poll", "parse", "late")
    return {name: options.pop(name) for name in names if name in options}


def attempts() -> list[dict[str, Any]]:
    """Return the egress log's attempts."""
    return [row for row in read("ann") if row["kind"] == "attempt"]


def of_kind(kind: str) -> list[dict[str, Any]]:
    """Return the egress log's lines of a kind."""
    return [row for row in read("ann") if row["kind"] == kind]


def billed(server: Server) -> float:
    """Return what the stand-in's bills come to, in USD."""
    from align.claude.prices import Usage

    total = 0.0
    for bill in server.seen.billed:
        usage = Usage.of(bill.usage)
        assert usage is not None
        total += price_of(bill.model).cost(usage, batch=bill.tier == "batch")
    return total
