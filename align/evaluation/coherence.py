"""Whether an answer speaks of what was asked: it shares a content word with the prompt."""

from align.text.content_words import content_stems


def on_topic(prompt: str, answer: str) -> bool | None:
    """Tell whether the answer shares a content word with the prompt.

    None where the prompt has no content word ("How are you?"): then nothing can be said.
    """
    asked = content_stems(prompt)
    return bool(asked & content_stems(answer)) if asked else None


def share(verdicts: list[bool | None]) -> float | None:
    """Return the share of True among what could be said, or None where nothing could."""
    said = [verdict for verdict in verdicts if verdict is not None]
    return sum(said) / len(said) if said else None
