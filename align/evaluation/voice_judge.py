"""The voice judge: the odds that the owner, rather than somebody else, wrote an answer.

A classifier on character n-grams and runs of function words; words of the topic are masked. It
is fitted on the owner's writing outside the evaluation split, against other voices and the base,
and knows nothing of the choices that a model was trained on. Its odds are capped at the owner's
own median: an answer more like the owner than the owner is a caricature, and gains nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from align.statistics import median
from align.text.function_words import FUNCTION_WORDS, INTERJECTIONS, stem
from align.text.similarity import words

_KEPT = FUNCTION_WORDS | INTERJECTIONS
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_TOKEN = r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]"
MASK = "#"
# A word in fewer of the texts than this is about a topic, not about a voice.
RARE = 0.01
# Below this many held-out texts their median is too loose for a cap; cross-fitted odds serve.
FEW = 20
FOLDS = 4


@dataclass(frozen=True)
class PromptedText:
    """A text to judge, and the prompt it answers ("" where there is none)."""

    text: str
    prompt: str = ""


@dataclass(frozen=True)
class Masking:
    """Which words a judge may see: function words, and others that are neither rare nor topical."""

    common: frozenset[str]
    topic_words: frozenset[str]

    def apply(self, text: PromptedText) -> str:
        """Return the text with each word of its topic replaced by a mark."""
        prompt_stems = {stem(word) for word in words(text.prompt)}

        def shown(match: re.Match[str]) -> str:
            word = match[0].replace("\u2019", "'").casefold()
            if word in _KEPT:
                return match[0]
            is_style = word in self.common and word not in self.topic_words
            return match[0] if is_style and stem(word) not in prompt_stems else MASK

        return _WORD.sub(shown, text.text)


def fit_masking(texts: Sequence[str], topic_words: frozenset[str] = frozenset()) -> Masking:
    """Learn from a pool of texts which words are common enough to be style."""
    held = Counter(word for text in texts for word in set(words(text)))
    least = max(3, RARE * len(texts))
    return Masking(frozenset(w for w, count in held.items() if count >= least), topic_words)


@dataclass(frozen=True)
class VoiceJudge:
    """A fitted judge; `cap` is the owner's own median, in log-odds."""

    masking: Masking
    features: Any
    classifier: Any
    cap: float
    # Share of pairs (held-out owner, held-out other) that it orders rightly; None without any.
    separation: float | None

    def odds(self, answers: Sequence[PromptedText]) -> list[float]:
        """Return the log-odds that the owner wrote each text, uncapped."""
        return _odds(self.masking, self.features, self.classifier, answers)

    def capped(self, answers: Sequence[PromptedText]) -> list[float]:
        """Return the log-odds, none above the owner's own median."""
        return [min(odds, self.cap) for odds in self.odds(answers)]


def fit_judge(
    owner: Sequence[PromptedText],
    others: Sequence[PromptedText],
    owner_held_out: Sequence[PromptedText],
    others_held_out: Sequence[PromptedText] = (),
    *,
    cap_on: Sequence[PromptedText] = (),
    topic_words: frozenset[str] = frozenset(),
) -> VoiceJudge:
    """Fit a judge on the owner's texts against the others'; the same texts give the same judge.

    It is tried on the held-out ones. The cap is the median odds of `cap_on`, or of
    `owner_held_out`; `topic_words` name topics.

    Raises:
        ValueError: One of the two sides has fewer than two texts.
    """
    if min(len(owner), len(others)) < 2:
        raise ValueError(f"{len(owner)} texts of the owner against {len(others)} of others")
    pool = [*owner, *others]
    masking = fit_masking([text.text for text in pool], topic_words)
    labels = [1] * len(owner) + [0] * len(others)
    features, classifier = _fit([masking.apply(text) for text in pool], labels)
    own = _odds(masking, features, classifier, owner_held_out)
    other = _odds(masking, features, classifier, others_held_out)
    reference = _odds(masking, features, classifier, cap_on) or own
    if len(reference) < FEW:
        reference = reference + _cross_fitted(masking, owner, others)
    return VoiceJudge(masking, features, classifier, median(reference), separation(own, other))


def separation(own: Sequence[float], other: Sequence[float]) -> float | None:
    """Return how often a text of the owner's scores above another's (ties half); None for none."""
    if not own or not other:
        return None
    above = sum((a > b) + 0.5 * (a == b) for a in own for b in other)
    return above / (len(own) * len(other))


def _fit(texts: list[str], labels: list[int]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    least = 3 if len(texts) >= 100 else 1
    features = make_union(
        # The case of letters is a habit, so it stays.
        TfidfVectorizer(
            analyzer="char", ngram_range=(3, 5), lowercase=False, sublinear_tf=True, min_df=least
        ),
        # Function words in a row, masks and marks included.
        TfidfVectorizer(token_pattern=_TOKEN, ngram_range=(1, 3), sublinear_tf=True, min_df=least),
    )
    # liblinear: the same texts give the same weights, in one thread.
    classifier = LogisticRegression(
        C=10.0, class_weight="balanced", solver="liblinear", random_state=0
    )
    classifier.fit(features.fit_transform(texts), labels)
    return features, classifier


def _odds(
    masking: Masking, features: Any, classifier: Any, answers: Sequence[PromptedText]
) -> list[float]:
    if not answers:
        return []
    texts = [masking.apply(text) for text in answers]
    return [float(x) for x in classifier.decision_function(features.transform(texts))]


def _cross_fitted(
    masking: Masking, owner: Sequence[PromptedText], others: Sequence[PromptedText]
) -> list[float]:
    """Return each owner text's odds by a judge that was fitted without it."""
    odds: list[float] = []
    for fold in range(min(FOLDS, len(owner))):
        out = owner[fold::FOLDS]
        kept = [text for i, text in enumerate(owner) if i % FOLDS != fold]
        if not kept or not out:
            continue
        pool = [masking.apply(text) for text in [*kept, *others]]
        features, classifier = _fit(pool, [1] * len(kept) + [0] * len(others))
        odds += _odds(masking, features, classifier, out)
    return odds
