"""How the stand-in behaves, and what it has seen."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.anthropic_server.faults import Script
from tests.anthropic_server.messages import AnswerTo, Tier
from tests.anthropic_server.wire import Received


@dataclass
class Behaviour:
    """How the stand-in behaves; all but the cache's minimum and the seed may change as it runs."""

    # what the model says to a request's parameters; fits the schema where None
    answer: AnswerTo | None = None
    faults: Script = None  # by the number of the message asked for online, and its parameters
    entry_faults: Script = None  # by the number of the batch entry, and its parameters
    batch_faults: Script = None  # by the number of the batch created, and its entries
    # by the number of the request to any other address, and what was received
    http_faults: Script = None
    latency: float = 0.0  # seconds before each response
    # how long a batch takes; None for as long as nobody calls `finish_batches`
    batch_seconds: float | None = 0.0
    # which share of a batch's entries finds the cache: there it is best effort
    batch_hits: float = 0.9
    # which share of a batch's entries is done although it was canceled
    done_when_canceled: float = 0.0
    # tokens below which a prefix is not cached, by model or for all
    cache_minimum: int | dict[str, int] = 1024
    answers_as: str | None = None  # the model that messages name; the one asked for where None
    without_usage: bool = False  # whether messages say nothing of their tokens
    keys: set[str] | None = None  # the keys that are known; any where None
    keep_bodies: bool = True  # whether `received` keeps what came, or only counts it
    # called with each request as it comes, in the server's thread
    watch: Callable[[Received], None] | None = None
    seed: int = 0  # of the order of a batch's results, and of its cache hits


@dataclass(slots=True)
class Billed:
    """What one message cost."""

    model: str
    tier: Tier
    usage: dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What the stand-in has seen and done."""

    received: list[Received] = field(default_factory=list)  # every request that arrived whole
    # how many, by method and address without ids
    routes: Counter[str] = field(default_factory=Counter)
    # how many responses, by status; 0 for connections dropped
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)  # how many faults, by name
    # every message that was written, whether it arrived or not
    billed: list[Billed] = field(default_factory=list)
    in_flight: int = 0  # how many are being answered
    most_in_flight: int = 0  # the most at once
    # what a test's own functions raised; `serve` raises the first of them at its end
    broken: list[Exception] = field(default_factory=list)
