"""Claude is asked over real HTTP; what it says is turned into the pair's own terms or counted."""

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from align.claude.budget import Budget
from align.claude.channel import Channel, Poll
from align.claude.client import calling, open_client
from align.claude.prices import price_of
from align.claude.provider import Key, host_of
from align.judging.claude import ClaudeJudge
from align.judging.judge_answers import JudgeCounts, collect, kept, not_on_file
from align.judging.judge_prompt import JudgePrompt
from align.judging.protocol import ORDERS, Comparison, Question
from align.privacy.consent import Consent
from align.privacy.egress import EgressGate
from align.privacy.egress_log import EgressLog
from align.store.batches import batch_sent, open_batches, plan_batch
from align.store.connection import in_memory
from align.store.verdicts import Verdict, verdicts_of_requests
from tests.anthropic_server import Server, question_of, serve
from tests.anthropic_server import faults as fault
from tests.judging.questions import OWNER, comparison, context

MODEL = "claude-haiku-5-5"
TOLD = context(4)


class Closed:
    """One word is private."""

    def match(self, text: str) -> object | None:
        return "a secret" if "xyzzy" in text else None

    def refresh(self) -> None:
        pass


def prefers_tea(params: dict[str, Any]) -> dict[str, str]:
    """Say which answer speaks of tea: a judge whom no order confuses."""
    shown = re.search(r"<answer_a>\n(.*?)\n</answer_a>", question_of(params), re.DOTALL)
    assert shown is not None
    winner = "A" if "tea" in shown[1].lower() else "B"
    return {"notes_a": "", "notes_b": "", "winner": winner, "certainty": "medium"}


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


@pytest.fixture
def prompt(root: Path) -> JudgePrompt:
    return JudgePrompt.read()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(answer=prefers_tea) as running:
        yield running


def pairs(count: int, start: int = 0) -> list[Comparison]:
    return [
        comparison(n, f"Tea it is, {n} cups.", f"Oh, I love coffee {n}.")
        for n in range(start, start + count)
    ]


def both_ways(comparisons: Iterable[Comparison]) -> list[Question]:
    return [Question(each, order, TOLD) for each in comparisons for order in ORDERS]


@asynccontextmanager
async def judge_at(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, **changes: Any
) -> AsyncIterator[ClaudeJudge]:
    price, host = price_of(MODEL), host_of(server.url)
    budget = changes.pop("budget", None) or Budget()
    with EgressLog("ann") as egress_log:
        gate = EgressGate(
            Closed(), Consent(host, "judge", "t"), egress_log, host=host, purpose="judge"
        )
        async with open_client(
            gate, key=Key("k"), base_url=server.url, price=price, budget=budget
        ) as client:
            channel = Channel(conn, client, price, budget, concurrency=4, poll=Poll(0.02, 0.1))
            yield ClaudeJudge(MODEL, prompt, OWNER, channel=channel, **changes)


def ask(
    server: Server,
    conn: sqlite3.Connection,
    prompt: JudgePrompt,
    questions: Sequence[Question],
    **changes: Any,
) -> list[Verdict]:
    async def collected() -> list[Verdict]:
        async with judge_at(server, conn, prompt, **changes) as judge:
            return [each async for each in judge.answers(iter(questions))]

    return asyncio.run(collected())


def sent(server: Server, route: str = "POST /v1/messages") -> int:
    return server.seen.routes[route]


