"""What came back: a value, or why there is none; and what it cost."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from align.claude.prices import Price, Usage, added
from align.claude.requests import Request

Parse = Callable[[str], Any]

PROBLEMS = (
    "refused", "truncated", "malformed", "no text", "errored", "canceled", "expired", "blocked",
)  # fmt: skip
# Sent again where chance or more room may mend it: a refusal is the model's own word, and what the
# gate blocked it would block again.
RETRIED = frozenset({"truncated", "malformed", "no text", "errored", "canceled", "expired"})
AGAIN = 2

_STOPS = {
    "refusal": "refused",
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request."""

    request: Request  # of a batch that an earlier run sent, its id alone
    value: Any  # what the text was understood as; None where there is a problem
    problem: str | None  # one of `PROBLEMS`, or None
    usage: Usage | None = None  # the tokens of all tries that were answered; None where none was
    # of those, in USD; None where none was answered. A try that broke off may have cost more:
    # nobody says so.
    cost: float | None = None
    tries: int = 1  # how often it was sent; 0 where it never was
    model: str | None = None  # which answered, in its own words; None where none is named

    def after(self, earlier: "Reply | None") -> "Reply":
        """Return this reply with the usage, cost and tries of an earlier one added."""
        if earlier is None:
            return self
        usage, cost = added(earlier.usage, self.usage), self.cost
        if earlier.cost is not None:
            cost = earlier.cost + (cost or 0.0)
        return replace(self, usage=usage, cost=cost, tries=self.tries + earlier.tries)

    @property
    def is_tried_again(self) -> bool:
        """Tell whether chance or more room may mend it, and it was not tried often enough."""
        return self.problem in RETRIED and self.tries <= AGAIN

    @property
    def room(self) -> int:
        """Return how many times `max_tokens` the next try may have: one cut off gets more."""
        return 2**self.tries if self.problem == "truncated" else 1

    def in_passing(self) -> "Reply":
        """Return this reply of a run that ended before it tried again: what failed may pass."""
        return replace(self, problem="errored") if self.problem in RETRIED else self


def loaded(body: bytes) -> Any:
    """Return what JSON says; None for what is none, or nested deeper than anybody's."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def is_message(value: Any) -> bool:
    """Tell whether a JSON value is a message that has ended, whatever stands in it."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("content"), list)
        and isinstance(value.get("stop_reason"), str)
    )


def read_reply(request: Request, message: Any, parse: Parse, *, price: Price, batch: bool) -> Reply:
    """Return what a message in JSON came to; what is none `errored`, which may pass."""
    if not is_message(message):
        return Reply(request, None, "errored")
    usage = Usage.of(message.get("usage"))
    cost = None if usage is None else price.cost(usage, batch=batch)
    value, problem = _understood(message, parse)
    model = message.get("model")
    named = model if isinstance(model, str) and model else None
    return Reply(request, value, problem, usage, cost, model=named)


def _understood(message: dict[str, Any], parse: Parse) -> tuple[Any, str | None]:
    problem = _STOPS.get(message["stop_reason"])
    if problem is not None:
        return None, problem
    text = _text_of(message["content"])
    if text is None:
        return None, "no text"
    try:
        return parse(text), None
    except (ValueError, RecursionError):
        return None, "malformed"


def _text_of(content: list[Any]) -> str | None:
    """Return the text that was written; thoughts and calls of tools are none."""
    texts = [
        block["text"]
        for block in content
        if isinstance(block, dict)
        and block.get("type") == "text"
        and isinstance(block.get("text"), str)
    ]
    return "".join(texts) if any(text.strip() for text in texts) else None
