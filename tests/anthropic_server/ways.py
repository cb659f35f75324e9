"""How the stand-in behaves, and what it has seen."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.anthropic_server.faults import Script
from tests.anthropic_server.messages import AnswerTo, Tier
from tests.anthropic_server.wire import Received


@dataclass
class Ways:
    """How the stand-in behaves; all but the cache's minimum and the seed may change as it runs.

    Attributes:
        answer: What the model says to a request's parameters; fits the schema where None.
        faults: By the number of the message asked for online, and its parameters.
        entry_faults: By the number of the batch entry, and its parameters.
        batch_faults: By the number of the batch created, and its entries.
        http_faults: By the number of the request to any other address, and what was received.
        latency: Seconds before each response.
        batch_seconds: How long a batch takes; None for as long as nobody calls `finish_batches`.
        batch_hits: Which share of a batch's entries finds the cache: there it is best effort.
        done_when_canceled: Which share of a batch's entries is done although it was canceled.
        cache_minimum: Tokens below which a prefix is not cached, by model or for all.
        keys: The keys that are known; any where None.
        keep_bodies: Whether `received` keeps what came, or only counts it.
        watch: Called with each request as it comes, in the server's thread.
        seed: Of the order of a batch's results, and of its cache hits.
    """

    answer: AnswerTo | None = None
    faults: Script = None
    entry_faults: Script = None
    batch_faults: Script = None
    http_faults: Script = None
    latency: float = 0.0
    batch_seconds: float | None = 0.0
    batch_hits: float = 0.9
    done_when_canceled: float = 0.0
    cache_minimum: int | dict[str, int] = 1024
    keys: set[str] | None = None
    keep_bodies: bool = True
    watch: Callable[[Received], None] | None = None
    seed: int = 0


@dataclass(slots=True)
class Billed:
    """What one message cost."""

    model: str
    tier: Tier
    usage: dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What the stand-in has seen and done.

    Attributes:
        received: Every request that arrived whole.
        routes: How many, by method and address without ids.
        statuses: How many responses, by status; 0 for connections dropped.
        faults: How many faults, by name.
        billed: Every message that was written, whether it arrived or not.
        in_flight: How many are being answered.
        most_in_flight: The most at once.
        broken: What a test's own functions raised; `serve` raises the first of them at its end.
    """

    received: list[Received] = field(default_factory=list)
    routes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    billed: list[Billed] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    broken: list[Exception] = field(default_factory=list)
