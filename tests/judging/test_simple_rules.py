"""A judge that knows nothing but how long answers are opens no gate, whatever the owner likes."""

import math
import random
from collections.abc import Iterator

import pytest

from align.choices.verdicts import Judgement, Side
from align.judging.calibration import Case, calibrate, fold_of
from align.judging.simple_rules import Rule, Shape, Shapes, simple_rules
from tests.judging.cases import other

# Judges and leanings: by what they take. The owner's own length is none that the rules know.
LEANINGS = (
    "the longer answer",
    "the shorter answer",
    "the one of more lines",
    "the one of fewer lines",
    "near 18 words",
    "near 27 words",
    "near 40 words",
)


def rule(name: str) -> Rule:
    if not name.startswith("near"):
        return simple_rules([])[name]
    length = int(name.split()[1])

    def nearer(shapes: Shapes) -> Side | None:
        a, b = (abs(shape.words - length) for shape in shapes)
        return None if a == b else "a" if a < b else "b"

    return nearer


def shape(rng: random.Random) -> Shape:
    words = 1 + int(math.exp(rng.gauss(3.3, 0.6)))
    lines = max(1, round(words / 25 * rng.uniform(0, 2)))
    return Shape(words, round(words * rng.uniform(4.5, 6)), lines)


def cases(
    judge: str, owner: str | None, leaning: float, n: int, seed: int, *, coin: float = 0.0
) -> Iterator[Case]:
    """Choices of an owner who follows a rule so often, judged by another rule, or a coin."""
    rng = random.Random(f"{judge} {owner} {leaning} {n} {seed}")
    of_judge, of_owner = rule(judge), rule(owner) if owner else lambda shapes: None
    for number in range(n):
        shapes = shape(rng), shape(rng)
        tossed: Side = rng.choice(("a", "b"))
        liked = of_owner(shapes)
        chosen = tossed if liked is None else liked if rng.random() < leaning else other(liked)
        said = of_judge(shapes) or rng.choice(("a", "b", None))
        if rng.random() < coin:
            said = rng.choice(("a", "b"))
        # Who can't tell says neither, or the one that is shown first.
        both = (said, said) if said else rng.choice((("tie", "tie"), ("a", "b")))
        answers = [Judgement(side, "high") for side in both]  # type: ignore[arg-type]
        prompt = f"{seed} {number}"
        yield Case(prompt, prompt, fold_of(prompt), chosen, shapes, *answers)


def opening(
    judge: str, owner: str | None, leaning: float, n: int, draws: int, coin: float
) -> float:
    gates = (
        calibrate(
            cases(judge, owner, leaning, n, seed, coin=coin), self_agreement=None, attempts=1
        ).gate
        for seed in range(draws)
    )
    return sum(gate.is_open for gate in gates) / draws


@pytest.mark.parametrize("judge", LEANINGS)
@pytest.mark.parametrize("n", [50, 119])
def test_a_rule_does_not_pass_with_an_owner_who_follows_it(judge: str, n: int) -> None:
    assert opening(judge, judge, 0.62, n, 20, coin=0.0) <= 0.05


def test_a_judge_that_takes_the_shorter_answer_is_told_so() -> None:
    shorter = list(cases("the shorter answer", "the shorter answer", 0.7, 200, 1))
    gate = calibrate(shorter, self_agreement=None, attempts=1).gate
    assert gate.bound is not None
    assert gate.bound > 0.5, "it agrees with the owner beyond doubt"
    assert not gate.is_open
    assert "to take the shorter answer" in gate.reason
    assert gate.more_choices is None


SETTINGS = [
    *((rule, rule, leaning, n, coin) for rule in LEANINGS for leaning in (0.62, 0.8)
      for n, coin in ((50, 0.0), (50, 0.1), (400, 0.1))),
    *((judge, owner, 0.7, 100, 0.1) for judge in LEANINGS for owner in LEANINGS),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("judge", "owner", "leaning", "n", "coin"), SETTINGS)
def test_no_rule_passes_whatever_the_owner_likes(
    judge: str, owner: str, leaning: float, n: int, coin: float
) -> None:
    # At most 3 % do; of 100 draws 8 or more are that only about once in 100 times.
    assert opening(judge, owner, leaning, n, 100, coin) <= 0.07


def test_answers_are_seen_by_their_lines_and_words() -> None:
    assert Shape.of("Tea, please.\n\nNo milk.\n") == Shape(4, 23, 2)
    assert Shape.of("") == Shape(0, 0, 0)


def test_where_no_blanks_stand_between_words_characters_are_counted() -> None:
    names = simple_rules([(Shape.of("茶" * 40), Shape.of("水" * 90))])
    assert any(name.endswith("characters") for name in names)
    assert not any(name.endswith("words") for name in names)
