"""Comparisons, examples and questions that the judges' tests share."""

from align.choices.verdicts import Side
from align.judging.protocol import Comparison, Example, Order, OwnerContext, OwnerProfile, Question

OWNER = OwnerProfile(
    "Ann Petrie", facts=(("Where do you live?", "By the sea."),), rubric="Short. Dry."
)


def comparison(
    number: int = 0, text_a: str = "Tea, mostly.", text_b: str = "I love a good cup of tea!",
    *, asked: str | None = None, prompt_id: str | None = None,
) -> Comparison:  # fmt: skip
    message = {"role": "user", "content": asked or f"What about number {number}?"}
    prompt = prompt_id or f"prompt-{number}"
    return Comparison(f"pair-{number}", prompt, (message,), text_a, text_b)


def example(number: int = 0, winner: Side = "a", **changes: str) -> Example:
    return Example(comparison(number, **changes), winner, f"2026-01-01T00:00:{number % 60:02d}Z")


def context(examples: int = 2, profile: OwnerProfile = OWNER) -> OwnerContext:
    return OwnerContext(profile, tuple(example(900 + number) for number in range(examples)))


def question(number: int = 0, order: Order = "ab", told: OwnerContext | None = None) -> Question:
    return Question(comparison(number), order, told or context())
