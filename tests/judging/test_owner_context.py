"""What a judge is told of the owner is redacted, and its examples are few, unlike and balanced."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from align.judging.owner_context import LONG, OLDEST, TOO_LONG, choose_examples, owner_profile
from align.judging.protocol import Example
from align.owner import Owner
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.store.adding import add_records
from align.store.connection import in_memory
from tests.judging.questions import example
from tests.store.rows import record

TOPICS = (
    "garden beans slugs", "harbour boats rope", "kettle biscuits tea", "chess rook gambit",
    "winter coat scarf", "library novel shelf", "bus ticket driver", "violin concert bow",
)  # fmt: skip
CLOSED = "the money lies under the third floorboard by the window"


def detector() -> PrivateText:
    """Return what finds eight words in a row of one sentence."""
    conn = in_memory()
    add_records(conn, [record(CLOSED, level="train-only")])
    return PrivateText(conn, Owner(name="Ann"))


def choices(count: int, topics: int = len(TOPICS)) -> list[Example]:
    return [
        replace(
            example(n, "a" if n % 3 else "b", asked=f"What of {TOPICS[n % topics]}?"),
            time=f"2026-01-{n // 24 + 1:02d}T{n % 24:02d}:00:00Z",
        )
        for n in range(count)
    ]


def test_what_is_private_in_the_settings_is_redacted() -> None:
    owner = Owner(
        name="Ann Petrie",
        names=["Rufus"],
        facts={"How does Rufus reach you?": "At ann@petrie.example, as always."},
        rubric="Says Rufus is a saint.",
    )
    profile, left_out = owner_profile(owner, redactor_for(owner))
    whole = f"{profile.facts} {profile.rubric}"
    assert left_out == 0
    assert "Rufus" not in whole and "petrie.example" not in whole
    assert profile.name == "Ann Petrie"
    assert "is a saint." in profile.rubric


def test_what_repeats_closed_writing_is_left_out_and_counted() -> None:
    owner = Owner(
        name="Ann",
        facts={"Where is it?": f"Well, {CLOSED}.", "Who are you?": "Ann."},
        rubric=f"Short sentences.\nLike this: {CLOSED}.\nDry.",
    )
    profile, left_out = owner_profile(owner, None, detector())
    assert left_out == 2
    assert profile.facts == (("Who are you?", "Ann."),)
    assert profile.rubric == "Short sentences.\nDry."


def test_a_closed_sentence_over_two_lines_of_the_rubric_takes_the_rubric() -> None:
    half = CLOSED.split()
    owner = Owner(name="Ann", rubric=" ".join(half[:5]) + "\n" + " ".join(half[5:]))
    profile, left_out = owner_profile(owner, None, detector())
    assert (profile.rubric, left_out) == ("", 1)


def test_aliases_stay_here() -> None:
    profile, _ = owner_profile(Owner(name="Ann", aliases=["ann_1987", "ann@petrie.example"]))
    assert "1987" not in repr(profile) and "petrie" not in repr(profile)


def test_the_same_choices_give_the_same_examples_in_whatever_order_they_come() -> None:
    candidates = choices(60)
    chosen = choose_examples(candidates, 12)
    for seed in range(5):
        assert (
            choose_examples(random.Random(seed).sample(candidates, len(candidates)), 12) == chosen
        )


def test_later_choices_change_no_example() -> None:
    candidates = choices(OLDEST + 80)
    assert choose_examples(candidates, 12) == choose_examples(candidates[:OLDEST], 12)


@pytest.mark.parametrize("count", [8, 12, 16])
def test_half_are_shown_with_the_chosen_answer_first(count: int) -> None:
    chosen = choose_examples(choices(60), count)
    assert len(chosen) == count
    assert sum(each.first == each.winner for each in chosen) == count // 2


def test_the_place_of_an_example_tells_nothing_of_its_winner() -> None:
    chosen = choose_examples(choices(60), 16)
    sides = [each.first == each.winner for each in chosen]
    assert sides != sorted(sides) and sides != sorted(sides, reverse=True)
    assert any(one == other for one, other in pairwise(sides))


def test_the_examples_speak_of_different_things() -> None:
    crowded = [*choices(40, topics=1), *choices(48)[40:]]
    subjects = {each.comparison.messages[0]["content"] for each in choose_examples(crowded, 8)}
    assert len(subjects) == 8, "eight topics there are, one of them forty-one times"


def test_a_prompt_is_shown_once() -> None:
    candidates = [replace(each, comparison=replace(each.comparison, prompt_id=f"prompt {n % 5}"))
             for n, each in enumerate(choices(30))]  # fmt: skip
    chosen = choose_examples(candidates, 12)
    assert len({each.comparison.prompt_id for each in chosen}) == len(chosen) == 5


def test_long_ones_are_shown_only_where_short_ones_are_too_few() -> None:
    def long(each: Example, length: int) -> Example:
        return replace(each, comparison=replace(each.comparison, text_a="word " * (length // 5)))

    candidates = choices(20)
    some_long = [long(each, LONG) if n < 8 else each for n, each in enumerate(candidates)]
    assert set(map(id, choose_examples(some_long, 12))).isdisjoint(map(id, some_long[:8]))
    kept = {each.comparison.pair_id for each in choose_examples(some_long, 12)}
    assert kept == {each.comparison.pair_id for each in some_long[8:]}
    assert len(choose_examples(some_long, 15)) == 15
    assert len(choose_examples([long(each, TOO_LONG) for each in candidates], 12)) == 0


def test_few_choices_are_all_shown_and_none_is_no_error() -> None:
    assert len(choose_examples(choices(3), 12)) == 3
    assert choose_examples([], 12) == ()
