"""Which language a text is in: by py3langid, used as rarely as possible."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from align.ingest.cleaning.word_lists import GLUE_OF
from align.text.similarity import words

# Of fewer letters no language can be told.
FEWEST_LETTERS = 25
_ENOUGH = 1000
# So unlikely must all of the owner's languages be together, for a text that is told by itself.
_UNLIKELY = 0.05


def other_languages(texts: Sequence[str], languages: Sequence[str]) -> list[bool]:
    """Tell of each text of one person in one conversation whether it is in none of the languages.

    A text too short to tell is judged with all of them. Names, links and borrowed words make a text
    no other language: it takes certainty to say so. Of no languages any is right.
    """
    if not languages or not texts:
        return [False] * len(texts)
    wanted = frozenset(code.strip().lower() for code in languages)

    @cache
    def is_other_together() -> bool:
        together = ""
        for text in texts:
            together += text + "\n"
            if len(together) > _ENOUGH:
                break
        plain = _is_plainly(together, wanted) or not _has_letters(together)
        return not plain and _is_other(together, wanted)

    return [
        not _is_plainly(text, wanted)
        and (_is_other(text, wanted) if _has_letters(text) else is_other_together())
        for text in texts
    ]


def _has_letters(text: str) -> bool:
    return len(text) >= FEWEST_LETTERS and sum(map(str.isalpha, text)) >= FEWEST_LETTERS


def _is_plainly(text: str, wanted: frozenset[str]) -> bool:
    """Tell without the model whether a text is full of a wanted language's little words."""
    tokens = words(text[:_ENOUGH])
    little = sum(map(_little_words(wanted).__contains__, tokens))
    return (little >= 2 and little * 3 >= len(tokens)) or (
        little >= 4 and little * 5 >= len(tokens)
    )


@lru_cache(16)
def _little_words(wanted: frozenset[str]) -> frozenset[str]:
    """Return the words that stand in the wanted languages' lists and in no other's."""
    own: set[str] = set()
    others: set[str] = set()
    for code, little in GLUE_OF.items():
        (own if code in wanted else others).update(little)
    return frozenset(own - others)


def _is_other(text: str, wanted: frozenset[str]) -> bool:
    likely = _identifier().rank(text[:_ENOUGH])
    return bool(sum(share for code, share in likely if code in wanted) < _UNLIKELY)


@lru_cache(1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # Of our own: the package's one is shared, and may be told to know fewer languages.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
