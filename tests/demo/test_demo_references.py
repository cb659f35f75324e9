"""What the demo world knows of its owner and of others."""

import random
from pathlib import Path

import pytest

from align.demo import owners
from align.demo.demo_references import CHOSEN_BY, speaks_of, with_demo_world
from align.demo.grammar import answer
from align.demo.simulated_owner import SimulatedOwner
from align.demo.voice import diluted
from align.evaluation.habit_distance import habit_distance
from align.evaluation.owner_texts import OwnerTexts
from align.evaluation.reference_texts import ReferenceTexts
from align.paths import simulated_file
from align.text import style


@pytest.fixture(scope="module")
def path() -> Path:
    return Path(__file__).parents[2] / "data" / "demo" / "simulated.json"


@pytest.fixture(scope="module")
def references(path: Path) -> ReferenceTexts:
    return with_demo_world(ReferenceTexts(OwnerTexts(), OwnerTexts()), path)


def test_the_same_seed_gives_the_same_world(path: Path, references: ReferenceTexts) -> None:
    again = with_demo_world(ReferenceTexts(OwnerTexts(), OwnerTexts()), path)
    assert (again.others, again.own_register) == (references.others, references.own_register)
    assert again.neutral == references.neutral


def test_the_judge_is_tried_on_people_it_was_not_fitted_on(references: ReferenceTexts) -> None:
    assert not {w.text for w in references.others} & {w.text for w in references.others_held_out}
    assert not references.judge_is_weak


def test_an_answer_speaks_of_the_prompts_topic_and_of_no_other_more() -> None:
    asked = "Do you like baking bread?"
    assert speaks_of(asked, "The crust and the dough, and a warm oven: baking bread suits me.")
    assert speaks_of(asked, "Look at the stars through a telescope at night.") is False
    assert speaks_of("How are you?", "Fine.") is None


def test_the_habits_that_choices_go_by_are_habits() -> None:
    names = {habit.name for habit in style.HABITS}
    assert names > CHOSEN_BY
    assert len(names - CHOSEN_BY) >= 12


def test_the_verdict_knows_the_owner_and_not_the_sides(
    path: Path, references: ReferenceTexts
) -> None:
    assert references.simulated_verdict is not None
    voice = SimulatedOwner.load(path).voice
    rng = random.Random(0)
    _, _, held_out = owners.split()
    verdicts, swapped = [], []
    for case, (topic, kind) in enumerate(rng.sample(held_out, 120)):
        asked = kind.questions[0].format(
            name=topic.name, Name=topic.name, do=topic.do, did=topic.did, doing=topic.doing,
            rival=topic.phrases["rival"][0],
        )  # fmt: skip
        own = answer(topic, kind, diluted(voice, 0.95), rng)
        plain = answer(topic, kind, diluted(voice, 0.0), rng)
        verdicts.append(references.simulated_verdict(asked, own, plain, case))
        swapped.append(references.simulated_verdict(asked, plain, own, case))
    assert sum(verdicts) > 0.75 * len(verdicts)
    assert sum(swapped) < 0.25 * len(swapped)


def test_a_caricature_is_farther_from_the_owners_habits(
    path: Path, references: ReferenceTexts
) -> None:
    voice = SimulatedOwner.load(path).voice
    rng = random.Random(0)
    _, _, held_out = owners.split()

    def apart(strength: float) -> float:
        texts = [answer(t, k, diluted(voice, strength), rng) for t, k in held_out]
        found = habit_distance(references.own_register, texts, CHOSEN_BY)
        assert found is not None
        return found

    plain, own, loud = apart(0.0), apart(0.95), apart(2.5)
    assert own < plain
    assert own < loud


@pytest.mark.usefixtures("root")
def test_a_real_owner_has_no_such_world() -> None:
    assert simulated_file("ann") is None
    assert simulated_file("demo") is not None
