"""Responses in Anthropic's form, and how they go wrong."""

import itertools
import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.anthropic_server.faults import Fault
from tests.anthropic_server.messages import error_body
from tests.anthropic_server.validation import Refusal
from tests.anthropic_server.wire import Received, Response

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
BATCHES = "/v1/messages/batches"
MINUTE_LIMITS = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
GONE_WRONG = ("error", "page", "redirect", "drop")
_requests = itertools.count(1)


def new_headers() -> dict[str, str]:
    """Return the headers of the next response: its id, and what is left of the minute."""
    now = time.time()
    minute = datetime.fromtimestamp(now - now % 60 + 60, UTC).isoformat()
    headers = {"request-id": f"req_01{next(_requests):022d}"}
    for what, limit in MINUTE_LIMITS.items():
        headers[f"anthropic-ratelimit-{what}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{what}-remaining"] = str(limit - 1)
        headers[f"anthropic-ratelimit-{what}-reset"] = minute
    return headers


def route_of(path: str) -> str:
    """Return an address without the ids in it."""
    parts = path.split("/")
    if path.startswith(BATCHES + "/"):
        parts[4] = "{id}"
    return "/".join(parts)


def parsed(received: Received) -> Any:
    """Return the JSON of a body.

    Raises:
        Refusal: It is none.
    """
    try:
        return json.loads(received.body)
    except ValueError:
        raise Refusal("The request body is not valid JSON") from None


def of_json(status: int, value: object, headers: dict[str, str]) -> Response:
    """Return a response in JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, body, headers | {"content-type": "application/json"})


def gone_wrong(fault: Fault, headers: dict[str, str]) -> Response:
    """Return the response of a fault that keeps the request from being looked at."""
    if fault.does == "drop":
        return Response(dropped=True)
    if fault.does == "redirect":
        return Response(fault.status, b"", headers | {"location": fault.url})
    headers = headers | dict(fault.headers)
    if fault.retry_after is not None:
        headers = headers | {"retry-after": str(fault.retry_after)}
    if fault.does == "page":
        return Response(fault.status, fault.text.encode(), headers | {"content-type": "text/html"})
    body = error_body(fault.error, fault.text, headers["request-id"])
    return of_json(fault.status, body, headers)


def spoiled(response: Response, fault: Fault | None) -> Response:
    """Return the response as it goes out, whole or not."""
    does = fault.does if fault else None
    response.cut = response.cut or does == "cut"
    response.dropped = response.dropped or does == "lose"
    return response
