"""The stand-in itself: routes, faults, and what it remembers."""

import asyncio
import contextlib
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.anthropic_server.batches import Batches, errored
from tests.anthropic_server.behaviour import Behaviour, Billed, Seen
from tests.anthropic_server.faults import Fault, Script, of_script
from tests.anthropic_server.messages import Cache, Tier, Writer, error_body, input_tokens
from tests.anthropic_server.responses import (
    BATCHES,
    COUNT,
    GONE_WRONG,
    MESSAGES,
    gone_wrong,
    new_headers,
    of_json,
    parsed,
    route_of,
    spoiled,
)
from tests.anthropic_server.validation import Refusal, check_batch, check_params
from tests.anthropic_server.wire import Received, Response, converse

LARGEST = {MESSAGES: 32 << 20, COUNT: 32 << 20, BATCHES: 256 << 20}


class Server:
    """Answers as Anthropic's API does, on loopback, in a thread of its own.

    Attributes:
        url: What a client takes for its base_url.
        behaviour: How it behaves.
        seen: What came and what went.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.seen = Seen()
        self.url = ""
        self.port = 0
        self._cache = Cache(behaviour.cache_minimum)
        self._writer = Writer(behaviour.answer, self._cache)
        self.batches = Batches(self._work, seconds=behaviour.batch_seconds, seed=behaviour.seed)
        self._numbers = {kind: itertools.count() for kind in ("message", "entry", "batch", "other")}
        self._chance = random.Random(behaviour.seed)
        self._loop = asyncio.new_event_loop()
        self._talks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listening = threading.Event()
        self._failed: BaseException | None = None

    @property
    def received(self) -> list[Received]:
        """Every request that arrived whole, in order: method, path, headers, body."""
        return self.seen.received

    def bodies(self) -> list[bytes]:
        """Return the bodies that came."""
        return [received.body for received in self.seen.received if received.body]

    def attempts(self) -> int:
        """Return how many requests arrived whole."""
        return sum(self.seen.routes.values())

    def finish_batches(self) -> None:
        """End every batch that waits."""
        self._within(self.batches.finish_all)

    def totals(self) -> dict[str, Any]:
        """Return counts and sums, as JSON may hold them."""
        billed: dict[str, Counter[str]] = {}
        for bill in list(self.seen.billed):
            sums = billed.setdefault(f"{bill.model} {bill.tier}", Counter())
            sums["messages"] += 1
            sums.update({k: v for k, v in bill.usage.items() if isinstance(v, int)})
            sums.update(bill.usage["cache_creation"])
        return {
            "attempts": self.attempts(),
            "routes": dict(self.seen.routes),
            "statuses": {str(k): v for k, v in self.seen.statuses.items()},
            "faults": dict(self.seen.faults),
            "most_in_flight": self.seen.most_in_flight,
            "billed": {name: dict(sums) for name, sums in billed.items()},
        }

    def start(self, port: int = 0) -> None:
        """Listen; the address is known when this returns."""
        self.port = port
        self._thread.start()
        self._listening.wait(10)
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """End every connection and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _within(self, call: Callable[[], None]) -> None:
        async def run() -> None:
            call()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            opened = asyncio.start_server(self._talk, "127.0.0.1", self.port, limit=1 << 20)
            listener = self._loop.run_until_complete(opened)
        except BaseException as error:
            self._failed = error
            self._listening.set()
            return
        self.port = listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._listening.set()
        self._loop.run_forever()
        listener.close()
        for talk in self._talks:
            talk.cancel()
        ended = asyncio.gather(*self._talks, return_exceptions=True)
        self._loop.run_until_complete(ended)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await converse(reader, writer, self._answer)
        writer.transport.abort()

    async def _answer(self, received: Received) -> Response:
        if received.path == "/stand-in":
            return of_json(200, self.totals(), {})
        path = urlsplit(received.path).path
        seen = self.seen
        if self.behaviour.keep_bodies:
            seen.received.append(received)
        seen.routes[f"{received.method} {route_of(path)}"] += 1
        seen.in_flight += 1
        seen.most_in_flight = max(seen.most_in_flight, seen.in_flight)
        try:
            if self.behaviour.watch is not None:
                self.behaviour.watch(received)
            response = await self._routed(received, path)
        except Exception as error:
            seen.broken.append(error)
            response = Response(500)
        finally:
            seen.in_flight -= 1
        seen.statuses[0 if response.dropped else response.status] += 1
        return response

    async def _routed(self, received: Received, path: str) -> Response:
        headers = new_headers()
        try:
            self._admit(received, path)
            if received.method == "POST" and path == MESSAGES:
                return await self._message(parsed(received), headers)
            return await self._other(received, path, headers)
        except Refusal as refusal:
            body = error_body(refusal.kind, refusal.message, headers["request-id"])
            return of_json(refusal.status, body, headers)

    def _admit(self, received: Received, path: str) -> None:
        bearer = received.headers.get("authorization", "").removeprefix("Bearer ")
        given = bearer or received.headers.get("x-api-key")
        if not given:
            raise Refusal("Authentication is required", "authentication_error", 401)
        if self.behaviour.keys is not None and given not in self.behaviour.keys:
            raise Refusal("Invalid API key", "authentication_error", 401)
        if "anthropic-version" not in received.headers:
            raise Refusal("anthropic-version: header is required")
        if len(received.body) > LARGEST.get(path, 32 << 20):
            raise Refusal("Request exceeds the maximum size", "request_too_large", 413)

    async def _message(self, params: Any, headers: dict[str, str]) -> Response:
        check_params(params)
        fault = self._drawn(self.behaviour.faults, "message", params)
        late = fault.seconds if fault and fault.does == "slow" else 0.0
        # What others write while this one waits is no help to it, as in the real one.
        usage = self._cache.bill(params, remember=False)
        await asyncio.sleep(self.behaviour.latency + late)
        if fault and fault.does in GONE_WRONG:
            return gone_wrong(fault, headers)
        self._cache.bill(params)
        message = self._written(params, fault, usage, "standard")
        return spoiled(of_json(200, message, headers), fault)

    async def _other(self, received: Received, path: str, headers: dict[str, str]) -> Response:
        fault = self._drawn(self.behaviour.http_faults, "other", received)
        late = fault.seconds if fault and fault.does == "slow" else 0.0
        await asyncio.sleep(self.behaviour.latency + late)
        if fault and fault.does in GONE_WRONG:
            return gone_wrong(fault, headers)
        response = self._at_address(received, path, headers)
        if fault and fault.does == "shorten" and path.endswith("/results"):
            lines = b"".join(response.body).splitlines(keepends=True)
            response.body = b"".join(lines[: round(len(lines) * fault.share)])
        return spoiled(response, fault)

    def _at_address(self, received: Received, path: str, headers: dict[str, str]) -> Response:
        base = f"http://{received.headers.get('host', '')}"
        match received.method, path.removeprefix(BATCHES).strip("/").split("/"):
            case "POST", _ if path == COUNT:
                params = parsed(received)
                check_params(params, counting=True)
                return of_json(200, {"input_tokens": input_tokens(params)}, headers)
            case _ if not path.startswith(BATCHES):
                raise Refusal(f"{received.method} {path}: Not Found", "not_found_error", 404)
            case "POST", [""]:
                return self._created(check_batch(parsed(received)), base, headers)
            case "GET", [""]:
                query = dict(parse_qsl(urlsplit(received.path).query))
                return of_json(200, self.batches.page(query, base), headers)
            case "GET", [name]:
                return of_json(200, self.batches.at(name).shown(base), headers)
            case "DELETE", [name]:
                return of_json(200, self.batches.delete(name), headers)
            case "POST", [name, "cancel"]:
                return of_json(200, self.batches.cancel(name).shown(base), headers)
            case "GET", [name, "results"]:
                lines = self.batches.results(name)
                return Response(200, lines, headers | {"content-type": "application/x-jsonl"})
        raise Refusal(f"{received.method} {path}: Not Found", "not_found_error", 404)

    def _created(
        self, entries: list[dict[str, Any]], base: str, headers: dict[str, str]
    ) -> Response:
        fault = self._drawn(self.behaviour.batch_faults, "batch", entries)
        if fault and fault.does in GONE_WRONG:
            return gone_wrong(fault, headers)
        self.batches.seconds = self.behaviour.batch_seconds
        batch = self.batches.create(entries, fault)
        return spoiled(of_json(200, batch.shown(base), headers), fault)

    def _work(self, entry: dict[str, Any], canceled: bool) -> list[dict[str, Any]]:
        name, params = entry["custom_id"], entry["params"]
        if canceled and self._chance.random() >= self.behaviour.done_when_canceled:
            return [{"custom_id": name, "result": {"type": "canceled"}}]
        try:
            check_params(params)
        except Refusal as refusal:
            return [errored(name, refusal.kind, refusal.message)]
        fault = self._drawn(self.behaviour.entry_faults, "entry", params)
        match fault.does if fault else None:
            case "entry error" | "error":
                assert fault is not None
                return [errored(name, fault.error, fault.text)]
            case "expire":
                return [{"custom_id": name, "result": {"type": "expired"}}]
            case "cancel":
                return [{"custom_id": name, "result": {"type": "canceled"}}]
            case "miss":
                return []
        cold = Cache(self._cache.minimum)
        cache = self._cache if self._chance.random() < self.behaviour.batch_hits else cold
        message = self._written(params, fault, cache.bill(params), "batch")
        done = {"custom_id": name, "result": {"type": "succeeded", "message": message}}
        return (
            [done, done | {"custom_id": "nobody-s"}]
            if fault and fault.does == "stranger"
            else [done]
        )

    def _written(
        self, params: dict[str, Any], fault: Fault | None, usage: dict[str, Any], tier: Tier
    ) -> dict[str, Any]:
        if self.behaviour.answer is not None:
            self._writer.answer = self.behaviour.answer
        message = self._writer.write(params, fault, usage, tier)
        self.seen.billed.append(Billed(params["model"], tier, message["usage"]))
        if self.behaviour.without_usage:
            del message["usage"]
        message["model"] = self.behaviour.answers_as or message["model"]
        return message

    def _drawn(self, script: Script, kind: str, asked: Any) -> Fault | None:
        fault = of_script(script, next(self._numbers[kind]), asked)
        if fault is not None:
            self.seen.faults[fault.name] += 1
        return fault


@contextlib.contextmanager
def serve(*, port: int = 0, **behaviour: Any) -> Iterator[Server]:
    """Run a stand-in in a thread of this process; the keywords are those of `Behaviour`."""
    server = Server(Behaviour(**behaviour))
    server.start(port)
    try:
        yield server
    finally:
        server.stop()
    if server.seen.broken:
        raise server.seen.broken[0]
