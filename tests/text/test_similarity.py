"""How alike two texts are."""

from hypothesis import given
from hypothesis import strategies as st

from align.text.similarity import near_identical, similarity, words


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
