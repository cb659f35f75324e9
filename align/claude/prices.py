"""What tokens cost, from `recipes/prices.yaml`, which says when it was read."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from align.errors import UserError
from align.paths import recipes_dir, relative_to_root

_MILLION = 1_000_000
# Some names end in the day of their making; the price is that of the name without it.
_DATED = re.compile(r"-\d{8}$")


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one reply, or of several, as the provider counts them.

    Attributes:
        input_tokens: Read in full; what came from the cache or went into it is not among them.
        output_tokens: Written, thoughts included.
        cache_read_tokens: Read from the cache.
        cache_write_5m_tokens: Put into the cache for 5 minutes.
        cache_write_1h_tokens: Put into the cache for an hour.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
        )

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
        said = usage if isinstance(usage, dict) else getattr(usage, "__dict__", {})
        read, written = _count(said.get("input_tokens")), _count(said.get("output_tokens"))
        if read is None or written is None:
            return None
        split = said.get("cache_creation") or {}
        split = split if isinstance(split, dict) else vars(split)
        hour = _count(split.get("ephemeral_1h_input_tokens")) or 0
        put = max(_count(said.get("cache_creation_input_tokens")) or 0, hour)
        from_cache = _count(said.get("cache_read_input_tokens")) or 0
        return cls(read, written, from_cache, put - hour, hour)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD per million tokens.

    Attributes:
        model: Which.
        input: Read.
        output: Written.
        batch: Share of the price that a request in a batch costs.
        cache_write_5m: Times the price of input, for what is put into the cache for 5 minutes.
        cache_write_1h: The same for an hour.
        cache_read: Times the price of input, for what is read from the cache.
        cache_minimum: A shorter shared part, in tokens, is not cached.
        read: The month in which the prices were looked up.
    """

    model: str
    input: float
    output: float
    batch: float
    cache_write_5m: float
    cache_write_1h: float
    cache_read: float
    cache_minimum: int
    read: str

    def cost(self, usage: Usage, *, batch: bool) -> float:
        """Return what tokens cost, in USD."""
        read = (
            usage.input_tokens
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
        )
        full = (read * self.input + usage.output_tokens * self.output) / _MILLION
        return full * self.batch if batch else full

    def write_factor(self, ttl: str | None) -> float:
        """Return what a cached part costs when it is written, times the price of input."""
        return {"1h": self.cache_write_1h, "5m": self.cache_write_5m}.get(ttl or "", 1.0)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cache_minimum: int = Field(ge=0)


class _Prices(BaseModel):
    model_config = ConfigDict(extra="forbid")
    read: str = Field(pattern=r"^\d{4}-\d{2}$")
    batch: float = Field(gt=0, le=1)
    cache_write_5m: float = Field(ge=1, allow_inf_nan=False)
    cache_write_1h: float = Field(ge=1, allow_inf_nan=False)
    cache_read: float = Field(ge=0, le=1)
    models: dict[str, _Model] = Field(min_length=1)


def price_of(model: str) -> Price:
    """Return what a model costs.

    Raises:
        UserError: Its price is not known; names what is near, and the file.
    """
    prices = _read(prices_file())
    known = prices.models
    priced = known.get(model) or known.get(_DATED.sub("", model))
    if priced is None:
        near = difflib.get_close_matches(model, known, n=3, cutoff=0.0)
        where = relative_to_root(prices_file())
        raise UserError(
            f"model {model!r}",
            f"its price is not known: known are {', '.join(near)}",
            f"Choose one of them, or write its price into {where}",
        )
    factors = prices.model_dump(exclude={"models"})
    return Price(model=model, **priced.model_dump(), **factors)


def known_models() -> list[str]:
    """Return the models whose price is known, in the file's order."""
    return list(_read(prices_file()).models)


def prices_file() -> Path:
    """Return where the prices stand."""
    return recipes_dir() / "prices.yaml"


def _read(path: Path) -> _Prices:
    where = relative_to_root(path)
    try:
        return _Prices.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise UserError(where, f"can't be read ({error.strerror})", "Put it back") from None
    except UnicodeDecodeError:
        raise UserError(where, "not UTF-8 text", "Save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{where}{line}", "not YAML", "Mend that line") from None
    except ValidationError as error:
        said = [
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors(include_url=False)
        ]
        raise UserError(where, "; ".join(said), "Mend that") from None
