"""Which pair to ask next: pure functions from candidates to an order with probabilities.

Every order is drawn by hashing the seed with the pair's id, so it stays the same whatever was
answered meanwhile, on any machine, after any restart.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from align.similarity import near_identical

NEAR = 0.9  # likeness of answers between which nobody can choose
PAIRS_A_PROMPT = 3  # the fourth pair of one prompt says little that three have not said


@dataclass(frozen=True)
class Candidate:
    """A pair that could be asked.

    Attributes:
        pair_id: The pair.
        prompt_id: The prompt that both answers reply to.
        checkpoint: The newer of the two checkpoints that answered, like `002-dpo`.
        flaw: Why no choice between its answers would teach anything; None where one would.
    """

    pair_id: str
    prompt_id: str
    checkpoint: str
    flaw: Literal["empty", "near-identical"] | None = None


@dataclass(frozen=True)
class Pick:
    """A pair in its place of the order.

    Attributes:
        pair_id: The pair.
        probability: Of this pair being next, after those before it.
    """

    pair_id: str
    probability: float


@dataclass(frozen=True)
class Order:
    """The pairs in the order of asking, and how many were left out for which reason."""

    picks: tuple[Pick, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


def flaw_of(
    text: str, other: str, similarity: float | None
) -> Literal["empty", "near-identical"] | None:
    """Return why a choice between two answers would teach nothing, or None where it would.

    Args:
        text: One answer.
        other: The other answer.
        similarity: Of their words, 0 to 1, where it was measured; a low one saves comparing.
    """
    if not text.strip() or not other.strip():
        return "empty"
    if similarity is not None and similarity < NEAR:
        return None
    return "near-identical" if near_identical(text, other, NEAR) else None


def draw(seed: int, pair_id: str, what: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.sha256(f"{seed}\0{pair_id}\0{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def left_side(seed: int, pair_id: str) -> str:
    """Return which answer of the pair stands left, `a` or `b`."""
    return "a" if draw(seed, pair_id, "left") < 0.5 else "b"


def checkpoint_number(name: str) -> int:
    """Return 2 for `002-dpo`, and 0 for what has no number, like `base`."""
    number = name.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def random_order(
    candidates: Iterable[Candidate], seed: int, answered: Mapping[str, int] | None = None
) -> Order:
    """Order all candidates at random.

    Args:
        candidates: The pairs without an answer.
        seed: Of the order.
        answered: Prompt id to number of its pairs with an answer; of no influence here.
    """
    shuffled = _shuffled(candidates, seed)
    return Order(tuple(Pick(c.pair_id, 1 / (len(shuffled) - i)) for i, c in enumerate(shuffled)))


def fresh(
    candidates: Iterable[Candidate], seed: int, answered: Mapping[str, int] | None = None
) -> Order:
    """Order the pairs of the newest checkpoint first, at random within each checkpoint.

    Near-identical and empty answers are left out, and so is what goes beyond three pairs of one
    prompt.

    Args:
        candidates: The pairs without an answer.
        seed: Of the order.
        answered: Prompt id to number of its pairs with an answer.
    """
    left_out: Counter[str] = Counter()
    by_age: dict[int, list[Candidate]] = {}
    for candidate in _shuffled(candidates, seed):
        if candidate.flaw:
            left_out[candidate.flaw] += 1
        else:
            by_age.setdefault(checkpoint_number(candidate.checkpoint), []).append(candidate)

    asked = Counter(answered or {})
    picks: list[Pick] = []
    for _, group in sorted(by_age.items(), reverse=True):
        eligible = sum(asked[c.prompt_id] < PAIRS_A_PROMPT for c in group)
        waiting = Counter(c.prompt_id for c in group)
        for candidate in group:
            prompt = candidate.prompt_id
            waiting[prompt] -= 1
            if asked[prompt] >= PAIRS_A_PROMPT:
                left_out["more than three of a prompt"] += 1
                continue
            picks.append(Pick(candidate.pair_id, 1 / eligible))
            asked[prompt] += 1
            full = asked[prompt] == PAIRS_A_PROMPT
            eligible -= 1 + (waiting[prompt] if full else 0)
    return Order(tuple(picks), dict(left_out))


def _shuffled(candidates: Iterable[Candidate], seed: int) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (draw(seed, c.pair_id, "order"), c.pair_id))


Policy = Callable[[Iterable[Candidate], int, Mapping[str, int] | None], Order]
POLICIES: dict[str, Policy] = {"fresh": fresh, "random": random_order}
