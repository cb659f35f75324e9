"""How surprised a model is by given texts: perplexity, a token at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.statistics import Interval, bootstrap

if TYPE_CHECKING:
    from align.models.loaded_model import Likelihood


@dataclass(frozen=True)
class TextLikelihoods:
    """Log-probabilities and token counts of the same texts, in the same order."""

    log_probs: tuple[float, ...]
    tokens: tuple[int, ...]

    @classmethod
    def of(cls, likelihoods: Sequence["Likelihood"]) -> "TextLikelihoods":
        """Return the likelihoods of some texts together."""
        return cls(
            tuple(text.log_prob for text in likelihoods), tuple(text.tokens for text in likelihoods)
        )

    @property
    def perplexity(self) -> float | None:
        """Return exp(-sum log p / tokens), or None where no token was scored."""
        count = sum(self.tokens)
        return math.exp(-math.fsum(self.log_probs) / count) if count else None


def ratio(
    before: TextLikelihoods, after: TextLikelihoods, *, seed: int
) -> tuple[float, Interval] | None:
    """Return perplexity after over before, and its bootstrap interval by text; None for no tokens.

    The texts are the same on both sides, and are drawn together.
    """
    if before.tokens != after.tokens:
        raise ValueError("not the same texts")
    first, second = before.perplexity, after.perplexity
    if first is None or second is None:
        return None

    def log_ratio(drawn: Sequence[float]) -> float:
        at = [int(case) for case in drawn]
        count = sum(before.tokens[i] for i in at)
        gain = math.fsum(before.log_probs[i] - after.log_probs[i] for i in at)
        return gain / count if count else 0.0

    interval = bootstrap(list(range(len(before.tokens))), log_ratio, seed=seed, repeats=500)
    assert interval is not None
    return second / first, Interval(math.exp(interval.low), math.exp(interval.high))
