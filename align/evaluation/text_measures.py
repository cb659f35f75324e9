"""Measures of single texts that need no model: length, repetition, and whether it is on topic."""

from collections.abc import Sequence

from align.text.function_words import content_stems
from align.text.similarity import words

# Words in a run that may be repeated.
RUN = 3


def word_count(text: str) -> int:
    """Return the number of words."""
    return len(words(text))


def repetition(text: str) -> float:
    """Return the share of three-word runs that stood in the text before, 0 to 1."""
    tokens = words(text)
    runs = [tuple(tokens[i : i + RUN]) for i in range(len(tokens) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def on_topic(prompt: str, answer: str) -> bool | None:
    """Tell whether the answer shares a content word with the prompt.

    None where the prompt has no content word ("How are you?"): then nothing can be said.
    """
    stems = content_stems(prompt)
    return bool(stems & content_stems(answer)) if stems else None


def share(verdicts: Sequence[bool | None]) -> float | None:
    """Return the share of True among the known verdicts, or None where none is known."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return sum(known) / len(known) if known else None
