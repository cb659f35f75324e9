"""What may go wrong on the other side, one by one, by script or at random."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Does = Literal[
    "error", "page", "redirect", "drop", "lose", "cut", "slow",
    "refuse", "truncate", "overflow", "say", "no text", "empty", "think", "use tool",
    "entry error", "expire", "cancel", "miss", "never end", "elsewhere", "stranger", "shorten",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    name: str  # what it is counted as
    does: Does  # what happens
    status: int = 200  # of an error, a page or a redirect
    error: str = "api_error"  # the type that Anthropic gives such an error
    retry_after: float | None = None  # in seconds; no such header where None
    # how much later a slow answer comes, or how old a batch is that never ends
    seconds: float = 0.0
    text: str = ""  # what is said instead
    url: str = ""  # where a redirect or a batch's results lead
    headers: tuple[tuple[str, str], ...] = ()  # of the response, beside the usual ones
    share: float = 0.0  # of a batch's results, that a short download holds


def error(status: int, kind: str, *, retry_after: float | None = None, text: str = "") -> Fault:
    """Return a fault that answers with an error in Anthropic's form."""
    return Fault(f"error {status}", "error", status, kind, retry_after, text=text or kind)


def slow(seconds: float) -> Fault:
    """Return a fault that answers well, but later."""
    return Fault("slow", "slow", seconds=seconds)


def says(text: str, name: str = "says") -> Fault:
    """Return a fault that replies with this text, whatever was asked."""
    return Fault(name, "say", text=text)


def redirect(url: str, status: int = 307) -> Fault:
    """Return a fault that sends the client elsewhere."""
    return Fault("redirect", "redirect", status, url=url)


def never_ends(age: float = 0.0) -> Fault:
    """Return a fault of a batch that stays in progress, and was created so many seconds ago."""
    return Fault("never ends", "never end", seconds=age)


def results_at(url: str) -> Fault:
    """Return a fault of a batch whose results are said to lie elsewhere."""
    return Fault("results elsewhere", "elsewhere", url=url)


def page(text: str) -> Fault:
    """Return a fault of a proxy in between: a 200 with something else in it."""
    return Fault("page 200", "page", text=text)


def shortened(share: float) -> Fault:
    """Return a fault of a batch's results: so many of them, and a clean end."""
    return Fault("shortened", "shorten", share=share)


RATE_LIMITED = error(429, "rate_limit_error", retry_after=0.01)
OVERLOADED = error(529, "overloaded_error")
SERVER_ERROR = error(500, "api_error")
TIMED_OUT = error(504, "timeout_error")
BAD_REQUEST = error(400, "invalid_request_error")
UNAUTHENTICATED = error(401, "authentication_error")
UNPAID = error(402, "billing_error")
FORBIDDEN = error(403, "permission_error")
# A proxy's page, which is no JSON.
BAD_GATEWAY = Fault("page 502", "page", 502, text="<html><h1>502 Bad Gateway</h1></html>")

# The connection ends before anything was done; after all was done and billed; within the body.
DROPPED = Fault("dropped", "drop")
LOST_REPLY = Fault("lost reply", "lose")
CUT = Fault("cut", "cut")

REFUSAL = Fault("refusal", "refuse")
# Refused after the whole answer was written: it reads well and must not be read.
LATE_REFUSAL = Fault("late refusal", "refuse", text="whole")
TRUNCATED = Fault("truncated", "truncate")
CONTEXT_EXCEEDED = Fault("context exceeded", "overflow")
WRONG_JSON = says("Answer A sounds more like the owner.", "wrong JSON")
WRONG_KEYS = says('{"verdict": "A"}', "wrong keys")
NO_TEXT = Fault("no text", "no text")
EMPTY = Fault("empty", "empty")
TOOL_USE = Fault("tool use", "use tool")
# Harmless: a reader that takes the first block stumbles over it.
THINKING_FIRST = Fault("thinking first", "think")

# Of an entry of a batch.
ERRORED = Fault("errored", "entry error", 500, "api_error", text="Internal server error")
INVALID = Fault("invalid", "entry error", 400, "invalid_request_error", text="Invalid request")
EXPIRED = Fault("expired", "expire")
CANCELED = Fault("canceled", "cancel")
MISSING = Fault("missing", "miss")
# An entry more, under an id that nobody gave.
STRANGER = Fault("stranger", "stranger")

NEVER_ENDS = never_ends()

IN_REPLIES = (
    REFUSAL, LATE_REFUSAL, TRUNCATED, CONTEXT_EXCEEDED, WRONG_JSON, WRONG_KEYS, NO_TEXT, EMPTY,
    TOOL_USE, THINKING_FIRST,
)  # fmt: skip
IN_HTTP = (RATE_LIMITED, OVERLOADED, SERVER_ERROR, BAD_GATEWAY, DROPPED, LOST_REPLY, CUT)
ONLINE = (*IN_HTTP, slow(0.02), *IN_REPLIES)
IN_BATCHES = (ERRORED, INVALID, EXPIRED, CANCELED, MISSING, STRANGER, *IN_REPLIES)

# Called with a running number from 0 and what was asked; or one after the other, then none.
Script = Callable[[int, Any], Fault | None] | Sequence[Fault | None] | None


def random_faults(
    rate: float, seed: int = 0, kinds: Sequence[Fault] = ONLINE
) -> Callable[[int, Any], Fault | None]:
    """Return a script with such a share of faults, the same for the same seed."""

    def draw(number: int, _: Any) -> Fault | None:
        drawn = random.Random(f"{seed} {number}")
        return drawn.choice(kinds) if drawn.random() < rate else None

    return draw


def of_script(script: Script, number: int, asked: Any) -> Fault | None:
    """Return what goes wrong with the n-th of something."""
    if script is None:
        return None
    if callable(script):
        return script(number, asked)
    return script[number] if number < len(script) else None
