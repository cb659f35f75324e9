"""A client whose every HTTP attempt passes the gate and is written into the egress log.

Imports anthropic: import this module inside functions.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import asdict, dataclass
from typing import Any

import httpx2
from anthropic import (
    DEFAULT_CONNECTION_LIMITS,
    APIConnectionError,
    APIRequest,
    AsyncAnthropic,
    DefaultAsyncHttpxClient,
    Middleware,
    RetryableError,
)
from anthropic._compat import model_copy
from anthropic._utils._json import openapi_dumps

from align.claude.budget import Budget
from align.claude.failures import GIVE_UP, retry_after, told_to_wait, unreachable, without_use
from align.claude.prices import Price, Usage
from align.claude.provider import Key, checked_url, host_of, is_loopback
from align.claude.replies import is_message, loaded
from align.console import duration
from align.privacy.egress import EgressGate, Refused
from align.privacy.egress_log import Attempt

NO_PURPOSE = "no purpose"
MESSAGES = "/v1/messages"
# A judge's answer takes seconds; taking in a batch's body may take minutes.
TIMEOUT = httpx2.Timeout(300.0, connect=15.0, read=180.0, pool=None)
# What a batch's state has.
_BATCH = {"id", "created_at", "expires_at", "processing_status", "request_counts", "results_url"}
# Seconds: of a wait that is worth a line, and of one for which nobody sits there.
TOLD_FROM, TOO_LONG = 5.0, 3600.0
# Their debug logs hold bodies and headers.
_TALKATIVE = ("anthropic", "httpx2", "httpcore2", "httpx", "httpcore")


class NoMessage(RetryableError):  # type: ignore[misc]
    """A 200 whose body is none of the provider's: a proxy's page, say, which may pass."""


@dataclass(slots=True)
class Call:
    """What a call is for, and what its last attempt brought."""

    ids: tuple[str, ...]  # what it is about, for the egress log
    worst: float | None = None  # USD that each attempt sets aside; None where none is paid
    message: Any = None  # the JSON of the reply to a message request; None until there is one
    cost: float | None = 0.0  # USD; None where nobody says so


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def calling(ids: Iterable[str] = (), worst: float | None = None) -> Iterator[Call]:
    """Say what the calls inside are about; a call outside of any is refused."""
    call = Call(tuple(dict.fromkeys(ids)), worst)
    before = _CALL.set(call)
    try:
        yield call
    finally:
        _CALL.reset(before)


class Passage(Middleware):  # type: ignore[misc]
    """What each attempt passes on its way out: budget, gate and egress log. The SDK repeats.

    The price is that of messages; what a batch cost shows in its results.

    Attributes:
        say: Gets a line where something is worth saying.
        under_way: How many attempts wait for their response.
    """

    def __init__(self, gate: EgressGate, base_url: str, price: Price, budget: Budget) -> None:
        self.gate, self.egress_log, self.price, self.budget = gate, gate.egress_log, price, budget
        self._base = httpx2.URL(base_url)
        self.host = host_of(base_url)
        self.say: Callable[[str], None] = lambda line: None
        self.under_way = self._unanswered = 0
        self._is_reached, self._not_before = False, 0.0
        self._row = Counter[str]()

    async def handle_async(self, request: APIRequest, call_next: Any) -> Any:
        """Send one attempt, or raise `Refused` or `OverBudget` before anything is sent."""
        call = _CALL.get()
        if call is None:
            self.egress_log.refused(NO_PURPOSE, host=self.host, purpose=self.gate.purpose)
            raise Refused(NO_PURPOSE)
        while (wait := self._not_before - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)
        worst = call.worst or 0.0
        await self.budget.hold(worst)
        call.message, call.cost = None, 0.0
        try:
            return await self._send(request, call, call_next)
        finally:
            self.budget.settle(worst, call.cost)

    async def _send(self, request: APIRequest, call: Call, call_next: Any) -> Any:
        options = request.options
        if options.files is not None or options.content is not None:
            # Nothing of ours is sent so: what is no JSON can't be looked through.
            self.gate.check(b"\xff", self.host, call.ids)
        body = b"" if options.json_data is None else openapi_dumps(options.json_data)
        self.gate.check(body, self._goes_to(request.url), call.ids)
        token = self.egress_log.begin(self._attempt(request, body, call))
        # The very bytes that passed the gate are sent: nothing serialises them anew.
        sealed = copy(request)
        sealed.options = model_copy(options)
        sealed.options.content, sealed.options.json_data = body or None, None
        sealed.options.follow_redirects = False
        call.cost = None
        self.under_way += 1
        try:
            response = await call_next(sealed)
        except BaseException as error:
            self.egress_log.end(token, error=type(error).__name__)
            if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                call.cost = 0.0
            self._unanswered += isinstance(error, APIConnectionError)
            if self._unanswered >= GIVE_UP and not self._is_reached:
                raise unreachable(self.host) from None
            raise
        finally:
            self.under_way -= 1
        self._is_reached = True
        self._end(token, request, response, call)
        return response

    def count(self, problem: str | None) -> None:
        """Count what a try came to; UserError where nothing could be used many times in a row."""
        if problem is None:
            self._row.clear()
        elif problem != "blocked":
            self._row[problem] += 1
            if self._row.total() >= GIVE_UP:
                raise without_use(self.host, self._row)

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
        status, used, error = response.status_code, dict[str, Any](), None
        if status != 200:
            call.cost = 0.0
        # Those are read line by line.
        elif not request.url.endswith("/results"):
            value = loaded(response.http_response.content)
            if request.url != MESSAGES:
                is_ours = isinstance(value, dict) and (value.keys() >= _BATCH or "data" in value)
            elif is_ours := is_message(value):
                call.message = value
                if (usage := Usage.of(value.get("usage"))) is not None:
                    call.cost = self.price.cost(usage, batch=False)
                    used = {**asdict(usage), "cost": call.cost}
            error = None if is_ours else NoMessage.__name__
        self.egress_log.end(
            token, status=status, request_id=response.headers.get("request-id"), error=error, **used
        )
        if error is not None:
            self.count(error)
            raise NoMessage
        if status != 200 and (wait := retry_after(response.headers)) is not None:
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        """Let all attempts wait: it is the account that is to, not one request alone."""
        if seconds > TOO_LONG:
            raise told_to_wait(self.host, seconds)
        at = asyncio.get_running_loop().time() + seconds
        if seconds >= TOLD_FROM and at > self._not_before + 1:
            self.say(f"{self.host} asks to wait {duration(seconds)}.")
        self._not_before = max(self._not_before, at)


def open_client(
    gate: EgressGate,
    *,
    key: Key,
    base_url: str,
    price: Price,
    budget: Budget | None = None,
    max_retries: int = 5,
) -> AsyncAnthropic:
    """Return a client that sends nothing past the gate; close it with `async with`.

    A failed attempt is repeated up to `max_retries` times. UserError: writing may not be sent to
    such an address.
    """
    quieten()
    passage = Passage(gate, checked_url(base_url), price, budget or Budget())
    # No proxy stands between this machine and itself; with a transport, none is looked for.
    near = is_loopback(httpx2.URL(base_url).host)
    transport = httpx2.AsyncHTTPTransport(limits=DEFAULT_CONNECTION_LIMITS) if near else None
    # A redirect would carry the body to a host that nobody agreed to.
    http_client = DefaultAsyncHttpxClient(
        follow_redirects=False, timeout=TIMEOUT, transport=transport
    )
    return AsyncAnthropic(
        api_key=key.reveal(),
        base_url=base_url,
        timeout=TIMEOUT,
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


def _model_of(body: Any) -> str | None:
    """Return the model that a body names; of a batch, that of its first request."""
    if isinstance(body, dict) and body.get("requests"):
        body = body["requests"][0]["params"]
    return body.get("model") if isinstance(body, dict) else None