def test_both_orders_of_a_pair_name_the_same_answer(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    questions = both_ways(pairs(6))
    answers = ask(server, conn, prompt, questions)
    assert len(answers) == len(questions) == sent(server)
    assert {each.judgement for each in answers} == {("a", "medium", None)}
    assert Counter(each.order for each in answers) == {"ab": 6, "ba": 6}
    assert all(each.cost and each.cost > 0 for each in answers)


def test_a_neither_is_a_tie_and_order_turns_no_tie(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    server.behaviour.answer = lambda params: {**prefers_tea(params), "winner": "neither"}
    assert {each.judgement.winner for each in ask(server, conn, prompt, both_ways(pairs(2)))} == {
        "tie"
    }


def test_the_shared_part_is_the_same_in_all_requests_and_cached(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    ask(server, conn, prompt, both_ways(pairs(3)))
    bodies = [json.loads(body) for body in server.bodies()]
    fronts = {json.dumps(body["system"]) for body in bodies}
    assert len(fronts) == 1
    (block,) = bodies[0]["system"]
    assert block["text"] == prompt.shared(TOLD)
    assert block["cache_control"]["type"] == "ephemeral"
    assert len({body["messages"][0]["content"] for body in bodies}) == 6
    assert bodies[0]["output_config"]["format"]["type"] == "json_schema"


def test_nothing_but_the_prompt_and_the_words_of_pairs_is_sent(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    ask(server, conn, prompt, both_ways(pairs(1)))
    body = json.loads(server.bodies()[0])
    assert set(body) == {"model", "max_tokens", "system", "messages", "output_config"}
    assert "pair-0" not in json.dumps(body)


@pytest.mark.parametrize(
    ("kind", "problem", "asked"),
    [
        (fault.REFUSAL, "refused", 1),
        (fault.LATE_REFUSAL, "refused", 1),
        (fault.TRUNCATED, "truncated", 3),
        (fault.WRONG_JSON, "malformed", 3),
        (fault.WRONG_KEYS, "malformed", 3),
        (fault.NO_TEXT, "no text", 3),
    ],
)
def test_what_can_not_be_read_is_counted_by_kind_and_never_guessed(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, kind: Any, problem: str,
    asked: int,
) -> None:  # fmt: skip
    server.behaviour.faults = lambda n, params: kind
    (answers,) = ask(server, conn, prompt, both_ways(pairs(1))[:1])
    assert answers.judgement == (None, None, problem)
    assert asked == sent(server)
    assert answers.cost is not None and answers.cost > 0, "it was paid all the same"


def test_a_thought_before_the_text_harms_nothing(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    server.behaviour.faults = lambda n, params: fault.THINKING_FIRST
    (answers,) = ask(server, conn, prompt, both_ways(pairs(1))[:1])
    assert answers.judgement == ("a", "medium", None)


def test_a_pair_that_the_gate_stops_stops_no_other(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    closed = comparison(9, "xyzzy")
    answers = ask(server, conn, prompt, both_ways([*pairs(2), closed]))
    problems = Counter(each.judgement.problem for each in answers)
    assert problems == {None: 4, "blocked": 2}
    assert {each.cost for each in answers if each.judgement.problem} == {0.0}
    assert not any(b"xyzzy" in body for body in server.bodies())


def test_two_pairs_of_the_same_words_are_paid_once_and_answered_twice(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    (one,) = pairs(1)
    copy = replace(one, pair_id="another-pair")
    answers = ask(server, conn, prompt, [Question(one, "ab", TOLD), Question(copy, "ab", TOLD)])
    assert sent(server) == 1
    assert {each.pair_id for each in answers} == {one.pair_id, copy.pair_id}
    assert len({each.judgement for each in answers}) == 1
    assert sorted(each.cost == 0.0 for each in answers) == [False, True]


def test_a_request_is_named_by_all_that_decides_its_answer(prompt: JudgePrompt) -> None:
    judge = ClaudeJudge(MODEL, prompt, OWNER)
    one = Question(comparison(1), "ab", TOLD)
    others = [
        replace(one, order="ba"),
        replace(one, context=context(3)),
        replace(one, comparison=comparison(1, text_b="Something else.")),
    ]
    ids = {judge.request_id(each) for each in (one, *others)}
    ids.add(ClaudeJudge("claude-opus-5-5", prompt, OWNER).request_id(one))
    assert len(ids) == 5
    moved = replace(one, comparison=replace(one.comparison, pair_id="elsewhere"))
    assert judge.request_id(moved) == judge.request_id(one) == judge.request(one).id


def test_the_hash_goes_with_the_prompt_and_not_with_the_model(prompt: JudgePrompt) -> None:
    hashes = {ClaudeJudge(model, prompt, OWNER).prompt_hash for model in (MODEL, "claude-opus-5-5")}
    assert hashes == {prompt.hash_for(OWNER, 12)}


def test_what_was_used_adds_up(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    async def used() -> tuple[Any, list[Verdict]]:
        async with judge_at(server, conn, prompt) as judge:
            answers = [each async for each in judge.answers(both_ways(pairs(4)))]
            return judge.usage, answers

    usage, answers = asyncio.run(used())
    assert usage.output_tokens == sum(b.usage["output_tokens"] for b in server.seen.billed)
    assert price_of(MODEL).cost(usage, batch=False) == pytest.approx(
        sum(each.cost or 0.0 for each in answers)
    )


def test_what_the_budget_leaves_out_has_no_answer(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    budget = Budget(0.002)
    answers = ask(server, conn, prompt, both_ways(pairs(40)), budget=budget)
    assert 0 < len(answers) < 80
    assert sum(each.cost or 0.0 for each in answers) <= 0.002


def test_who_stops_reading_leaves_nothing_running(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    async def some() -> int:
        async with (
            judge_at(server, conn, prompt) as judge,
            aclosing(judge.answers(both_ways(pairs(50)))) as answers,
        ):
            await anext(answers)
        return len(asyncio.all_tasks())

    assert asyncio.run(some()) == 1
    assert sent(server) < 30


def test_what_saves_cents_goes_one_by_one_and_what_saves_dollars_in_batches(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = both_ways(pairs(120))
    assert len(ask(server, conn, prompt, questions)) == 240 == sent(server)
    assert sent(server, "POST /v1/messages/batches") == 0
    # As if the model were a thousand times as dear.
    monkeypatch.setattr("align.claude.estimates.WORTH_A_DAY", 0.001)
    answers = ask(server, in_memory(), prompt, questions)
    assert {each.judgement for each in answers} == {("a", "medium", None)}
    assert len(answers) == sent(server) == 240
    assert sent(server, "POST /v1/messages/batches") == 1


@pytest.mark.parametrize(("batch", "route"), [(True, "POST /v1/messages/batches"),
                                              (False, "POST /v1/messages")])  # fmt: skip
def test_who_says_which_way_gets_it(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, batch: bool, route: str
) -> None:
    count = 2 if batch else 40
    ask(server, conn, prompt, both_ways(pairs(count // 2)), batch=batch)
    ways = ("POST /v1/messages/batches", "POST /v1/messages")
    assert [way for way in ways if sent(server, way)] == [route]


def test_a_batch_costs_half(server: Server, conn: sqlite3.Connection, prompt: JudgePrompt) -> None:
    server.behaviour.batch_hits = 0.0
    (single,) = ask(server, conn, prompt, both_ways(pairs(1))[:1])
    (batched,) = ask(server, in_memory(), prompt, both_ways(pairs(1))[:1], batch=True)
    assert single.cost is not None
    assert batched.cost == pytest.approx(single.cost / 2, rel=0.2)


@pytest.mark.parametrize("batch", [False, True])
def test_what_a_killed_runs_batch_brings_is_kept_and_not_sent_again(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, batch: bool
) -> None:
    """A run that asks of fewer pairs, or of others, meets the batch of all others."""
    earlier, new = both_ways(pairs(3)), both_ways(pairs(2, start=10))
    planned = sent_and_killed(server, conn, prompt, earlier)

    async def take_up_and_judge() -> tuple[JudgeCounts, list[Verdict]]:
        async with judge_at(server, conn, prompt, batch=batch) as judge:
            left = await collect(conn, judge)
            pending, _ = not_on_file(conn, judge, [*earlier[:2], *new])
            return left, [each async for each in kept(conn, judge, pending, JudgeCounts(), "", 4)]

    left, answers = asyncio.run(take_up_and_judge())
    assert (left.answers, len(answers)) == (6, 4)
    assert left.cost > 0
    assert sent(server) == (0 if batch else 4)
    assert sent(server, "POST /v1/messages/batches") == (2 if batch else 1)
    assert planned not in {each.id for each in open_batches(conn)}
    judge = ClaudeJudge(MODEL, prompt, OWNER)
    on_file = verdicts_of_requests(conn, [judge.request_id(each) for each in earlier])
    rows = {(each.pair_id, each.order, each.winner) for each in on_file.values()}
    assert rows == {(each.comparison.pair_id, each.order, "a") for each in earlier}
    assert {each.prompt_hash for each in on_file.values()} == {judge.prompt_hash}


def test_what_a_batch_said_is_kept_before_it_is_done_with(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt
) -> None:
    under_way: list[int] = []

    async def judged() -> list[Verdict]:
        async with judge_at(server, conn, prompt, batch=True) as judge:
            answers = judge.answers(
                both_ways(pairs(3)), lambda untaken=(): under_way.append(len(open_batches(conn)))
            )
            return [each async for each in answers]

    assert len(asyncio.run(judged())) == 6
    assert under_way == [1]
    assert open_batches(conn) == []


def sent_and_killed(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, questions: list[Question]
) -> str:
    """Send a batch and note it, as a run does that is killed then."""
    judge = ClaudeJudge(MODEL, prompt, OWNER)
    requests = [judge.request(each) for each in questions]

    async def create() -> Any:
        async with judge_at(server, conn, prompt) as other:
            assert other._channel is not None
            with calling():
                return await other._channel.client.messages.batches.create(
                    requests=[{"custom_id": r.id, "params": r.body()} for r in requests]
                )

    planned = plan_batch(
        conn, host=host_of(server.url), model=MODEL, purpose="judge",
        requests=[each.id for each in requests], notes=[each.note for each in requests],
    )  # fmt: skip
    batch_sent(conn, planned.id, asyncio.run(create()).id)
    return planned.id


@pytest.mark.parametrize("batch", [False, True])
def test_an_answer_says_which_model_gave_it(
    server: Server, conn: sqlite3.Connection, prompt: JudgePrompt, batch: bool
) -> None:
    answers = ask(server, conn, prompt, both_ways(pairs(2)), batch=batch)
    assert {each.model for each in answers} == {MODEL}
