"""How alike two texts are. Standard library only."""

import re
from difflib import SequenceMatcher

# An apostrophe inside a word belongs to it; typographic ones count as plain.
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})


def words(text: str) -> list[str]:
    """Return the text's words, in small letters and without punctuation."""
    return _WORD.findall(text.translate(_APOSTROPHES).casefold())


def similarity(text: str, other: str) -> float:
    """Return how much of two texts' words stands in both in the same order, 0 to 1.

    Twice the words in matching runs over all words (Ratcliff and Obershelp), so that one word
    changed in a long answer leaves it near 1. Two empty texts are 1.
    """
    first, second = words(text), words(other)
    # difflib's answer depends on the order of its arguments; a pair's must not.
    first, second = sorted((first, second))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def near_identical(text: str, other: str, threshold: float = 0.9) -> bool:
    """Tell whether a reader would call the two texts the same answer.

    Same words with other punctuation are not the same when style is what one chooses by, so
    texts that differ in more than blanks must also be alike in their characters.
    """
    if text.split() == other.split():
        return True
    if similarity(text, other) < threshold:
        return False
    first, second = sorted((" ".join(text.split()), " ".join(other.split())))
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= threshold
