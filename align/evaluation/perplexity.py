"""How surprised a twin is by a text: perplexity, a token at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from align.statistics import Interval, bootstrap


class Likely(Protocol):
    """A text's summed natural log-probability, and over how many tokens."""

    @property
    def log_prob(self) -> float:
        """Return the summed natural log-probability."""

    @property
    def tokens(self) -> int:
        """Return how many tokens were scored."""


@dataclass(frozen=True)
class Surprise:
    """Log-probabilities and token counts of the same texts, in the same order."""

    log_probs: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def perplexity(self) -> float | None:
        """Return exp(-sum log p / tokens), or None where no token was scored."""
        count = sum(self.tokens)
        return math.exp(-math.fsum(self.log_probs) / count) if count else None


def surprise(likelihoods: Sequence[Likely]) -> Surprise:
    """Return the likelihoods of some texts as one surprise."""
    return Surprise(
        tuple(each.log_prob for each in likelihoods), tuple(each.tokens for each in likelihoods)
    )


def ratio(before: Surprise, after: Surprise, *, seed: int) -> tuple[float, Interval] | None:
    """Return perplexity after over before, and its bootstrap interval by text; None for no tokens.

    The texts are the same on both sides, and are drawn together.
    """
    if before.tokens != after.tokens:
        raise ValueError("not the same texts")
    first, second = before.perplexity, after.perplexity
    if first is None or second is None:
        return None
    cases = range(len(before.tokens))

    def log_ratio(drawn: Sequence[float]) -> float:
        at = [int(case) for case in drawn]
        count = sum(before.tokens[i] for i in at)
        gain = math.fsum(before.log_probs[i] - after.log_probs[i] for i in at)
        return gain / count if count else 0.0

    interval = bootstrap(list(cases), log_ratio, seed=seed, repeats=500)
    assert interval is not None
    return second / first, Interval(math.exp(interval.low), math.exp(interval.high))
