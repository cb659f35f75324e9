"""How alike two texts are, and which repeat others' runs of words. Standard library only."""

import re
from collections.abc import Iterable
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


class RunIndex:
    """Finds texts that repeat `length` or more words in a row of any indexed text.

    Args:
        texts: What must not be repeated.
        length: How many words in a row count as repeating, at least 1.
    """

    def __init__(self, texts: Iterable[str] = (), *, length: int = 8) -> None:
        if length < 1:
            raise ValueError(f"runs of {length} words")
        self.length = length
        self._runs: set[tuple[str, ...]] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Index one more text; one of fewer than `length` words can't be repeated."""
        tokens = words(text)
        for start in range(len(tokens) - self.length + 1):
            self._runs.add(tuple(tokens[start : start + self.length]))

    def repeated(self, text: str) -> list[str] | None:
        """Return the first repeated run of the text, as long as it goes on, or None."""
        tokens = words(text)
        for start in range(len(tokens) - self.length + 1):
            end = start + self.length
            if tuple(tokens[start:end]) in self._runs:
                while (
                    end < len(tokens)
                    and tuple(tokens[end + 1 - self.length : end + 1]) in self._runs
                ):
                    end += 1
                return tokens[start:end]
        return None

    def __len__(self) -> int:
        return len(self._runs)
