"""Voices are many, independent, and told apart by how they write."""

import random

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from align.demo.corpus import combinations
from align.demo.grammar import answer
from align.demo.owners import DEMO, demo_owner
from align.demo.pen import Pen
from align.demo.topics import topic
from align.demo.voice import ASSISTANT, LEVELS, Voice, diluted, distance, random_voice


def texts(voices: list[Voice], seed: int) -> list[str]:
    rng = random.Random(seed)
    return [answer(*rng.choice(combinations()), voice, rng) for voice in voices]


def test_a_voice_has_at_least_fifteen_independent_levels() -> None:
    assert len(LEVELS) >= 15


def test_a_seed_always_gives_the_same_voice() -> None:
    assert random_voice(7) == random_voice(7)
    assert random_voice(7) != random_voice(8)


def test_dilution_runs_from_the_plain_levels_to_the_writers_own() -> None:
    voice = random_voice(3)
    assert diluted(voice, 0).levels == ASSISTANT.levels
    assert distance(diluted(voice, 1), voice) < 1e-9
    assert 0 < distance(diluted(voice, 0.5), ASSISTANT) < distance(voice, ASSISTANT)


def test_levels_stay_probabilities_when_exaggerated() -> None:
    exaggerated = diluted(DEMO.voice, 3.0)
    assert all(0 <= level <= 1 for level in exaggerated.levels.values())


def test_contractions_never_end_a_sentence() -> None:
    pen = Pen(random_voice(1), topic("tea"), random.Random(0))
    pen.voice = diluted(pen.voice, 0)
    assert pen.finish("how good it is.") == "How good it is."


def test_a_simple_classifier_tells_the_demo_owner_from_other_voices() -> None:
    own = texts([DEMO.voice] * 300, 1)
    others = texts([random_voice(n) for n in range(300)], 2)
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 4), max_features=8000),
        LogisticRegression(C=10, max_iter=500),
    )
    half = 200
    model.fit(own[:half] + others[:half], [1] * half + [0] * half)
    assert model.score(own[half:] + others[half:], [1] * 100 + [0] * 100) > 0.93


def test_other_owners_differ_from_each_other_and_from_the_plain_voice() -> None:
    owners = [demo_owner(seed) for seed in range(6)]
    assert len({owner.name for owner in owners}) == 6
    for one in owners:
        assert distance(one.voice, ASSISTANT) > 0.2
        assert all(distance(one.voice, other.voice) > 0.08 for other in owners if other != one)
