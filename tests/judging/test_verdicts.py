"""What two answers to a pair come to."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.choices.verdicts import (
    CERTAINTIES,
    Judgement,
    PairVerdict,
    Winner,
    verdict_of,
)

SAID = st.builds(
    Judgement,
    st.sampled_from(["a", "b", "tie", None]),
    st.sampled_from([None, *CERTAINTIES]),
    st.sampled_from([None, "refused"]),
)


@pytest.mark.parametrize("winner", ["a", "b"])
def test_the_same_winner_both_ways_round_is_a_verdict(winner: Winner) -> None:
    verdict = verdict_of(Judgement(winner, "high"), Judgement(winner, "high"))
    assert verdict == PairVerdict(winner, "high", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("ab", "ba"), [("a", "b"), ("b", "a")])
def test_a_winner_that_changes_with_the_order_is_an_abstention(ab: Winner, ba: Winner) -> None:
    assert verdict_of(Judgement(ab, "high"), Judgement(ba, "high")) == PairVerdict(
        None, None, "swapped"
    )


@pytest.mark.parametrize(("ab", "ba"), [("tie", "a"), ("b", "tie"), ("tie", "tie")])
def test_one_tie_is_enough_to_abstain(ab: Winner, ba: Winner) -> None:
    assert verdict_of(Judgement(ab), Judgement(ba)) == PairVerdict(None, None, "tie")


@pytest.mark.parametrize("bad", [None, Judgement(None), Judgement(None, None, "refused"),
                                 Judgement("a", "high", "truncated")])  # fmt: skip
@pytest.mark.parametrize("fine", ["a", "tie"])
def test_an_answer_that_is_missing_or_has_a_problem_is_never_guessed(
    bad: Judgement | None, fine: Winner
) -> None:
    unscored = PairVerdict(None, None, "unscored")
    assert verdict_of(bad, Judgement(fine)) == unscored
    assert verdict_of(Judgement(fine), bad) == unscored


def test_a_verdict_is_as_certain_as_its_less_certain_answer() -> None:
    for one, two in product(CERTAINTIES, repeat=2):
        verdict = verdict_of(Judgement("a", one), Judgement("a", two)).certainty
        assert verdict == CERTAINTIES[min(CERTAINTIES.index(one), CERTAINTIES.index(two))]


def test_an_unstated_certainty_is_not_made_up() -> None:
    assert verdict_of(Judgement("a", None), Judgement("a", "high")) == PairVerdict("a", None, None)


@given(SAID, SAID)
def test_the_order_of_asking_and_the_names_of_the_answers_change_nothing(
    ab: Judgement, ba: Judgement
) -> None:
    def renamed(judgement: Judgement) -> Judgement:
        names: dict[Winner | None, Winner | None] = {"a": "b", "b": "a"}
        return judgement._replace(winner=names.get(judgement.winner, judgement.winner))

    there, back = verdict_of(ab, ba), verdict_of(renamed(ba), renamed(ab))
    assert there._replace(winner=None) == back._replace(winner=None)
    assert (there.winner, back.winner) in {("a", "b"), ("b", "a"), (None, None)}
    assert (there.winner is None) == (there.abstention is not None)
