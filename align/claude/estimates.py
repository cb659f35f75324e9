"""What requests will cost, estimated without sending anything."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

from align.claude.prices import Price, Usage
from align.claude.requests import Request, size_of

# Before any reply has shown it: a few short notes and a verdict, as JSON.
USUAL_OUTPUT = 120
# A rate counts once so many replies have shown it.
ENOUGH = 20
# What the worst case takes an estimate times: tokenizers differ by about a third on the same text,
# and a schema may be put before a model in more words than ours.
MARGIN, LEARNED_MARGIN = 1.5, 1.2
# In a batch, requests that share a part are worked on at once or hours apart, so that some write
# what others could have read; how many read it nobody promises. Until batches have shown it.
BATCH_HITS = 0.8

# Lead bytes of characters of two, three and four bytes in UTF-8.
_TWO = bytes(range(0xC0, 0xE0))
_THREE = bytes(range(0xE0, 0xF0))
_FOUR = bytes(range(0xF0, 0xF8))


@lru_cache(maxsize=64)
def tokens_of(text: str) -> int:
    """Return about how many tokens a text is.

    The rarer a script was in what a tokenizer was made from, the fewer characters a token holds,
    and UTF-8 gave the rarer ones more bytes: 3.5 characters a token in ASCII, 2 in what has two
    bytes (accents, Cyrillic, Greek), 1 in what has three (Chinese, Indic), a third of one in emoji.
    """
    data = text.encode("utf-8", "replace")
    two, three, four = (
        len(data) - len(data.translate(None, lead)) for lead in (_TWO, _THREE, _FOUR)
    )
    plain = len(text) - two - three - four
    return round(plain / 3.5 + two / 2 + three + four * 3 + 0.5) if text else 0


class Rate:
    """How many tokens a byte is, and how long an answer: a guess, then what replies have shown.

    `output` are an answer's tokens before that.
    """

    def __init__(self, output: float = USUAL_OUTPUT) -> None:
        self._guess = output
        self._replies = self._bytes = self._read = 0
        self._answers = self._written = self._cached = 0
        self._hits = self._misses = 0

    def learn(self, size: int, usage: Usage) -> None:
        """Take in a reply to a body of `size` bytes."""
        self._replies += 1
        self._bytes += size
        self._read += usage.read_tokens
        self._answers += 1
        self._written += usage.output_tokens
        self._cached += usage.cache_read_tokens + usage.cache_write_tokens > 0

    def learn_batch(self, answers: int, usage: Usage) -> None:
        """Take in what a batch came to that had so many answers."""
        self._answers += answers
        self._written += usage.output_tokens
        self._hits += usage.cache_read_tokens
        self._misses += usage.cache_write_tokens

    @classmethod
    def of_log(
        cls, lines: Iterable[Mapping[str, Any]], model: str, *, output: float = USUAL_OUTPUT
    ) -> "Rate":
        """Return what the egress log shows of a model: single messages, and batches."""
        rate = cls(output)
        for line in lines:
            usage = _usage_of(line)
            if line.get("model") != model or usage is None:
                continue
            if line.get("kind") == "settled":
                rate.learn_batch(int(line.get("requests") or 0), usage)
            elif str(line.get("path")).endswith("/messages") and line.get("bytes"):
                rate.learn(int(line["bytes"]), usage)
        return rate

    @property
    def learned(self) -> bool:
        """Tell whether enough replies have shown how many tokens a byte is."""
        return self._replies >= ENOUGH and self._bytes > 0

    @property
    def caches(self) -> bool | None:
        """Return whether shared parts are cached; None where too few replies have shown it."""
        return self._cached * 2 > self._replies if self.learned else None

    @property
    def output(self) -> float:
        """Return the tokens of a usual answer."""
        return self._written / self._answers if self._answers >= ENOUGH else self._guess

    @property
    def batch_hits(self) -> float:
        """Return the share of a batch's cached parts that is read rather than written."""
        cached = self._hits + self._misses
        return self._hits / cached if cached else BATCH_HITS

    def input_of(self, request: Request) -> tuple[float, float]:
        """Return the tokens of the shared part, and of the rest of a body."""
        if not self.learned:
            return _guessed(request)
        # The share of the whole's bytes; JSON's own signs belong to either.
        each = self._read / self._bytes
        # The long part is measured once; all else is short.
        (system,) = request.params["system"]
        form = request.params.get("output_config")
        short = {**request.params, "system": [{**system, "text": ""}], "output_config": None}
        front = _bytes_of(request.shared) + len(_dumped(form))
        return front * each, (size_of(short) - len(_dumped(None))) * each


