"""What each question comes with: who the owner is, and examples of their choices."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from align.choices.verdicts import Side
from align.judging.protocol import Comparison, Example, OwnerProfile
from align.owner import Owner
from align.privacy.redaction import Redactor
from align.privacy.scope import Detector
from align.text.function_words import content_stems

EXAMPLES = 12
# The oldest: what is chosen later changes no example, and so no question that was paid for.
OLDEST = 64
# Characters of a conversation and both answers. Twelve of this length are some 6,000 tokens.
LONG = 2_000
# Longer than this is no example, however few there are.
TOO_LONG = 8_000
NAMELESS = "the owner"


def owner_profile(
    owner: Owner, redactor: Redactor | None = None, detector: Detector | None = None
) -> tuple[OwnerProfile, int]:
    """Return who the owner is, and how much of it was left out since it repeats closed writing.

    Aliases stay here: they are handles and addresses as often as names, and say nothing of a voice.
    """
    filter = _TextFilter(redactor, detector)
    name = filter.kept(owner.name)
    facts = []
    for question, answer in owner.facts.items():
        if filter.kept(f"{question}\n{answer}") is not None:
            facts.append((filter.redacted(question), filter.redacted(answer)))
    # Line by line: one sentence that can't be said leaves the others.
    lines = [filter.kept(line) if line.strip() else "" for line in owner.rubric.splitlines()]
    rubric = filter.kept("\n".join(line for line in lines if line is not None).strip())
    return OwnerProfile(name or NAMELESS, tuple(facts), rubric or ""), filter.left_out


def choose_examples(candidates: Sequence[Example], count: int = EXAMPLES) -> tuple[Example, ...]:
    """Return the choices that a judge is shown, in an order that tells nothing.

    Of the oldest, one a prompt, those that differ most in what they speak of (greedy farthest-first
    by content words); half of them shown with the chosen answer first. The same candidates give the
    same examples, in whatever order they come.
    """
    by_time = sorted(candidates, key=lambda example: (example.time, example.comparison.pair_id))
    spread = _farthest_first(_worth_showing(by_time[:OLDEST], count), count)
    ordered = sorted(spread, key=lambda example: _lot("side", example))
    half = len(ordered) - len(ordered) // 2
    shown = [_with_winner(example, first=at < half) for at, example in enumerate(ordered)]
    return tuple(sorted(shown, key=lambda example: _lot("order", example)))


class _TextFilter:
    """Redacts texts, and counts those that can't be said."""

    def __init__(self, redactor: Redactor | None, detector: Detector | None) -> None:
        self._redactor, self._detector = redactor, detector
        self.left_out = 0

    def redacted(self, text: str) -> str:
        return self._redactor.redact(text) if self._redactor else text

    def kept(self, text: str) -> str | None:
        """Return a text redacted; None where it repeats closed writing, before or after."""
        redacted = self.redacted(text)
        if self._detector and any(self._detector.match(version) for version in {text, redacted}):
            self.left_out += 1
            return None
        return redacted


def _worth_showing(oldest: Sequence[Example], count: int) -> list[Example]:
    """Return one choice a prompt, the shorter ones; longer ones only where those are too few."""
    first: dict[str, Example] = {}
    for example in sorted(oldest, key=lambda example: _length(example.comparison) > LONG):
        first.setdefault(example.comparison.prompt_id, example)
    short = [example for example in first.values() if _length(example.comparison) <= LONG]
    long = [example for example in first.values() if LONG < _length(example.comparison) <= TOO_LONG]
    long.sort(key=lambda example: _length(example.comparison))
    return short + long[: max(0, count - len(short))]


def _farthest_first(candidates: Sequence[Example], count: int) -> list[Example]:
    """Return up to `count`, each the farthest from those before it; the first one leads."""
    stems = [content_stems(_words(place.comparison)) for place in candidates]
    chosen: list[int] = []
    nearest = [2.0] * len(candidates)
    while len(chosen) < min(count, len(candidates)):
        # Of equals the first, which is the oldest.
        at = max(range(len(candidates)), key=lambda place: (nearest[place], -place))
        chosen.append(at)
        nearest = [
            min(so_far, _distance(stems[at], other))
            for so_far, other in zip(nearest, stems, strict=True)
        ]
        nearest[at] = -1.0
    return [candidates[at] for at in chosen]


def _distance(first: frozenset[str], second: frozenset[str]) -> float:
    """Return how little two texts share of what they speak of, 0 to 1 (Jaccard)."""
    union = first | second
    return 1 - len(first & second) / len(union) if union else 0.0


def _with_winner(example: Example, *, first: bool) -> Example:
    shown_first: Side = "a" if (example.winner == "a") == first else "b"
    return replace(example, first=shown_first)


def _lot(purpose: str, example: Example) -> str:
    return hashlib.sha256(f"{purpose} {example.comparison.pair_id}".encode()).hexdigest()


def _words(comparison: Comparison) -> str:
    messages = [message["content"] for message in comparison.messages]
    return "\n".join([*messages, comparison.text_a, comparison.text_b])


def _length(comparison: Comparison) -> int:
    return len(_words(comparison))
