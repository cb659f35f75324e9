"""Whether a passage answers a question: by the words that both share. Pure."""

from collections.abc import Iterable

from align.text.content_words import content_stems

# At least this share of what a question asks about is spoken of in the passage.
LEAST_OVERLAP = 0.5


def overlap(question: str, passage: str) -> float:
    """Return the share of the question's content words that stand in the passage, 0 to 1.

    A question without any ("How are you?") is answered by everything, and so by nothing: 0.
    """
    asked = content_stems(question)
    return len(asked & content_stems(passage)) / len(asked) if asked else 0.0


def best_answered(questions: Iterable[str], passage: str) -> tuple[str, float] | None:
    """Return the question that the passage answers best, the first of equals, and its overlap.

    None where it answers none of them well enough.
    """
    best: tuple[str, float] | None = None
    for question in questions:
        share = overlap(question, passage)
        if share >= LEAST_OVERLAP and (best is None or share > best[1]):
            best = (question, share)
    return best