def _guessed(request: Request) -> tuple[float, float]:
    # The form of an answer, which the provider puts before all else.
    fixed = tokens_of(str(request.params.get("output_config", "")))
    question = "".join(str(turn["content"]) for turn in request.params["messages"])
    # Not remembered as the shared part is: each question is a text of its own.
    return float(tokens_of(request.shared) + fixed), float(tokens_of.__wrapped__(question))


def _usage_of(line: Mapping[str, Any]) -> Usage | None:
    """Return the tokens that a line of the egress log states."""
    read, written = line.get("input_tokens"), line.get("output_tokens")
    if not isinstance(read, int) or not isinstance(written, int):
        return None
    cached = (line.get("cache_read_tokens") or 0, line.get("cache_write_tokens") or 0)
    return Usage(read, written, *cached)


@lru_cache(maxsize=64)
def _bytes_of(text: str) -> int:
    """Return the bytes that a text takes within JSON."""
    return len(_dumped(text)) - 2


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What requests will come to."""

    requests: int  # how many
    input_tokens: int  # read, in whatever way
    cached_tokens: int  # of those, read from the cache
    output_tokens: int  # written
    usd: float  # what it will cost
    usd_at_most: float  # the same where every answer is as long as it may be and nothing is cached

    def __add__(self, other: "Estimate") -> "Estimate":
        """Return what both come to."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Estimate(*(mine + theirs for mine, theirs in pairs))


def estimate(
    requests: Iterable[Request],
    *,
    price: Price,
    rate: Rate | None = None,
    batch: bool = False,
    count: int | None = None,
) -> Estimate:
    """Return what requests will cost; nothing is sent.

    `requests` are all of them, or as many as stand for `count`.
    """
    rate, seen, seen_requests = rate or Rate(), set[int](), 0
    # Tokens, and USD of the input: what each request costs, and what the first ones of a shared
    # part cost beyond that.
    usual = first = read = from_cache = at_most = usd = 0.0
    for request in requests:
        seen_requests += 1
        shared, rest = rate.input_of(request)
        read += shared + rest
        at_most += worst_case(request, price, rate, batch=batch)
        at = price.reading(shared + rest)
        write, later, hits = _cached(request, shared, at, rate, batch)
        usual += (rest + shared * later) * at.input
        usd += rate.output * at.output
        from_cache += shared * hits
        if hash(request.shared) not in seen:
            seen.add(hash(request.shared))
            first += shared * (write - later) * at.input
            from_cache -= shared * hits
    times = 1.0 if count is None or not seen_requests else count / seen_requests
    usd = ((usual + usd) * times + first) / 1e6
    return Estimate(
        requests=round(seen_requests * times),
        input_tokens=round(read * times),
        cached_tokens=round(max(0.0, from_cache * times)),
        output_tokens=round(rate.output * seen_requests * times),
        usd=usd * (price.batch if batch else 1.0),
        usd_at_most=at_most * times,
    )


def _cached(
    request: Request, shared: float, price: Price, rate: Rate, batch: bool
) -> tuple[float, float, float]:
    """Return what a shared part costs first and later, times input, and how often it is read."""
    caches = shared >= price.cache_minimum if rate.caches is None else rate.caches
    if request.ttl is None or not caches:
        return 1.0, 1.0, 0.0
    write = price.write_factor(request.ttl)
    hits = rate.batch_hits if batch else 1.0
    return write, hits * price.cache_read + (1 - hits) * write, hits


def worst_case(request: Request, price: Price, rate: Rate, *, batch: bool, times: int = 1) -> float:
    """Return what sending a request costs at most, in USD: nothing cached, all room used.

    An answer may have `times` times `max_tokens`.
    """
    shared, rest = _guessed(request)
    margin = LEARNED_MARGIN if rate.learned else MARGIN
    price = price.reading((shared + rest) * margin)
    factor = price.write_factor(request.ttl)
    read = shared * factor + rest
    if rate.learned:
        shared, rest = rate.input_of(request)
        # What was learned is a mean: a request in another script may have more tokens a byte.
        read = max(read, (shared * factor + rest) * LEARNED_MARGIN)
    else:
        read *= MARGIN
    usd = (read * price.input + request.max_tokens * times * price.output) / 1e6
    return usd * price.batch if batch else usd
