"""A stand-in for a real owner's choices: an authorship model of its own, unlike the voice judge.

It sees a text as rates (function words, marks, lengths), where the judge sees n-grams; it is
fitted on other texts of the owner's than the judge; and likeness beyond the owner's own median
gains an answer nothing. So it can't be won by caricature, and is not the measure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np

from align.text.function_words import FUNCTION_WORDS
from align.text.similarity import words

_MARKS = ",.;:!?-—'\"()…"
_WORDS = sorted(FUNCTION_WORDS)


def rates(text: str) -> list[float]:
    """Return a text's rates: function words by word, marks and capitals by letter, lengths."""
    tokens = words(text)
    counts, size = Counter(tokens), max(1, len(tokens))
    letters = max(1, len(text))
    sentences = max(1, sum(text.count(mark) for mark in ".!?"))
    return [
        *(counts[word] / size for word in _WORDS),
        *(10 * text.count(mark) / letters for mark in _MARKS),
        10 * sum(letter.isupper() for letter in text) / letters,
        mean(map(len, tokens)) / 10 if tokens else 0.0,
        np.log1p(size / sentences) / 4,
    ]


@dataclass(frozen=True)
class StandIn:
    """A fitted stand-in; `cap` is the owner's median, in log-odds."""

    classifier: Any
    cap: float

    def choose(self, first: str, second: str, coin: bool) -> str:
        """Return `a` or `b`; where both sound alike the coin says."""
        one, two = (min(self.cap, odds) for odds in self.odds([first, second]))
        if abs(one - two) < 1e-9:
            return "a" if coin else "b"
        return "a" if one > two else "b"

    def odds(self, texts: Sequence[str]) -> list[float]:
        """Return the log-odds that the owner wrote each text."""
        return [float(x) for x in self.classifier.decision_function([rates(t) for t in texts])]


def fit_stand_in(owner: Sequence[str], others: Sequence[str]) -> StandIn:
    """Fit a stand-in on texts of the owner's and of others; the same texts give the same one."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000),
    )
    labels = [1] * len(owner) + [0] * len(others)
    classifier.fit([rates(text) for text in [*owner, *others]], labels)
    stand_in = StandIn(classifier, 0.0)
    return StandIn(classifier, median(stand_in.odds(owner)))
