"""How long answers are."""

from collections.abc import Sequence

from align.text.similarity import words


def lengths(texts: Sequence[str]) -> list[int]:
    """Return the number of words of each text."""
    return [len(words(text)) for text in texts]
