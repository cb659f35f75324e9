"""How much an answer says again what it said before."""

from align.text.similarity import words

RUN = 3


def repetition(text: str) -> float:
    """Return the share of runs of three words that stood in the text before, 0 to 1."""
    tokens = words(text)
    runs = [tuple(tokens[i : i + RUN]) for i in range(len(tokens) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
