"""A client whose every HTTP attempt passes the gate and is written into the egress log.

Imports anthropic: import this module inside functions.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx2
from anthropic import APIRequest, AsyncAnthropic, DefaultAsyncHttpxClient, Middleware
from anthropic._compat import model_copy
from anthropic._utils._json import openapi_dumps

from align.claude.prices import Price, Usage, logged
from align.claude.provider import Key, checked_url, host_of, is_loopback
from align.privacy.egress import EgressGate, Refused
from align.privacy.egress_log import Attempt, EgressLog

NO_PURPOSE = "no purpose"
MESSAGES = "/v1/messages"
# A judge's answer takes seconds; taking in a batch's body may take minutes.
TIMEOUT = httpx2.Timeout(300.0, connect=15.0, read=180.0, pool=None)
# Their debug logs hold bodies and headers.
_TALKATIVE = ("anthropic", "httpx2", "httpcore2", "httpx", "httpcore")


@dataclass(slots=True)
class Call:
    """What a call is for, and what its last attempt brought."""

    ids: tuple[str, ...]  # what it is about, for the egress log
    message: Any = None  # the JSON of the reply to a message request; None until there is one
    size: int = 0  # bytes of the body


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def calling(ids: Iterable[str] = ()) -> Iterator[Call]:
    """Say what the calls inside are about; a call outside of any is refused."""
    call = Call(tuple(dict.fromkeys(ids)))
    before = _CALL.set(call)
    try:
        yield call
    finally:
        _CALL.reset(before)


class Passage(Middleware):  # type: ignore[misc]
    """What each attempt passes on its way out: the gate, then the egress log.

    The price is that of messages; what a batch cost shows in its results.
    """

    def __init__(
        self, gate: EgressGate, egress_log: EgressLog, base_url: str, price: Price | None
    ) -> None:
        self.gate, self.egress_log, self.price = gate, egress_log, price
        self._base = httpx2.URL(base_url)
        self.host = host_of(base_url)

    async def handle_async(self, request: APIRequest, call_next: Any) -> Any:
        """Send one attempt, or raise `Refused` before anything is sent."""
        call = _CALL.get()
        if call is None:
            self.egress_log.refused(NO_PURPOSE, host=self.host, purpose=self.gate.purpose)
            raise Refused(NO_PURPOSE)
        options = request.options
        if options.files is not None or options.content is not None:
            # Nothing of ours is sent so: what is no JSON can't be looked through.
            self.gate.check(b"\xff", self.host, call.ids)
        body = b"" if options.json_data is None else openapi_dumps(options.json_data)
        self.gate.check(body, self._goes_to(request.url), call.ids)
        call.size, call.message = len(body), None
        token = self.egress_log.begin(self._attempt(request, body, call))
        # The very bytes that passed the gate are sent: nothing serialises them anew.
        sealed = model_copy(options)
        sealed.content, sealed.json_data = body or None, None
        sealed.follow_redirects = False
        try:
            response = await call_next(_with_options(request, sealed))
        except BaseException as error:
            self.egress_log.end(token, error=type(error).__name__)
            raise
        self._end(token, request, response, call)
        return response

    def _goes_to(self, url: str) -> str:
        """Return the host that a URL leads to: a relative one to the client's own."""
        if url == MESSAGES:
            return self.host
        target = httpx2.URL(url)
        if target.is_relative_url:
            return self.host
        host = host_of(str(target))
        # The same host by another scheme is another: it may be read on the way.
        return host if target.scheme == self._base.scheme else f"{target.scheme}:{host}"

    def _attempt(self, request: APIRequest, body: bytes, call: Call) -> Attempt:
        return Attempt(
            purpose=self.gate.purpose,
            method=request.method.upper(),
            path=MESSAGES if request.url == MESSAGES else httpx2.URL(request.url).path,
            host=self.host,
            sha256=hashlib.sha256(body).hexdigest(),
            bytes=len(body),
            model=_model_of(request.json),
            ids=call.ids,
        )

    def _end(self, token: str, request: APIRequest, response: Any, call: Call) -> None:
        result: dict[str, Any] = {}
        ok = response.status_code == 200
        if ok and request.method.lower() == "post" and request.url == MESSAGES:
            try:
                call.message = json.loads(response.http_response.content)
            except ValueError as error:
                result["error"] = type(error).__name__
            result |= self._used(call.message)
        self.egress_log.end(
            token,
            status=response.status_code,
            request_id=response.headers.get("request-id"),
            **result,
        )

    def _used(self, message: Any) -> dict[str, Any]:
        usage = Usage.of(message.get("usage") or {}) if isinstance(message, dict) else None
        if usage is None:
            return {}
        return logged(usage, None if self.price is None else self.price.cost(usage, batch=False))


def open_client(
    gate: EgressGate,
    egress_log: EgressLog,
    *,
    key: Key,
    base_url: str,
    price: Price | None,
    max_retries: int = 5,
    concurrency: int = 16,
    timeout: httpx2.Timeout = TIMEOUT,
) -> AsyncAnthropic:
    """Return a client that sends nothing past the gate; close it with `async with`.

    A failed attempt is repeated up to `max_retries` times, on at most `concurrency` connections.
    UserError: writing may not be sent to such an address.
    """
    quieten()
    passage = Passage(gate, egress_log, checked_url(base_url), price)
    limits = httpx2.Limits(max_connections=concurrency + 4, max_keepalive_connections=concurrency)
    near = is_loopback(httpx2.URL(base_url).host)
    # No proxy stands between this machine and itself; with a transport, none is looked for.
    direct = {"transport": httpx2.AsyncHTTPTransport(limits=limits)} if near else {}
    http_client = DefaultAsyncHttpxClient(
        # A redirect would carry the body to a host that nobody agreed to.
        follow_redirects=False,
        timeout=timeout,
        limits=limits,
        **direct,
    )
    return AsyncAnthropic(
        api_key=key.reveal(),
        base_url=base_url,
        timeout=timeout,
        max_retries=max_retries,
        http_client=http_client,
        middleware=[passage],
        open_telemetry=False,
    )


def passage_of(client: AsyncAnthropic) -> Passage:
    """Return the passage of a client that `open_client` made; TypeError where another did."""
    for middleware in client.middleware:
        if isinstance(middleware, Passage):
            return middleware
    raise TypeError("a client that passes no gate")


def quieten() -> None:
    """Keep bodies out of the logs, whatever `ANTHROPIC_LOG` says."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(tuple(f"{logger}." for logger in _TALKATIVE)):
            # A level of its own would beat its parent's.
            logging.getLogger(name).setLevel(logging.NOTSET)


def _with_options(request: APIRequest, options: Any) -> APIRequest:
    return APIRequest(
        options=options,
        cast_to=request.cast_to,
        stream=request.stream,
        stream_cls=request.stream_cls,
        retries_taken=request.retries_taken,
    )


def _model_of(body: Any) -> str | None:
    """Return the model that a body names; of a batch, that of its first request."""
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("requests"), list) and body["requests"]:
        body = body["requests"][0].get("params", {})
    model = body.get("model")
    return model if isinstance(model, str) else None
