"""What tokens cost, by the prices that come with the package genai-prices: none is fetched."""

import difflib
from dataclasses import astuple, dataclass
from typing import Any

from align.errors import UserError

_MILLION = 1_000_000
_PROVIDER = "anthropic"
# A shorter shared part, in tokens, is not cached, and nobody says so. The minimum of the newest
# models was not found (November 2026); this is the largest of older ones.
CACHE_MINIMUM = 4096


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one reply, or of several, as the provider counts them."""

    input_tokens: int  # read in full; what came from the cache or went into it is not among them
    output_tokens: int  # written, thoughts included
    cache_read_tokens: int = 0  # read from the cache
    cache_write_5m_tokens: int = 0  # put into the cache for 5 minutes
    cache_write_1h_tokens: int = 0  # put into the cache for an hour

    def __add__(self, other: "Usage") -> "Usage":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Usage(*(mine + theirs for mine, theirs in pairs))

    @property
    def cache_write_tokens(self) -> int:
        """Return what was put into the cache, for however long."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def read_tokens(self) -> int:
        """Return all that was read, in whatever way."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @classmethod
    def of(cls, usage: Any) -> "Usage | None":
        """Return the usage that a message's `usage` states, or None where it states none."""
        counts = usage if isinstance(usage, dict) else {}
        read, written = _count(counts.get("input_tokens")), _count(counts.get("output_tokens"))
        if read is None or written is None:
            return None
        split = counts.get("cache_creation")
        hour = _count(split.get("ephemeral_1h_input_tokens")) if isinstance(split, dict) else 0
        hour = hour or 0
        put = max(_count(counts.get("cache_creation_input_tokens")) or 0, hour)
        from_cache = _count(counts.get("cache_read_input_tokens")) or 0
        return cls(read, written, from_cache, put - hour, hour)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def logged(usage: Usage, cost: float | None) -> dict[str, Any]:
    """Return tokens and cost under the names that a line of the egress log has for them."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cost": cost,
    }


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD per million tokens."""

    model: str  # which
    input: float  # read
    output: float  # written
    batch: float  # share of the price that a request in a batch costs
    cache_write_5m: float  # times the price of input, for what is put into the cache for 5 minutes
    cache_write_1h: float  # the same for an hour
    cache_read: float  # times the price of input, for what is read from the cache
    source: str  # where the prices come from
    # from how many tokens read a request costs another price, and which; in order
    longer: "tuple[tuple[int, Price], ...]" = ()
    cache_minimum: int = CACHE_MINIMUM  # a shorter shared part, in tokens, is not cached

    def reading(self, tokens: float) -> "Price":
        """Return the price of a request that reads so many tokens."""
        return next((price for start, price in reversed(self.longer) if tokens > start), self)

    def cost(self, usage: Usage, *, batch: bool) -> float:
        """Return what the tokens of one reply cost, in USD."""
        price = self.reading(usage.read_tokens)
        read = (
            usage.input_tokens
            + usage.cache_read_tokens * price.cache_read
            + usage.cache_write_5m_tokens * price.cache_write_5m
            + usage.cache_write_1h_tokens * price.cache_write_1h
        )
        full = (read * price.input + usage.output_tokens * price.output) / _MILLION
        return full * price.batch if batch else full

    def write_factor(self, ttl: str | None) -> float:
        """Return what a cached part costs when it is written, times the price of input."""
        return {"1h": self.cache_write_1h, "5m": self.cache_write_5m}.get(ttl or "", 1.0)


def price_of(model: str) -> Price:
    """Return a model's price, the day of its making left out; UserError names what is near."""
    # It takes 0.1 s to import: not where nothing is sent.
    from genai_prices import Usage as NoUsage
    from genai_prices import __version__, calc_price
    from genai_prices.types import TieredPrices

    try:
        full, half = (
            calc_price(NoUsage(), model, provider_id=_PROVIDER, price_context=context).model_price
            for context in ({}, {"processing": "batch"})
        )
    except LookupError:
        raise _unknown(model) from None

    def dollars(prices: Any, name: str, tokens: int) -> float | None:
        price = getattr(prices, name, None)
        if isinstance(price, TieredPrices):
            price = next((t.price for t in reversed(price.tiers) if tokens >= t.start), price.base)
        return None if price is None else float(price)

    def price_at(tokens: int, longer: tuple[tuple[int, Price], ...] = ()) -> Price:
        base = dollars(full, "input_mtok", tokens) or 0.0

        def factor(prices: Any, name: str) -> float:
            value = dollars(prices, name, tokens)
            # What has no price of its own costs as much as any other input.
            return 1.0 if value is None or not base else value / base

        return Price(
            model=model,
            input=base,
            output=dollars(full, "output_mtok", tokens) or 0.0,
            batch=factor(half, "input_mtok"),
            cache_write_5m=factor(full, "cache_write_mtok"),
            cache_write_1h=factor(full, "cache_write_1h_mtok"),
            cache_read=factor(full, "cache_read_mtok"),
            source=f"genai-prices {__version__}",
            longer=longer,
        )

    tiered = getattr(full, "input_mtok", None)
    starts = [tier.start for tier in tiered.tiers] if isinstance(tiered, TieredPrices) else []
    return price_at(0, tuple((start, price_at(start)) for start in starts))


def _unknown(model: str) -> UserError:
    from genai_prices.data import providers

    known = [m.id for provider in providers if provider.id == _PROVIDER for m in provider.models]
    near = difflib.get_close_matches(model, known, n=3, cutoff=0.0)
    return UserError(
        f"model {model!r}",
        f"its price is not known: known are {', '.join(near)}",
        "Choose one of them, or bring newer prices: .venv/bin/pip install --upgrade genai-prices",
    )
