"""What the grammar writes is well formed, on its topic and of the promised length."""

import random
import re
import statistics

import pytest

from align.demo.corpus import combinations
from align.demo.grammar import answer, post
from align.demo.kinds import KINDS, ROLES
from align.demo.topics import SLOTS, on_topic, topic_words, topics, words
from align.demo.voice import ASSISTANT, random_voice

FLAWS = re.compile(r"[{}|]|  | [,.;!?](?!\.\.)|[,;]{2}|,\.|\bi\b(?![.'])|\b(\w+) \1\b", re.ASCII)
# "that that" and the like are flaws; these doubles are English.
FINE = ("had had", "that that")


def answers(count: int, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    found = []
    for number in range(count):
        topic, kind = rng.choice(combinations())
        voice = ASSISTANT if number % 4 == 0 else random_voice(number)
        found.append((topic.key, answer(topic, kind, voice, rng)))
    return found


def test_there_are_enough_topics_and_kinds() -> None:
    assert len(topics()) >= 60
    assert len(KINDS) >= 14
    assert len({topic.key for topic in topics()}) == len(topics())


def test_every_topic_fills_every_slot() -> None:
    for topic in topics():
        assert tuple(topic.phrases) == SLOTS
        assert all(phrase for ways in topic.phrases.values() for phrase in ways), topic.key
        assert all(part.startswith("the ") for part in topic.phrases["part"]), topic.key


def test_every_plan_uses_roles_that_exist() -> None:
    for kind in KINDS:
        assert set(kind.core) | set(kind.extra) <= set(ROLES)
        assert len(kind.questions) >= 3


def test_answers_are_well_formed() -> None:
    for _, text in answers(1500, 1):
        flaw = FLAWS.search(text)
        assert flaw is None or flaw.group() in FINE, text


def test_answers_stay_on_their_topic() -> None:
    found = answers(600, 2)
    assert statistics.fmean(on_topic(key, text) for key, text in found) > 0.96


def test_answers_are_mostly_twenty_to_sixty_words() -> None:
    lengths = [len(text.split()) for _, text in answers(1000, 3)]
    assert statistics.fmean(18 <= length <= 62 for length in lengths) > 0.85


def test_posts_have_paragraphs_and_eighty_to_two_hundred_and_twenty_words() -> None:
    rng = random.Random(4)
    posts = [post(rng.choice(topics()), random_voice(n), rng)[1] for n in range(300)]
    lengths = [len(text.split()) for text in posts]
    assert statistics.fmean(70 <= length <= 220 for length in lengths) > 0.85
    assert all(text.count("\n\n") >= 2 for text in posts)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_generator_writes_the_same_answer(seed: int) -> None:
    topic, kind = combinations()[seed * 100]
    once, again = (answer(topic, kind, random_voice(seed), random.Random(seed)) for _ in range(2))
    assert once == again


def test_topic_words_cover_every_topic_and_no_function_word() -> None:
    masked = topic_words()
    assert all(masked & set(words(topic.name)) or topic.key == "walking" for topic in topics())
    assert not masked & {"the", "and", "with", "that", "very", "would", "which"}
