"""Habits, against values counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.text import style
from align.text.style import HABITS, Text


def measured(name: str, text: str) -> float:
    habit = next(habit for habit in HABITS if habit.name == name)
    return habit.measure(Text(text))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("length", "Four words stand here.", 4),
        ("sentence length", "One two three. Four.", 2),
        ("sentence spread", "One two three. Four.", 2),
        ("short sentences", "One two three four five. Six.", 0.5),
        ("word length", "a bb ccc", 2),
        ("long words", "a bb ccc sevenly", 25),
        ("commas", "a, b, c, d", 75),
        ("dashes", "a - b -- c \u2014 d-e", 60),
        ("ellipses", "well... no\u2026 yes.. maybe.", 75),
        ("parentheses", "a (b) c [d]", 50),
        ("semicolons", "a; b: c d", 50),
        ("exclamations", "Yes! No! Well.", 2 / 3),
        ("questions", "Yes? No.", 0.5),
        ("emoticons", "fine :) really \U0001f600", 100),
        ("small-letter starts", "oh no. Yes. well", 2 / 3),
        ("contractions", "I don't. It isn't. They are.", 2 / 3),
        ("first person", "I know my own mind", 40),
        ("second person", "you know your mind", 50),
        ("hedges", "I think so. Perhaps. No. No.", 0.5),
        ("intensifiers", "very good rather bad", 50),
        ("articles", "the cat saw an owl", 40),
        ("prepositions", "out of sight", 200 / 3),
        ("conjunctions", "bread and butter", 100 / 3),
        ("auxiliaries", "it was said", 100 / 3),
        ("negations", "I don't know nothing", 50),
        ("demonstratives", "this is it", 100 / 3),
        ("starts with and, but, so", "And then. But no. Fine. Yes.", 0.5),
        ("interjection first", "Well, no.", 1),
        ("interjection first", "All is well.", 0),
        ("first word", "I know.", 1),
        ("last mark", "no?", 4),
        ("last mark", "no...", 2),
        ("paragraphs", "one\n\ntwo\n \nthree\nmore", 3),
    ],
)
def test_a_habit_counts_what_it_says(name: str, text: str, value: float) -> None:
    assert measured(name, text) == pytest.approx(value)


def test_every_habit_has_a_name_of_its_own_and_says_what_it_means() -> None:
    assert len({habit.name for habit in HABITS}) == len(HABITS)
    assert all(habit.meaning for habit in HABITS)
    assert all(list(habit.edges) == sorted(habit.edges) for habit in HABITS)


@given(st.text())
def test_any_text_can_be_measured(text: str) -> None:
    assert len(style.bins(text)) == len(HABITS)


def test_never_has_a_bin_of_its_own() -> None:
    commas = next(habit for habit in HABITS if habit.name == "commas")
    assert commas.bin(Text("none at all")) == 0
    assert commas.bin(Text("a, " + "b " * 99)) == 1


def test_rates_are_means_and_classes_have_none() -> None:
    rates = style.rates(["Yes! No!", "Well."])
    assert rates["exclamations"] == 0.5
    assert "first word" not in rates
    assert style.rates([]) == {}
