"""The demo's judge hears what its owner hears, less well, and each question apart."""

import asyncio
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from align.demo.corpus import combinations
from align.demo.grammar import answer, question
from align.demo.owners import DEMO, in_some_register
from align.demo.simulated_judge import SimulatedJudge
from align.demo.simulated_owner import SimulatedOwner
from align.errors import UserError
from align.judging.protocol import ORDERS, Comparison, OwnerContext, Question
from align.store.verdicts import Verdict
from tests.judging.questions import OWNER, context

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "demo" / "simulated.json"
TOLD = OwnerContext(OWNER, ())


@cache
def comparisons() -> list[Comparison]:
    rng = random.Random(3)
    found = []
    for n in range(300):
        topic, kind = rng.choice(combinations())
        asked = {"role": "user", "content": question(topic, kind, rng)}
        a, b = (answer(topic, kind, in_some_register(DEMO.voice, rng), rng) for _ in "ab")
        found.append(Comparison(f"pair {n}", f"prompt {n}", (asked,), a, b))
    return found


@cache
def owner_says() -> list[str]:
    owner, rng = SimulatedOwner.load(SHIPPED), random.Random(4)
    return [
        owner.choose(each.messages[-1]["content"], each.text_a, each.text_b, rng)
        for each in comparisons()
    ]


async def collect(judge: SimulatedJudge, questions: list[Question]) -> list[Verdict]:
    return [each async for each in judge.answers(questions)]


@cache
def answers() -> list[Verdict]:
    asked = [Question(each, order, TOLD) for each in comparisons() for order in ORDERS]
    return asyncio.run(collect(SimulatedJudge.load(SHIPPED), asked))


def test_one_answer_agrees_with_the_owner_three_times_in_four_and_two_alike_more_often() -> None:
    single, both = [], []
    said = [each.judgement for each in answers()]
    for at, chosen in enumerate(owner_says()):
        if chosen not in ("left", "right"):
            continue
        owners = "a" if chosen == "left" else "b"
        one, other = said[2 * at], said[2 * at + 1]
        single += [each.winner == owners for each in (one, other) if each.winner != "tie"]
        if one.winner == other.winner != "tie":
            both.append(one.winner == owners)
    assert 0.70 < sum(single) / len(single) < 0.85
    assert 0.83 < sum(both) / len(both) < 0.95
    assert 0.5 < len(both) / len(said) * 2 < 0.8, "often enough it contradicts itself"


def test_it_is_right_more_often_where_it_is_certain() -> None:
    right: dict[str, list[bool]] = {"low": [], "high": []}
    for each, chosen in zip(answers()[::2], owner_says(), strict=True):
        if each.judgement.certainty in right and chosen in ("left", "right"):
            right[each.judgement.certainty].append(
                each.judgement.winner == {"left": "a", "right": "b"}[chosen]
            )
    share = {name: sum(found) / len(found) for name, found in right.items()}
    assert share["high"] > share["low"] + 0.15


def test_both_orders_are_heard_apart() -> None:
    said = [each.judgement.winner for each in answers()]
    assert any(one != other for one, other in zip(said[::2], said[1::2], strict=True))


def test_asked_the_same_again_it_says_the_same_whatever_is_asked_beside() -> None:
    asked = [Question(each, order, TOLD) for each in comparisons()[20:30] for order in ORDERS]
    again = asyncio.run(collect(SimulatedJudge.load(SHIPPED), asked[::-1]))
    assert [each.judgement for each in again[::-1]] == [each.judgement for each in answers()[40:60]]


def test_a_question_is_named_by_its_words_and_order_only() -> None:
    judge = SimulatedJudge.load(SHIPPED)
    one = Question(comparisons()[0], "ab", TOLD)
    others = [
        replace(one, order="ba"),
        replace(one, comparison=replace(one.comparison, text_a="Else.")),
        replace(one, comparison=comparisons()[1]),
    ]
    assert len({judge.request_id(each) for each in (one, *others)}) == 4
    moved = replace(one, comparison=replace(one.comparison, pair_id="x"), context=context())
    assert judge.request_id(moved) == judge.request_id(one)


def test_another_noise_is_another_judge() -> None:
    one, other = SimulatedJudge.load(SHIPPED), SimulatedJudge.load(SHIPPED, noise=3.0)
    assert one.prompt_hash != other.prompt_hash and one.model != other.model
    asked = Question(comparisons()[0], "ab", TOLD)
    assert one.request_id(asked) != other.request_id(asked)


def test_its_answers_cost_nothing() -> None:
    assert {each.cost for each in answers()} == {0.0}


def test_an_owner_who_is_no_demo_has_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only a demo owner"):
        SimulatedJudge.load(tmp_path / "simulated.json")
    (tmp_path / "simulated.json").write_text("{}")
    with pytest.raises(UserError, match="not a simulated owner's file"):
        SimulatedJudge.load(tmp_path / "simulated.json")
