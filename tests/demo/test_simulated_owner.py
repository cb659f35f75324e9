"""The simulated owner knows their voice, errs like a person and is not taken in by a caricature."""

import inspect
import random
import re
import statistics
from collections import Counter
from pathlib import Path

import pytest

from align.demo.corpus import combinations
from align.demo.grammar import answer, question
from align.demo.owners import DEMO, OWN_REGISTER, demo_owner, in_some_register, write_owner
from align.demo.simulated_owner import SimulatedOwner, fluency
from align.demo.topics import topics
from align.demo.voice import ASSISTANT, Voice, diluted, random_voice

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "demo" / "simulated.json"
COUNT = 200


@pytest.fixture(scope="module")
def owner() -> SimulatedOwner:
    return SimulatedOwner.load(SHIPPED)


def asked(seed: int) -> list[tuple[str, int]]:
    rng = random.Random(f"asked {seed}")
    places = [rng.randrange(len(combinations())) for _ in range(COUNT)]
    return [(question(*combinations()[place], rng), place) for place in places]


def written(voices: list[Voice], seed: int) -> list[str]:
    rng = random.Random(f"written {seed}")
    return [
        answer(*combinations()[place], voice, rng)
        for (_, place), voice in zip(asked(0), voices, strict=True)
    ]


def values(owner: SimulatedOwner, texts: list[str]) -> list[float]:
    return [owner.value(prompt, text) for (prompt, _), text in zip(asked(0), texts, strict=True)]


def win_rate(one: list[float], other: list[float]) -> float:
    return statistics.fmean(a > b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def true_text() -> list[str]:
    return written([diluted(DEMO.voice, OWN_REGISTER)] * COUNT, 1)


@pytest.fixture(scope="module")
def true_values(owner: SimulatedOwner, true_text: list[str]) -> list[float]:
    return values(owner, true_text)


def test_the_owners_own_text_beats_other_voices_and_the_plain_one(
    owner: SimulatedOwner, true_values: list[float]
) -> None:
    others = values(owner, written([random_voice(n) for n in range(COUNT)], 2))
    plain = values(owner, written([ASSISTANT] * COUNT, 3))
    assert win_rate(true_values, others) > 0.8
    assert win_rate(true_values, plain) > 0.85


def test_their_own_register_beats_their_hurried_notes(
    owner: SimulatedOwner, true_values: list[float]
) -> None:
    hurried = values(owner, written([diluted(DEMO.voice, 0.3)] * COUNT, 4))
    assert win_rate(true_values, hurried) > 0.65


def test_word_salad_is_worth_least(
    owner: SimulatedOwner, true_text: list[str], true_values: list[float]
) -> None:
    rng = random.Random(5)
    salad = [" ".join(rng.sample(text.split(), len(text.split()))) for text in true_text]
    assert win_rate(true_values, values(owner, salad)) > 0.98
    assert fluency(salad[0]) < fluency(true_text[0])


def test_an_exaggerated_voice_is_worth_less_than_the_true_one(owner: SimulatedOwner) -> None:
    rng = random.Random(6)
    worth: dict[float, list[float]] = {OWN_REGISTER: [], 1.6: []}
    for strength, found in worth.items():
        voice = diluted(DEMO.voice, strength)
        for _ in range(800):
            topic, kind = rng.choice(combinations())
            text = answer(topic, kind, voice, rng)
            found.append(owner.value(question(topic, kind, rng), text))
    assert statistics.fmean(worth[1.6]) < statistics.fmean(worth[OWN_REGISTER])


def test_every_habit_in_each_sentence_is_a_caricature_and_loses(
    owner: SimulatedOwner, true_text: list[str], true_values: list[float]
) -> None:
    piled = [
        re.sub(r"\.(?= |$)", ", mind you, which is something (more fool me).", text)
        for text in true_text
    ]
    assert win_rate(true_values, values(owner, piled)) > 0.9


def test_an_answer_on_another_topic_loses(owner: SimulatedOwner, true_values: list[float]) -> None:
    rng = random.Random(7)
    strayed = []
    for _, place in asked(0):
        topic, kind = combinations()[place]
        other = rng.choice([each for each in topics() if each.key != topic.key])
        strayed.append(answer(other, kind, diluted(DEMO.voice, OWN_REGISTER), rng))
    assert win_rate(true_values, values(owner, strayed)) > 0.85


def test_a_longer_answer_is_worth_no_more(
    owner: SimulatedOwner, true_text: list[str], true_values: list[float]
) -> None:
    lengths = [len(text.split()) for text in true_text]
    assert -0.6 < statistics.correlation(lengths, true_values) < 0.1


def test_an_empty_answer_is_never_chosen(owner: SimulatedOwner, true_text: list[str]) -> None:
    prompt = asked(0)[0][0]
    assert owner.value(prompt, "") < owner.value(prompt, true_text[0]) - 2


def choices(owner: SimulatedOwner, swapped: bool, seed: int, rounds: int = 2) -> list[str]:
    mixed = random.Random(8)
    back = {"left": "right", "right": "left"}
    rng = random.Random(seed)
    found = []
    for prompt, place in asked(0) * rounds:
        one, two = (
            answer(*combinations()[place], in_some_register(DEMO.voice, mixed), mixed)
            for _ in range(2)
        )
        chosen = (
            owner.choose(prompt, two, one, rng) if swapped else owner.choose(prompt, one, two, rng)
        )
        found.append(back.get(chosen, chosen) if swapped else chosen)
    return found


def test_asked_again_with_sides_swapped_they_agree_with_themselves_about_85_times_in_100(
    owner: SimulatedOwner,
) -> None:
    first, again = choices(owner, False, 1), choices(owner, True, 2)
    decisive = [(a, b) for a, b in zip(first, again, strict=True) if {a, b} <= {"left", "right"}]
    assert 0.80 <= statistics.fmean(a == b for a, b in decisive) <= 0.90


def test_some_pairs_are_ties_and_the_left_side_has_a_small_advantage(owner: SimulatedOwner) -> None:
    counts, swapped = Counter(choices(owner, False, 3)), Counter(choices(owner, True, 3))
    assert 0.02 < counts["both"] / counts.total() < 0.15
    # Each pair is shown both ways round, so that only the side itself can make a difference.
    left, right = counts["left"] + swapped["right"], counts["right"] + swapped["left"]
    assert 0.5 < left / (left + right) < 0.58


def test_two_bad_answers_are_neither(owner: SimulatedOwner) -> None:
    rng = random.Random(9)
    bad = ["the of and", "loaf loaf loaf loaf loaf loaf"]
    assert owner.choose("What is chess?", *bad, rng) == "neither"


def test_they_see_texts_only() -> None:
    parameters = list(inspect.signature(SimulatedOwner.choose).parameters)
    assert parameters == ["self", "prompt", "left", "right", "rng"]


def test_the_same_generator_gives_the_same_choices(owner: SimulatedOwner) -> None:
    assert choices(owner, False, 4, rounds=1) == choices(owner, False, 4, rounds=1)


@pytest.mark.parametrize("seed", [1, 2])
def test_another_owner_prefers_their_own_voice(seed: int, tmp_path: Path) -> None:
    other = demo_owner(seed)
    write_owner(other, tmp_path)
    theirs = SimulatedOwner.load(tmp_path / "simulated.json")
    own = values(theirs, written([diluted(other.voice, OWN_REGISTER)] * COUNT, 1))
    demo = values(theirs, written([diluted(DEMO.voice, OWN_REGISTER)] * COUNT, 1))
    assert win_rate(own, demo) > 0.9
