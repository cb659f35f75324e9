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
    cache_write_tokens: int = 0  # put into the cache

    def __add__(self, other: "Usage") -> "Usage":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Usage(*(mine + theirs for mine, theirs in pairs))

    @property
    def read_tokens(self) -> int:
        """Return all that was read, in whatever way."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @classmethod
    def of(cls, usage: Any) -> "Usage | None":
        """Return the usage that a message's `usage` states, or None where it states none."""
        stated = usage if isinstance(usage, dict) else {}
        counts = [stated.get(name) for name in _STATED]
        read, written, *cached = (n if type(n) is int and n >= 0 else None for n in counts)
        if read is None or written is None:
            return None
        return cls(read, written, *(n or 0 for n in cached))


def added(first: Usage | None, second: Usage | None) -> Usage | None:
    """Return what both come to; what is not known adds nothing."""
    return first + second if first and second else first or second


# The provider's names of what a usage has.
_STATED = (
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD per million tokens."""

    model: str  # which
    source: str  # where the prices come from
    input: float  # read
    output: float  # written
    batch: float  # share of the price that a request in a batch costs
    cache_write: float  # times the price of input, for what is put into the cache for 5 minutes
    cache_read: float  # times the price of input, for what is read from the cache
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
            + usage.cache_write_tokens * price.cache_write
        )
        full = (read * price.input + usage.output_tokens * price.output) / _MILLION
        return full * price.batch if batch else full


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

    def price_at(tokens: int, longer: tuple[tuple[int, Price], ...] = ()) -> Price:
        def dollars(prices: Any, name: str) -> float | None:
            price = getattr(prices, name, None)
            if isinstance(price, TieredPrices):
                tiers = reversed(price.tiers)
                price = next((tier.price for tier in tiers if tokens >= tier.start), price.base)
            return None if price is None else float(price)

        read = dollars(full, "input_mtok") or 0.0
        # What has no price of its own costs as much as any other input.
        batch, write, from_cache = (
            1.0 if not read or (usd := dollars(prices, name)) is None else usd / read
            for prices, name in ((half, "input_mtok"), (full, "cache_write_mtok"),
                                 (full, "cache_read_mtok"))
        )  # fmt: skip
        written = dollars(full, "output_mtok") or 0.0
        source = f"genai-prices {__version__}"
        return Price(model, source, read, written, batch, write, from_cache, longer)

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
