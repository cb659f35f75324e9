"""The way to Claude, from the first estimate to an open client.

A command calls `destination`, shows the lines of `announcement`, calls `obtain_consent`, and only
then opens the channel. Up to there nothing has been sent or written.
"""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from align.claude.budget import Budget
from align.claude.estimates import Estimate
from align.claude.prices import Price, price_of
from align.claude.provider import api_key, base_url, host_of
from align.console import dollars
from align.owner import Owner
from align.privacy.consent import Consent, ask_consent, terms
from align.privacy.egress import EgressGate
from align.privacy.egress_log import EgressLog
from align.privacy.scope import Detector

Ask = Callable[[str], str]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an owner's texts would go, what for, and at what price."""

    owner_id: str  # whose texts
    purpose: str  # `judge` or `questions`
    url: str  # the provider's address
    host: str  # the same, as consent, gate and log name it
    price: Price  # of the model


@dataclass(frozen=True, slots=True)
class Poll:
    """How often a batch is polled, in seconds."""

    first: float = 2.0  # before the first time
    longest: float = 60.0  # up to which the wait grows


@dataclass(frozen=True, slots=True)
class Channel:
    """An open way to Claude; what is sent on it shares a budget."""

    conn: Connection  # the store, in which batches are noted before they are waited for
    client: Any  # from `align.claude.client.open_client`
    price: Price  # of the model
    budget: Budget  # once it is used up, nothing more is sent; it counts what was left out
    concurrency: int = 16  # how many requests are under way at once
    poll: Poll = field(default_factory=Poll)  # how often a batch is polled
    say: Say = lambda line: None  # gets a line where something is worth saying


def destination(owner_id: str, model: str, purpose: str) -> Destination:
    """Return where requests would go; needs no key, writes nothing, sends nothing.

    UserError: the model's price is not known, or the address is none to send writing to.
    """
    price, url = price_of(model), base_url()
    return Destination(owner_id, purpose, url, host_of(url), price)


def announcement(to: Destination, estimate: Estimate, budget_usd: float | None) -> list[str]:
    """Return the lines that say what will be sent and what it costs, before anything is."""
    price, number = to.price, round(estimate.requests)
    count = "1 request" if number == 1 else f"{number:,} requests"
    lines = [
        f"{count} to {price.model} at {to.host}: about {round(estimate.input_tokens):,} tokens "
        f"read and {round(estimate.output_tokens):,} written.",
        f"That costs {usd_range(estimate)}, at most {dollars(estimate.usd_at_most)} "
        f"(prices of {price.source}).",
    ]
    if budget_usd is not None:
        short = "; it may not hold all of them" if estimate.usd_high > budget_usd else ""
        lines.append(f"The budget is {dollars(budget_usd)}: no more is spent{short}.")
    return lines


def usd_range(estimate: Estimate) -> str:
    """Return what requests cost, from the least that is usual to the most."""
    return f"{dollars(estimate.usd_low)} to {dollars(estimate.usd_high)}"


def obtain_consent(
    to: Destination, owner: Owner, *, yes: bool, ask: Ask | None, show: Say, redacted: bool = True
) -> Consent:
    """Return the owner's consent: the one on file, `yes`, or what they answer now.

    `ask` puts a question on the terminal, as `on_terminal` returns it; None where there is none.
    UserError: there is no key, they did not agree, or nobody could be asked.
    """
    # Nobody agrees to what can't be sent.
    api_key()
    lines = terms(to.host, to.purpose, owner, redacted=redacted)
    with EgressLog(to.owner_id) as egress_log:
        return ask_consent(egress_log, to.host, to.purpose, lines, ask=ask, yes=yes, show=show)


@asynccontextmanager
async def open_channel(
    conn: Connection,
    to: Destination,
    detector: Detector,
    consent: Consent | None,
    *,
    budget_usd: float | None,
    concurrency: int = 16,
    poll: Poll | None = None,
    say: Say = lambda text: None,
) -> AsyncIterator[Channel]:
    """Open a channel: each attempt of its client passes the gate and stands in the egress log.

    The detector's store belongs to this thread. Without a consent the gate lets nothing pass;
    without a budget there is no limit.

    Raises:
        UserError: There is no key, or the egress log can't be written.
    """
    from align.claude.client import open_client

    key = api_key()
    with EgressLog(to.owner_id) as egress_log:
        gate = EgressGate(detector, consent, egress_log, host=to.host, purpose=to.purpose)
        budget = Budget(budget_usd)
        client = open_client(gate, key=key, base_url=to.url, price=to.price, budget=budget)
        async with client:
            yield Channel(conn, client, to.price, budget, concurrency, poll or Poll(), say)


def on_terminal() -> Ask | None:
    """Return what asks on the terminal, or None where nobody sits at one."""
    if not sys.stdin.isatty():
        return None

    def ask(question: str) -> str:
        print(f"{question}: ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline()

    return ask
