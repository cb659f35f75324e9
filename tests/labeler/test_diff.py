"""Differences by words."""

import time

from hypothesis import given
from hypothesis.strategies import text

from labeler.diff import MOST_WORDS, difference


def marked(runs: list[tuple[str, bool]]) -> list[str]:
    return [words.strip() for words, differs in runs if differs]


def test_words_that_the_other_lacks_are_marked():
    runs = difference("I like tea, mostly.", "I like coffee, mostly!")
    assert runs is not None
    assert marked(runs[0]) == ["tea, mostly."] and marked(runs[1]) == ["coffee, mostly!"]


def test_equal_texts_differ_nowhere_and_line_ends_do_not_count():
    runs = difference("one two\nthree", "one two three")
    assert runs is not None and not marked(runs[0]) and not marked(runs[1])


@given(text(), text())
def test_the_runs_of_a_side_are_its_text(left: str, right: str):
    runs = difference(left, right)
    assert runs is not None
    assert "".join(words for words, _ in runs[0]) == left
    assert "".join(words for words, _ in runs[1]) == right


def test_what_is_too_long_is_not_compared():
    assert difference("a " * (MOST_WORDS + 1), "b") is None
    started = time.perf_counter()
    assert difference("a b " * (MOST_WORDS // 2), "c d " * (MOST_WORDS // 2)) is not None
    assert time.perf_counter() - started < 5
