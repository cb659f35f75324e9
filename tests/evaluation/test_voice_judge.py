"""The voice judge: who wrote it, topic apart, and no reward for caricature."""

import random

import pytest

from align.evaluation.voice_judge import (
    MASK,
    Masking,
    PromptedText,
    fit_judge,
    fit_masking,
    separation,
)

THINGS = [f"{a}{b}" for a in ("lam", "tor", "vex", "quin", "bol") for b in ("per", "dle", "mist")]


def plain(rng: random.Random) -> PromptedText:
    thing, other = rng.sample(THINGS, 2)
    return PromptedText(
        f"The {thing} is a useful thing. It helps with the {other}. You can find the {thing} there."
    )


def owner(rng: random.Random, strength: float = 0.6) -> PromptedText:
    """Somebody who trails off, and hedges: each habit shows in a share of the places."""
    thing, other = rng.sample(THINGS, 2)
    parts = [
        f"the {thing} is a useful thing",
        f"it helps with the {other}",
        "you can find it there",
    ]
    for i, part in enumerate(parts):
        if rng.random() < strength:
            part = f"well, i suppose {part}"
        parts[i] = part + ("..." if rng.random() < strength else ".")
    return PromptedText(" ".join(parts))


@pytest.fixture(scope="module")
def sides() -> tuple[
    list[PromptedText], list[PromptedText], list[PromptedText], list[PromptedText]
]:
    rng = random.Random(1)
    return (
        [owner(rng) for _ in range(80)],
        [plain(rng) for _ in range(80)],
        [owner(rng) for _ in range(40)],
        [plain(rng) for _ in range(40)],
    )


def test_words_of_the_topic_are_masked_and_function_words_stay() -> None:
    masking = Masking(common=frozenset({"lovely", "boats"}), topic_words=frozenset({"boats"}))
    written = PromptedText(
        "I don't like boats; the rigging's lovely, Sails!", "Which sail is lovely?"
    )
    assert masking.apply(written) == f"I don't like {MASK}; the {MASK} {MASK}, {MASK}!"


def test_a_word_is_common_where_enough_texts_have_it() -> None:
    texts = ["decent stuff"] * 3 + ["anchor"] * 2 + ["x"] * 45
    assert fit_masking(texts).common == {"decent", "stuff", "x"}


def test_it_tells_the_owner_from_others_on_held_out_texts(
    sides: tuple[list[PromptedText], ...],
) -> None:
    judge = fit_judge(*sides)
    assert judge.separation is not None
    assert judge.separation > 0.95


def test_the_same_texts_give_the_same_odds(sides: tuple[list[PromptedText], ...]) -> None:
    first, second = fit_judge(*sides), fit_judge(*sides)
    assert first.odds(sides[2]) == second.odds(sides[2])
    assert first.cap == second.cap


def test_the_topic_is_worth_nothing(sides: tuple[list[PromptedText], ...]) -> None:
    judge = fit_judge(*sides)
    asked = "Tell me of the zorbik"
    known = PromptedText("The lamper is a useful thing.", "Tell me of the lamper")
    unknown = PromptedText("The zorbik is a useful thing.", asked)
    assert judge.odds([known]) == judge.odds([unknown])


def test_the_cap_is_the_median_of_the_owners_held_out_odds(
    sides: tuple[list[PromptedText], ...],
) -> None:
    judge = fit_judge(*sides)
    ordered = sorted(judge.odds(sides[2]))
    assert judge.cap == pytest.approx((ordered[19] + ordered[20]) / 2)
    assert max(judge.capped(sides[2])) == judge.cap


def test_a_caricature_does_not_win_over_the_owner(sides: tuple[list[PromptedText], ...]) -> None:
    judge = fit_judge(*sides)
    rng = random.Random(2)
    loud = [owner(rng, strength=1.0) for _ in range(100)]
    typical = [owner(rng) for _ in range(100)]
    assert separation(judge.odds(loud), judge.odds(typical)) > 0.85  # uncapped it would win
    wins = [a > b for a, b in zip(judge.capped(loud), judge.capped(typical), strict=True)]
    # Against the half of the owner's texts that reach their own median it gains nothing.
    assert sum(wins) < 65
    reached = [b for b in judge.capped(typical) if b == judge.cap]
    assert 35 <= len(reached) <= 65


def test_few_held_out_texts_are_completed_by_cross_fitting(
    sides: tuple[list[PromptedText], ...],
) -> None:
    judge = fit_judge(sides[0], sides[1], sides[2][:2])
    assert judge.separation is None
    assert fit_judge(*sides).cap == pytest.approx(judge.cap, abs=1.0)


def test_one_text_on_a_side_is_refused() -> None:
    with pytest.raises(ValueError, match="1 texts of the owner"):
        fit_judge([PromptedText("one")], [PromptedText("two"), PromptedText("three")], [])


def test_separation_by_hand() -> None:
    assert separation([2, 1], [1, 0]) == (1 + 1 + 0.5 + 1) / 4
    assert separation([], [1]) is None
