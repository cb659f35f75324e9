"""What is on file is not asked again; what is asked is kept, and counted."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from typing import Any

import pytest

from align.choices.verdicts import Judgement
from align.errors import UserError
from align.judging.calibration_set import load_calibration_set
from align.judging.eligibility import Eligibility
from align.judging.judge_answers import JudgeCounts, answered, judge_pairs, not_on_file
from align.judging.judge_plan import Material, Plan, make_plan
from align.judging.judge_prompt import JudgePrompt
from align.judging.measurement import Outcome, run
from align.judging.protocol import (
    ORDERS,
    Keep,
    OwnerContext,
    Question,
    keep_nothing,
    verdict_on,
)
from align.levels import SENDABLE
from align.owner import Owner
from align.preferences.choice_rows import build_preferences
from align.preferences.preference import side_of
from align.preferences.verdict_rows import verdict_rows
from align.recipe.recipe_keys import DEFAULTS
from align.store.connection import in_memory
from align.store.gates import GateRow, add_gate, iter_gates
from align.store.ids import content_id
from align.store.pairs import get_pairs
from align.store.verdicts import Verdict
from tests.judging.questions import comparison, context
from tests.store.rows import add_pair, append_event, gate, iter_verdicts


class Ear:
    """Takes the answer that says mate; stops where it is told to."""

    name, model, prompt_hash = "local", "ear", "hash"

    def __init__(
        self,
        stop_after: int | None = None,
        *,
        dies: bool = False,
        reads: bool = False,
        answered: str = "",
    ) -> None:
        self.asked: list[str] = []
        self._stop_after, self._dies, self._reads = stop_after, dies, reads
        self.answered = answered

    def briefing(self, context: OwnerContext) -> str:
        return context.briefing if self._reads else "none"

    def request_id(self, question: Question) -> str:
        shown = question.comparison.shown(question.order)
        return content_id(question.comparison.messages, shown, self.briefing(question.context))

    async def answers(
        self, questions: Iterable[Question], keep: Keep = keep_nothing
    ) -> AsyncGenerator[Verdict, None]:
        for question in questions:
            if len(self.asked) == self._stop_after:
                if self._dies:
                    raise KeyboardInterrupt
                return
            self.asked.append(self.request_id(question))
            winner = "a" if "mate" in question.comparison.text_a else "b"
            said = Judgement(winner, "high")  # type: ignore[arg-type]
            yield verdict_on(self, question, said, cost=0.5, answered=self.answered)


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def fill(conn: sqlite3.Connection, count: int, first: int = 0) -> list[str]:
    """Add pairs that training does not hold out."""
    made: list[str] = []
    number = first
    while len(made) < count:
        # Either is the longer one as often.
        more = " More of that another day, and of the number after it." * (number // 2 % 2)
        hers, theirs = f"Number {number}, mate.{more}", f"Certainly! The number is {number}."
        shown = (hers, theirs) if number % 2 else (theirs, hers)
        pair = add_pair(conn, f"What about {number}?", shown)
        pairs = get_pairs(conn, [pair])[pair]
        if side_of(pairs.prompt_id, DEFAULTS["dpo"]["held_out"]) == "train":
            made.append(pair)
        number += 1
    return made


class AllOpen:
    """Finds nothing, and so a judge may see what may be sent."""

    def match(self, text: str) -> object | None:
        return None

    def refresh(self) -> None:
        pass


def plan_of(conn: sqlite3.Connection, ear: Ear, **settings: Any) -> Plan:
    detector: Any = AllOpen()
    material = Material("ann", Owner(name="Ann"), JudgePrompt.read(), False, detector)
    return make_plan(conn, material, ear, examples=8, **settings)[0]


def judged(conn: sqlite3.Connection, ear: Ear, **settings: Any) -> Outcome:
    return asyncio.run(run(conn, ear, plan_of(conn, ear, **settings)))


def is_open(outcome: Outcome) -> bool:
    return bool(outcome.open_gates)


def gated(pairs: list[str]) -> dict[str, GateRow]:
    return dict.fromkeys(pairs, gate(judge=Ear.name, model=Ear.model, prompt_hash=Ear.prompt_hash))


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
                gated(pairs),
                Eligibility(None, SENDABLE),
                context(),
                JudgeCounts(),
            )
        )
    assert len(list(iter_verdicts(conn))) == 7
    later = Ear()
    judged = JudgeCounts()
    asyncio.run(
        judge_pairs(conn, later, gated(pairs), Eligibility(None, SENDABLE), context(), judged)
    )
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
    assert {place: each.judgement for place, each in judgements.items()} == {
        ("pair-2", "ba"): Judgement("b", "high")
    }
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
    assert is_open(outcome)
    assert outcome.judging.verdicts == {"high": 20}
    for pair in pairs[:40]:
        taken = next(e for e in load_calibration_set(conn, Eligibility(None, SENDABLE)).examples
                     if e.comparison.pair_id == pair)  # fmt: skip
        other = "b" if taken.winner == "a" else "a"
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": other})
    fill(conn, 10, first=1000)
    contrary = Ear()
    outcome = asyncio.run(run(conn, contrary, plan_of(conn, contrary)))
    assert not is_open(outcome)
    assert contrary.asked == [], "the same questions as before, and none of the new pairs"
    assert [row.is_open for row in iter_gates(conn)] == [True, False]


def test_half_a_measurement_is_no_attempt(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    ear = Ear(stop_after=25)
    with pytest.raises(UserError, match=r"budget-usd.* 35 of 60 answers missing"):
        asyncio.run(run(conn, ear, plan_of(conn, ear)))
    assert list(iter_gates(conn)) == []
    again = Ear()
    assert is_open(judged(conn, again))
    assert len(again.asked) == 35


def test_a_judge_that_says_nothing_is_no_attempt(conn: sqlite3.Connection) -> None:
    class Mute(Ear):
        async def answers(
            self, questions: Iterable[Question], keep: Keep = keep_nothing
        ) -> AsyncGenerator[Verdict, None]:
            for question in questions:
                yield verdict_on(self, question, Judgement(None, None, "refused"))

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
            self, questions: Iterable[Question], keep: Keep = keep_nothing
        ) -> AsyncGenerator[Verdict, None]:
            async for answer in super().answers(questions):
                lost = len(self.asked) <= 5
                yield replace(answer, winner=None, problem="errored") if lost else answer

    choose_hers(conn, fill(conn, 30))
    deaf = Deaf()
    with pytest.raises(UserError, match="5 of 60 answers were lost on the way"):
        asyncio.run(run(conn, deaf, plan_of(conn, deaf)))
    assert list(iter_gates(conn)) == []
    again = Ear()
    assert is_open(judged(conn, again))
    assert len(again.asked) == 5


def test_the_same_measurement_twice_is_one_attempt(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    for _ in range(2):
        ear = Ear()
        asyncio.run(run(conn, ear, plan_of(conn, ear)))
    assert len(list(iter_gates(conn))) == 1


def test_pairs_of_the_newest_twin_come_first_and_those_of_no_use_never(
    conn: sqlite3.Connection,
) -> None:
    old = fill(conn, 23)
    answers = ("Newer, mate.", "Certainly! Newer.")
    newer = [add_pair(conn, f"Newer {n}?", answers, checkpoint="002-dpo") for n in range(70)]
    add_pair(conn, "Private?", answers, level="train-only")
    add_pair(conn, "Measured?", answers, split="evaluation")
    choose_hers(conn, old[:20])
    choose_hers(conn, newer[:30])
    plan = plan_of(conn, Ear())
    found = [pair.pair_id for pair in plan.pairs]
    held_out = DEFAULTS["dpo"]["held_out"]
    views = get_pairs(conn, newer[30:])
    kept = {pair for pair, view in views.items() if side_of(view.prompt_id, held_out) == "train"}
    assert 0 < len(kept) < 40
    assert set(found[: len(kept)]) == kept
    assert set(found[len(kept) :]) == set(old[20:])
    assert plan.left_out["of prompts that training holds out"] == 40 - len(kept) + 1
    limited = plan_of(conn, Ear(), limit=5).pairs
    assert [pair.pair_id for pair in limited] == found[:5]


def test_a_checkpoint_s_pairs_wait_until_enough_of_them_are_chosen_of(
    conn: sqlite3.Connection,
) -> None:
    choose_hers(conn, fill(conn, 30))
    answers = ("Newer, mate.", "Certainly! Newer.")
    newer = [add_pair(conn, f"Newer {n}?", answers, checkpoint="002-dpo") for n in range(40)]
    choose_hers(conn, newer[:10])
    plan = plan_of(conn, Ear())
    assert len(plan.measured) == 1
    assert plan.pairs == []
    assert any("fewer than 20 choices" in reason for reason in plan.left_out)


def test_each_checkpoint_has_a_gate_of_its_own(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    # Of the newer one's pairs she likes the ones without the word.
    answers = ("Certainly! Newer.", "Newer, mate.")
    newer = [add_pair(conn, f"Newer {n}?", answers, checkpoint="002-dpo") for n in range(60)]
    for pair, view in get_pairs(conn, newer[:30]).items():
        outcome = "b" if "mate" in view.text_a else "a"
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": outcome})
    later = fill(conn, 5, first=1000)
    outcome = judged(conn, Ear())
    assert sorted(gate.is_open for _, gate in outcome.measured.values()) == [False, True]
    assert outcome.judging.verdicts == {"high": 5}
    rows = build_preferences(conn, Owner(name="Ann"), verdicts=True)
    assert {row.pair_id for row in rows if row.source == "judge"} == set(later)


def test_what_was_judged_with_other_examples_keeps_its_gate_and_is_asked_again_on_demand(
    conn: sqlite3.Connection,
) -> None:
    pairs = fill(conn, 90)
    choose_hers(conn, pairs[:30])
    first = judged(conn, Ear(reads=True))
    assert first.judging.verdicts == {"high": 60}
    before = {row.pair_id: row.gate for row in verdict_rows(conn, 0.0)}
    assert len(before) == 60
    choose_hers(conn, pairs[30:50])
    # She thinks otherwise of what was an example.
    example = load_calibration_set(conn, Eligibility(None, SENDABLE)).examples[0]
    other = {"outcome": "b" if example.winner == "a" else "a"}
    append_event(
        conn, kind="choice", actor="owner", pair_id=example.comparison.pair_id, payload=other
    )
    later = Ear(reads=True)
    outcome = judged(conn, later)
    (gate,) = outcome.open_gates.values()
    assert gate.briefing != next(iter(first.open_gates.values())).briefing
    assert later.asked
    assert outcome.judging.answers == 0, "measured anew; nothing that was judged is asked again"
    now = {row.pair_id: row.gate for row in verdict_rows(conn, 0.0)}
    assert now == {pair: of for pair, of in before.items() if pair in now}, "each by its own gate"
    plan = plan_of(conn, later)
    assert (len(plan.pairs), len(plan.earlier)) == (0, 40)
    assert judged(conn, later, again=True).judging.verdicts == {"high": 40}
    assert {row.gate for row in verdict_rows(conn, 0.0)} <= {gate.id, *before.values()}
    assert plan_of(conn, later).earlier == []


def test_what_counts_by_no_open_gate_waits_again(conn: sqlite3.Connection) -> None:
    pairs = fill(conn, 60)
    choose_hers(conn, pairs[:30])
    (opened,) = judged(conn, Ear(answered="ear-1"), limit=10).open_gates.values()
    with pytest.raises(UserError, match="ear-2 answers"):
        judged(conn, Ear(answered="ear-2"))
    assert len(plan_of(conn, Ear(answered="ear-2")).earlier) == 10
    add_gate(conn, replace(opened, is_open=False, weight=0.0, time="2999-01-01T00:00Z", id=""))
    plan = plan_of(conn, Ear(answered="ear-2"))
    assert (len(plan.pairs), plan.earlier) == (30, [])


def test_an_alias_that_moves_is_another_judge(conn: sqlite3.Connection) -> None:
    pairs = fill(conn, 60)
    choose_hers(conn, pairs[:30])
    assert is_open(judged(conn, Ear(answered="ear-1"), limit=10))
    with pytest.raises(UserError, match="ear-2 answers where ear-1 did"):
        judged(conn, Ear(answered="ear-2"))
    # What it judged as the other one counts with that one's gate, and no verdict of the new one's.
    assert len(list(verdict_rows(conn, 0.0))) == 10
    again = Ear(answered="ear-2")
    outcome = judged(conn, again)
    assert [gate.answered for gate in outcome.open_gates.values()] == ["ear-2"]
    assert outcome.judging.verdicts == {"high": 20}
    assert len(list(verdict_rows(conn, 0.0))) == 30


def test_half_of_a_measurement_by_another_model_is_measured_anew(conn: sqlite3.Connection) -> None:
    choose_hers(conn, fill(conn, 30))
    with pytest.raises(UserError, match="answers missing"):
        judged(conn, Ear(25, answered="ear-1"))
    with pytest.raises(UserError, match="ear-2 answers where ear-1 did"):
        judged(conn, Ear(answered="ear-2"))
    again = Ear(answered="ear-2")
    assert is_open(judged(conn, again))
    assert len(again.asked) == 25


def test_the_owner_is_asked_again_on_the_pairs_that_measure(conn: sqlite3.Connection) -> None:
    pairs = fill(conn, 40)
    choose_hers(conn, pairs[:30])
    rewritten = pairs[30]
    append_event(
        conn, kind="rewrite", actor="owner", pair_id=rewritten, payload={"text": "Mine, mate."}
    )
    payload = {"asked_again": {"first": "a", "again": "a"}}
    for pair in (pairs[0], pairs[1]):
        append_event(conn, kind="note", actor="simulated", pair_id=pair, payload=payload)
    append_event(conn, kind="note", actor="simulated", pair_id=rewritten, payload=payload)
    ((calibration, _),) = judged(conn, Ear()).measured.values()
    assert calibration.self_agreement is not None
    assert calibration.self_agreement.cases == 2


def test_answers_from_before_briefings_were_written_down_are_not_paid_for_again(
    conn: sqlite3.Connection,
) -> None:
    pairs = fill(conn, 60)
    choose_hers(conn, pairs[:30])
    judged(conn, Ear(reads=True))
    conn.execute("UPDATE verdicts SET briefing = ''")
    again = Ear(reads=True)
    outcome = judged(conn, again)
    assert again.asked == []
    assert is_open(outcome)
    assert len(list(verdict_rows(conn, 0.0))) == 30
