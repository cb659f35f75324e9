"""What requests will cost: a range and the worst case, without sending anything."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import lru_cache

from align.claude.prices import Price
from align.claude.requests import Request

# Tokens of an answer: a few short notes and a verdict, as JSON.
USUAL_OUTPUT = 120
# What the worst case takes an estimate times: tokenizers differ by about a third on the same text,
# and a schema may be put before a model in more words than ours.
MARGIN = 1.5
# USD that a batch has to save, since it may take a day.
WORTH_A_DAY = 1.0

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


def input_tokens(request: Request) -> tuple[int, int]:
    """Return the tokens of the part that many requests share, and of the rest of a body."""
    # The form of an answer, which the provider puts before all else.
    form = tokens_of(str(request.params.get("output_config", "")))
    question = "".join(str(turn["content"]) for turn in request.params["messages"])
    # Not remembered as the shared part is: each question is a text of its own.
    return tokens_of(request.shared) + form, tokens_of.__wrapped__(question)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What requests will come to."""

    requests: float = 0  # how many
    input_tokens: float = 0  # read, in whatever way
    output_tokens: float = 0  # written, if answers are as long as usual
    usd_low: float = 0  # where all that may be is read from the cache
    usd_high: float = 0  # where nothing is, and answers are twice as long
    usd_at_most: float = 0  # where they are as long as they may be, and tokens more than we count

    def __add__(self, other: "Estimate") -> "Estimate":
        """Return what both come to."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Estimate(*(mine + theirs for mine, theirs in pairs))

    def __mul__(self, times: float) -> "Estimate":
        """Return what so many times the requests come to."""
        return Estimate(*(each * times for each in astuple(self)))

    def worth_a_batch(self, price: Price) -> bool:
        """Tell whether a batch would save enough of it, where it was made for no batch."""
        return self.usd_low * (1 - price.batch) >= WORTH_A_DAY


def estimate(
    requests: Iterable[Request], *, price: Price, output: float = USUAL_OUTPUT, batch: bool = False
) -> Estimate:
    """Return what requests will cost if their answers have `output` tokens; nothing is sent."""
    return sum((_estimate(each, price, output, batch) for each in requests), start=Estimate())


def _estimate(request: Request, price: Price, output: float, batch: bool) -> Estimate:
    shared, rest = input_tokens(request)
    at, off = price.reading(shared + rest), (price.batch if batch else 1.0) / 1e6
    caches = request.is_cached and shared >= price.cache_minimum
    reading, writing = (price.cache_read, price.cache_write) if caches else (1.0, 1.0)
    longest = min(2 * output, request.max_tokens)
    return Estimate(
        1,
        shared + rest,
        output,
        ((rest + shared * reading) * at.input + output * at.output) * off,
        ((rest + shared * writing) * at.input + longest * at.output) * off,
        worst_case(request, price, batch=batch),
    )


def worst_case(request: Request, price: Price, *, batch: bool, times: int = 1) -> float:
    """Return what sending a request costs at most, in USD: nothing cached, all room used.

    An answer may have `times` times `max_tokens`.
    """
    shared, rest = input_tokens(request)
    price = price.reading((shared + rest) * MARGIN)
    read = (shared * (price.cache_write if request.is_cached else 1.0) + rest) * MARGIN
    usd = (read * price.input + request.max_tokens * times * price.output) / 1e6
    return usd * price.batch if batch else usd
