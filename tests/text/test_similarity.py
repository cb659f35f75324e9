"""Near-duplicates and shared runs of words."""

from hypothesis import given
from hypothesis import strategies as st

from align.text.similarity import (
    RunIndex,
    near_identical,
    similarity,
    words,
)


def test_words_are_compared_without_case_punctuation_and_kind_of_apostrophe() -> None:
    assert words("Don\u2019t — I SAID: don't!") == ["don't", "i", "said", "don't"]


def test_similarity_by_hand() -> None:
    # Three of four words stand in both: 2 * 3 / 8.
    assert similarity("one two three four", "one two three five") == 0.75
    assert similarity("", "") == 1


@given(st.text(), st.text())
def test_similarity_does_not_depend_on_the_order(first: str, second: str) -> None:
    assert similarity(first, second) == similarity(second, first)
    assert near_identical(first, second) == near_identical(second, first)
    assert near_identical(first, first)


def test_one_word_changed_in_a_long_answer_is_near_identical() -> None:
    text = "I like to bake bread on a cold day because it warms the whole kitchen up nicely"
    assert near_identical(text, text.replace("cold", "grey"))
    assert near_identical(text, "  " + text.replace(" ", "\n"))
    assert not near_identical(text, "I would rather walk by the sea, and I often do")


def test_same_words_in_another_style_are_not_near_identical() -> None:
    # Style is what an owner chooses by: dots for stops, and capitals, make another answer.
    first = "No. Not now. Ask me. Later on. Then maybe. Or not. We will see. Who knows."
    other = (
        "no... not now... ask me... later on... then maybe... or not... we will see... who knows"
    )
    assert similarity(first, other) == 1
    assert not near_identical(first, other)


SEALED = "the spare key lies under the third blue pot by the door"


def test_eight_words_in_a_row_are_found_and_seven_are_not() -> None:
    index = RunIndex([SEALED])
    assert index.repeated("well, The spare key lies under the third -- yes") is None
    assert index.repeated("Well: THE spare key lies under\nthe third, blue") == SEALED.split()[:8]


def test_a_repeated_run_is_returned_as_long_as_it_goes_on() -> None:
    index = RunIndex([SEALED])
    assert index.repeated(f"so {SEALED} ok") == SEALED.split()


def test_an_empty_index_and_short_texts_find_nothing() -> None:
    assert RunIndex([]).repeated(SEALED) is None
    assert RunIndex(["too short"]).repeated("too short") is None
    assert RunIndex([SEALED]).repeated("") is None


@given(st.lists(st.sampled_from("abcde"), max_size=40), st.lists(st.sampled_from("abcde")))
def test_the_index_agrees_with_looking_at_every_run(first: list[str], second: list[str]) -> None:
    text, other = " ".join(first), " ".join(second)
    runs = {tuple(first[i : i + 3]) for i in range(len(first) - 2)}
    expected = any(tuple(second[i : i + 3]) in runs for i in range(len(second) - 2))
    assert (RunIndex([text], length=3).repeated(other) is not None) == expected
