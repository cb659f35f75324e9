"""The words that say what a text is about, cut to their stems. Standard library only."""

from align.text.function_words import FUNCTION_WORDS, HEDGES, INTERJECTIONS
from align.text.similarity import words

# Words that questions are made of: to repeat one is not to answer.
_ASKING = frozenset(
    word
    for line in (
        "think tell like make know want get go going say said give take come way thing things",
        "people good best better worst bad great really please write piece titled continue advice",
        "like enjoy love favourite favorite recommend explain describe opinion view tip feel time",
        "times ever often lately day today ask question answer thought thoughts need worth part",
    )
    for word in line.split()
)
_NO_CONTENT = FUNCTION_WORDS | INTERJECTIONS | _ASKING | {w for h in HEDGES for w in h.split()}
_ENDINGS = ("ingly", "edly", "ings", "ing", "ies", "ied", "est", "ers", "er", "es", "ed", "ly",
            "s", "e", "y")  # fmt: skip


def stem(word: str) -> str:
    """Cut the commonest endings, so that forms of a word meet; three letters are always kept.

    A letter that was doubled before the ending is single again: running, run.
    """
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that say what a text is about."""
    return frozenset(stem(w) for w in words(text) if w not in _NO_CONTENT and len(w) > 2)
