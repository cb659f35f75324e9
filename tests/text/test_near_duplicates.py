"""Texts that are nearly the same are found, whatever their order, and nothing else is."""

import os
import random
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.text.near_duplicates import near_duplicate_groups
from align.text.similarity import words

WALK = (
    "We walked along the harbour until the last ferry had gone and nobody was left on the quay "
    "but a man who was mending a net by the light of his phone"
)
BREAD = (
    "Bread wants time more than it wants work: mix it in the evening, forget it overnight, and "
    "in the morning it has done nearly all of it by itself"
)


def jaccard(text: str, other: str) -> float:
    """Return shared over all distinct pairs of neighbouring words."""
    first, second = (set(pairwise(words(each))) for each in (text, other))
    return len(first & second) / len(first | second)


def mutated(text: str, changes: int, chance: random.Random) -> str:
    tokens = text.split()
    for place in chance.sample(range(len(tokens)), changes):
        tokens[place] = f"word{chance.randrange(10**6)}"
    return " ".join(tokens)


def corpus(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    vocabulary = [f"v{n}" for n in range(4000)]
    texts = []
    for _ in range(count):
        text = " ".join(chance.choices(vocabulary, k=chance.randint(20, 60)))
        texts += [text, mutated(text, chance.randint(0, 4), chance)]
    return texts


def test_a_text_with_a_word_changed_is_grouped_and_another_is_not() -> None:
    changed = WALK.replace("ferry", "boat")
    assert near_duplicate_groups([WALK, BREAD, changed], 0.8) == [[0, 2]]
    assert near_duplicate_groups([WALK, BREAD, changed], 0.95) == []


def test_likeness_is_counted_exactly_over_pairs_of_words() -> None:
    # Of 9 pairs of words, 7 stand in both texts: 7 of 11.
    texts = ["a b c d e f g h i j", "a b c d X f g h i j"]
    assert jaccard(*texts) == pytest.approx(7 / 11)
    assert near_duplicate_groups(texts, 7 / 11) == [[0, 1]]
    assert near_duplicate_groups(texts, 7 / 11 + 0.001) == []


def test_short_texts_are_one_only_when_their_words_are() -> None:
    texts = ["Good night, Bob!", "good night bob", "good night ann", "", "🎉", "🎉", "  "]
    assert near_duplicate_groups(texts, 0.1) == [[0, 1]]
    assert near_duplicate_groups(["a b c d", "a b c e"], 0.3, shortest_words=2) == [[0, 1]]


def test_what_is_connected_is_one_group() -> None:
    second = WALK.replace("ferry", "boat")
    third = second.replace("phone", "lamp").replace("net", "shoe")
    assert jaccard(WALK, third) < 0.8
    assert near_duplicate_groups([WALK, second, third], 0.8) == [[0, 1, 2]]


def test_nearly_every_pair_above_the_threshold_is_found_and_none_below() -> None:
    texts = corpus(400, seed=1)
    grouped = {place for group in near_duplicate_groups(texts, 0.8) for place in group}
    alike = [n for n in range(0, 800, 2) if jaccard(texts[n], texts[n + 1]) >= 0.8]
    assert 100 < len(alike) < 350
    assert len(grouped.intersection(alike)) >= 0.98 * len(alike)
    assert len(grouped) <= 2 * len(alike)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_the_texts(chance: random.Random) -> None:
    texts = corpus(30, seed=2)
    order = chance.sample(range(len(texts)), len(texts))
    shuffled = near_duplicate_groups([texts[place] for place in order], 0.7)
    back = sorted(sorted(order[place] for place in group) for group in shuffled)
    assert back == near_duplicate_groups(texts, 0.7)


def test_groups_do_not_depend_on_the_process() -> None:
    code = (
        "from tests.text.test_near_duplicates import corpus\n"
        "from align.text.near_duplicates import near_duplicate_groups\n"
        "print(near_duplicate_groups(corpus(100, seed=3), 0.75))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] == f"{near_duplicate_groups(corpus(100, seed=3), 0.75)}\n"


def test_thousands_of_copies_of_a_form_letter_are_one_group() -> None:
    chance = random.Random(5)
    letters = [mutated(f"{WALK} {BREAD}", 1, chance) for _ in range(3000)]
    assert near_duplicate_groups(letters, 0.8) == [list(range(3000))]


@given(st.lists(st.text(max_size=40), max_size=12), st.sampled_from([0.05, 0.5, 0.8, 1.0]))
@settings(max_examples=60)
def test_any_texts_are_taken(texts: list[str], threshold: float) -> None:
    groups = near_duplicate_groups(texts, threshold)
    places = [place for group in groups for place in group]
    assert len(places) == len(set(places)) and all(len(group) > 1 for group in groups)
    assert near_duplicate_groups([], threshold) == []
