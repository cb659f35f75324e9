"""What is on file is not asked again; what is asked is kept, and counted."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterable

import pytest

from align.choices.verdicts import Judgement
from align.errors import UserError
from align.judging.calibration_set import load_calibration_set
from align.judging.eligibility import Eligibility
from align.judging.judge_answers import JudgeCounts, answered, judge_pairs, not_on_file
from align.judging.judge_plan import Plan, waiting_pairs
from align.judging.measurement import run
from align.judging.protocol import ORDERS, Answer, KeepAnswers, Question, keep_nothing
from align.levels import SENDABLE
from align.preferences.preference import side_of
from align.recipe.recipe_keys import DEFAULTS
from align.store.connection import in_memory
from align.store.gates import iter_gates
from align.store.ids import content_id
from align.store.pairs import get_pairs
from tests.judging.questions import OWNER, comparison, context
from tests.store.rows import add_pair, append_event, iter_verdicts


class Ear:
    """Takes the answer that says mate; stops where it is told to."""

    name, model, prompt_hash = "local", "ear", "hash"

    def __init__(self, stop_after: int | None = None, *, dies: bool = False) -> None:
        self.asked: list[str] = []
        self._stop_after, self._dies = stop_after, dies

    def request_id(self, question: Question) -> str:
        shown = question.comparison.shown(question.order)
        return content_id(question.comparison.messages, shown)

    async def answers(
        self, questions: Iterable[Question], keep: KeepAnswers = keep_nothing
    ) -> AsyncGenerator[Answer, None]:
        for question in questions:
            if len(self.asked) == self._stop_after:
                if self._dies:
                    raise KeyboardInterrupt
                return
            self.asked.append(self.request_id(question))
            winner = "a" if "mate" in question.comparison.text_a else "b"
            yield Answer(question, Judgement(winner, "high"), cost=0.5)  # type: ignore[arg-type]


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def fill(conn: sqlite3.Connection, count: int, first: int = 0) -> list[str]:
    """Add pairs that training does not hold out."""
    made: list[str] = []
    number = first
    while len(made) < count:
        hers, theirs = f"Number {number}, mate.", f"Certainly! The number is {number}."
        shown = (hers, theirs) if number % 2 else (theirs, hers)
        pair = add_pair(conn, f"What about {number}?", shown)
        pairs = get_pairs(conn, [pair])[pair]
        if side_of(pairs.prompt_id, DEFAULTS["dpo"]["held_out"]) == "train":
            made.append(pair)
        number += 1
    return made


def plan_of(conn: sqlite3.Connection, ear: Ear) -> Plan:
    choices = load_calibration_set(conn, Eligibility(None, SENDABLE))
    return Plan(
        choices, choices.contexts(OWNER, 8), choices.measured(), waiting_pairs(conn, ear, SENDABLE),
        Eligibility(None, SENDABLE),
    )  # fmt: skip


def choose_hers(conn: sqlite3.Connection, pairs: list[str]) -> None:
    for id, pair in get_pairs(conn, pairs).items():
        outcome = "a" if "mate" in pair.text_a else "b"
        append_event(conn, kind="choice", actor="owner", pair_id=id, payload={"outcome": outcome})


def test_what_is_on_file_is_not_asked_again(conn: sqlite3.Connection) -> None:
    questions = [Question(comparison(n, "Tea, mate."), order, context()) for n in range(3)
                 for order in ORDERS]  # fmt: skip
    first, second = Ear(), Ear()
    asyncio.run(answered(conn, first, questions[:4], JudgeCounts(), "Asking"))
    judged = JudgeCounts()
    judgements = asyncio.run(answered(conn, second, questions, judged, "Asking"))
    assert (len(first.asked), len(second.asked)) == (4, 2)
    assert len(judgements) == 6
    assert {one.winner for one in judgements.values()} == {"a"}
    assert (judged.answers, judged.cost) == (2, 1.0)


def test_a_stopped_judge_loses_nothing_that_was_answered(conn: sqlite3.Connection) -> None:
    pairs = fill(conn, 5)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(
            judge_pairs(
                conn,
                Ear(7, dies=True),
                pairs,
                Eligibility(None, SENDABLE),
                context(),
                JudgeCounts(),
            )
        )
    assert len(list(iter_verdicts(conn))) == 7
    later = Ear()
    judged = JudgeCounts()
    asyncio.run(judge_pairs(conn, later, pairs, Eligibility(None, SENDABLE), context(), judged))
    assert len(later.asked) == 3
    assert judged.verdicts == {"high": 5}, "what was known counts with what came"


def test_pairs_of_the_same_words_are_asked_once_and_both_have_the_verdict(
    conn: sqlite3.Connection,
) -> None:
    one = Question(comparison(1, "Tea, mate.", "Tea!", asked="Tea?"), "ab", context())
    turned = Question(comparison(2, "Tea!", "Tea, mate.", asked="Tea?"), "ba", context())
    ear = Ear()
    assert ear.request_id(one) == ear.request_id(turned)
    asyncio.run(answered(conn, ear, [one], JudgeCounts(), "Asking"))
    pending, judgements = not_on_file(conn, ear, [turned])
    assert pending == []
    assert judgements == {("pair-2", "ba"): Judgement("b", "high")}
    assert {(v.pair_id, v.order, v.winner, v.cost) for v in iter_verdicts(conn)} == {
        ("pair-1", "ab", "a", 0.5),
        ("pair-2", "ba", "b", 0.0),
    }


def test_a_judge_that_agrees_judges_the_rest_and_one_that_does_not_stops_there(
    conn: sqlite3.Connection,
) -> None:
    pairs = fill(conn, 60)
    choose_hers(conn, pairs[:40])
    ear = Ear()
    outcome = asyncio.run(run(conn, ear, plan_of(conn, ear)))
    assert outcome.gate.is_open
    assert outcome.judging.verdicts == {"high": 20}
    for pair in pairs[:40]:
        taken = next(e for e in load_calibration_set(conn, Eligibility(None, SENDABLE)).examples
                     if e.comparison.pair_id == pair)  # fmt: skip
        other = "b" if taken.winner == "a" else "a"
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": other})
    fill(conn, 10, first=1000)
    contrary = Ear()
    outcome = asyncio.run(run(conn, contrary, plan_of(conn, contrary)))
    assert not outcome.gate.is_open
    assert contrary.asked == [], "the same questions as before, and none of the new pairs"
    assert [row.is_open for row in iter_gates(conn)] == [True, False]


def test_half_a_measurement_is_no_attempt(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    ear = Ear(stop_after=25)
    with pytest.raises(UserError, match=r"budget-usd.* 35 of 60 answers missing"):
        asyncio.run(run(conn, ear, plan_of(conn, ear)))
    assert list(iter_gates(conn)) == []
    again = Ear()
    assert asyncio.run(run(conn, again, plan_of(conn, again))).gate.is_open
    assert len(again.asked) == 35


def test_a_judge_that_says_nothing_is_no_attempt(conn: sqlite3.Connection) -> None:
    class Mute(Ear):
        async def answers(
            self, questions: Iterable[Question], keep: KeepAnswers = keep_nothing
        ) -> AsyncGenerator[Answer, None]:
            for question in questions:
                yield Answer(question, Judgement(None, None, "refused"), cost=0.0)

    choose_hers(conn, fill(conn, 30))
    mute = Mute()
    with pytest.raises(UserError, match="no answer could be used: 60 refused"):
        asyncio.run(run(conn, mute, plan_of(conn, mute)))
    assert list(iter_gates(conn)) == []


def test_answers_lost_on_the_way_are_asked_for_before_anything_is_measured(
    conn: sqlite3.Connection,
) -> None:
    class Deaf(Ear):
        async def answers(
            self, questions: Iterable[Question], keep: KeepAnswers = keep_nothing
        ) -> AsyncGenerator[Answer, None]:
            async for answer in super().answers(questions):
                lost = len(self.asked) <= 5
                yield Answer(answer.question, Judgement(None, None, "errored")) if lost else answer

    choose_hers(conn, fill(conn, 30))
    deaf = Deaf()
    with pytest.raises(UserError, match="5 of 60 answers were lost on the way"):
        asyncio.run(run(conn, deaf, plan_of(conn, deaf)))
    assert list(iter_gates(conn)) == []
    again = Ear()
    assert asyncio.run(run(conn, again, plan_of(conn, again))).gate.is_open
    assert len(again.asked) == 5


def test_the_same_measurement_twice_is_one_attempt(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    for _ in range(2):
        ear = Ear()
        outcome = asyncio.run(run(conn, ear, plan_of(conn, ear)))
    assert outcome.attempts == 1


def test_pairs_of_the_newest_twin_come_first_and_those_of_no_use_never(
    conn: sqlite3.Connection,
) -> None:
    old = fill(conn, 3)
    answers = ("Newer, mate.", "Certainly! Newer.")
    newer = [add_pair(conn, f"Newer {n}?", answers, checkpoint="002-dpo") for n in range(40)]
    add_pair(conn, "Private?", answers, level="train-only")
    add_pair(conn, "Measured?", answers, split="evaluation")
    choose_hers(conn, old[:1])
    found = waiting_pairs(conn, Ear(), SENDABLE)
    held_out = DEFAULTS["dpo"]["held_out"]
    views = get_pairs(conn, newer)
    kept = {pair for pair in newer if side_of(views[pair].prompt_id, held_out) == "train"}
    assert 0 < len(kept) < 40
    assert set(found[: len(kept)]) == kept
    assert set(found[len(kept) :]) == set(old[1:])
    assert waiting_pairs(conn, Ear(), SENDABLE, limit=5) == found[:5]
