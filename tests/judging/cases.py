"""Cases for calibrations: made one by one, or answered by simulated judges with a bias each."""

import random
from collections.abc import Callable
from typing import Literal

from align.choices.verdicts import Certainty, Judgement, Side, Winner
from align.judging.calibration import Case, fold_of
from align.judging.simple_rules import Shape, Shapes

Kind = Literal["first", "longer", "random", "contrary", "good"]
KINDS: tuple[Kind, ...] = ("first", "longer", "random", "contrary", "good")
Seen = tuple[Side, Side, random.Random]


def shapes(longer: Side | None) -> Shapes:
    """Answers of which one is longer, or none."""
    short, long = Shape(5, 25, 1), Shape(10, 50, 1)
    return (long if longer == "a" else short), (long if longer == "b" else short)


def other(side: Side) -> Side:
    return "b" if side == "a" else "a"


def case(
    number: int,
    ab: Winner | None,
    ba: Winner | None = None,
    *,
    chosen: Side | None = "a",
    longer: Side | None = "a",
    certainty: Certainty | None = "high",
    prompt: int | None = None,
    fold: int | None = None,
) -> Case:
    """A case by hand; `ba` is as `ab` where it is not given."""
    prompt_id = f"prompt {number if prompt is None else prompt}"
    return Case(
        pair_id=f"pair {number:04}",
        prompt_id=prompt_id,
        fold=fold_of(prompt_id) if fold is None else fold,
        chosen=chosen,
        shapes=shapes(longer),
        ab=Judgement(ab, certainty),
        ba=Judgement(ab if ba is None else ba, certainty),
    )


def simulated(
    kind: Kind,
    n: int,
    seed: int,
    *,
    slips: float = 0.1,
    likes_longer: float = 0.55,
    a_prompt: int = 1,
) -> list[Case]:
    """Cases of a noisy owner, answered by a judge with a bias.

    Args:
        kind: The judge's.
        n: How many.
        seed: The same seed gives the same cases.
        slips: How often the owner takes the answer that does not sound like the owner.
        likes_longer: How often the answer that does is the longer one.
        a_prompt: How many pairs a prompt has.
    """
    rng = random.Random(seed)
    cases = []
    for number in range(n):
        true: Side = rng.choice(("a", "b"))
        longer = true if rng.random() < likes_longer else other(true)
        chosen = other(true) if rng.random() < slips else true
        ab, ba = _JUDGES[kind]((true, longer, rng))
        prompt_id = f"{seed} {number // a_prompt}"
        certainty = _certainty(rng, kind == "good" and ab == ba == true)
        cases.append(
            Case(
                f"{seed} {number:04}", prompt_id, fold_of(prompt_id), chosen, shapes(longer),
                Judgement(ab, certainty), Judgement(ba, certainty),
            )
        )  # fmt: skip
    return cases


def _first(seen: Seen) -> tuple[Side, Side]:
    _, _, rng = seen
    shown: tuple[Side, Side] = ("a", "b")
    ab, ba = (first if rng.random() < 0.9 else _coin(rng) for first in shown)
    return ab, ba


def _longer(seen: Seen) -> tuple[Side, Side]:
    _, longer, rng = seen
    return _twice(longer if rng.random() < 0.9 else _coin(rng), rng)


def _random(seen: Seen) -> tuple[Side, Side]:
    return _coin(seen[2]), _coin(seen[2])


def _contrary(seen: Seen) -> tuple[Side, Side]:
    true, _, rng = seen
    return _twice(other(true) if rng.random() < 0.8 else true, rng)


def _good(seen: Seen) -> tuple[Side, Side]:
    true, _, rng = seen
    return _twice(true if rng.random() < 0.8 else other(true), rng)


def _twice(side: Side, rng: random.Random) -> tuple[Side, Side]:
    """A view of a pair, asked both ways; one answer of twenty goes astray."""
    ab, ba = (side if rng.random() < 0.95 else other(side) for _ in range(2))
    return ab, ba


def _coin(rng: random.Random) -> Side:
    return rng.choice(("a", "b"))


def _certainty(rng: random.Random, is_sure: bool) -> Certainty:
    weights = (1, 3, 6) if is_sure else (1, 1, 1)
    certainties: tuple[Certainty, ...] = ("low", "medium", "high")
    return rng.choices(certainties, weights)[0]


_JUDGES: dict[Kind, Callable[[Seen], tuple[Side, Side]]] = {
    "first": _first, "longer": _longer, "random": _random, "contrary": _contrary, "good": _good,
}  # fmt: skip
