"""What a request is called, and what is made of a reply."""

import json
from dataclasses import replace
from typing import Any

import pytest

from align.claude.prices import Usage, price_of
from align.claude.replies import PROBLEMS, RETRIED, Reply, read_reply
from align.claude.requests import ask, size_of
from align.store.verdicts import PASSING
from tests.claude.rig import MODEL, SCHEMA, request, winner

pytestmark = pytest.mark.usefixtures("root")


def test_the_same_question_has_the_same_name() -> None:
    first, second = (ask(MODEL, "shared", "asked", SCHEMA, max_tokens=200) for _ in range(2))
    assert first.id == second.id and len(first.id) == 32
    assert set(first.id) <= set("0123456789abcdef")


def test_whether_a_part_is_cached_and_whose_pair_it_is_name_nothing() -> None:
    names = {request(cached=cached, about=at).id for cached in (True, False) for at in ((), "x")}
    assert len(names) == 1
    assert request().is_cached and not request(cached=False).is_cached


@pytest.mark.parametrize(
    "changes",
    [{"model": "claude-opus-5-5"}, {"shared": "other"}, {"text": "other"}, {"max_tokens": 201}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_all_that_decides_the_answer_is_in_the_name(changes: dict[str, Any]) -> None:
    assert request(**changes).id != request().id


def test_a_body_is_what_a_message_request_takes() -> None:
    body = request().body()
    assert set(body) == {"model", "max_tokens", "system", "messages", "output_config"}
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert request().body(times=2)["max_tokens"] == 400
    assert request().params["max_tokens"] == 200


def test_a_half_of_a_character_is_sent_as_one_that_exists() -> None:
    odd = ask(MODEL, "a\ud800b", "\udfff", SCHEMA, max_tokens=5)
    assert json.loads(json.dumps(odd.params, ensure_ascii=False).encode())
    assert size_of(odd.params) > 100


def message(**changes: Any) -> dict[str, Any]:
    text = json.dumps({"notes": "so", "winner": "A"})
    return {
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
        **changes,
    }


def read(said: Any, *, batch: bool = False) -> Reply:
    return read_reply(request(), said, winner, price=price_of(MODEL), batch=batch)


def test_a_reply_is_read_and_priced() -> None:
    assert (read(message()).value, read(message()).problem) == ("A", None)
    assert read(message()).cost == pytest.approx((1000 * 0.10 + 100 * 0.50) / 1e6)
    assert read(message(), batch=True).cost == pytest.approx((1000 * 0.10 + 100 * 0.50) / 2e6)


def test_thoughts_come_before_the_text_and_are_no_text() -> None:
    thought = {"type": "thinking", "thinking": '{"notes": "", "winner": "B"}', "signature": "x"}
    assert read(message(content=[thought, *message()["content"]])).value == "A"
    assert read(message(content=[thought])).problem == "no text"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stop_reason": "refusal"}, "refused"),
        ({"stop_reason": "max_tokens"}, "truncated"),
        ({"stop_reason": "model_context_window_exceeded"}, "truncated"),
        ({"content": []}, "no text"),
        ({"content": [{"type": "text", "text": " \n"}]}, "no text"),
        ({"content": [{"type": "text", "text": None}]}, "no text"),
        ({"content": [{"type": "text", "text": "A"}]}, "malformed"),
        ({"content": [{"type": "text", "text": "[]"}]}, "malformed"),
    ],
)
def test_what_is_wrong_is_named_even_where_the_text_reads_well(
    changes: dict[str, Any], problem: str
) -> None:
    reply = read(message(**changes))
    assert (reply.value, reply.problem) == (None, problem)
    assert reply.cost is not None and problem in PROBLEMS


def test_a_reply_without_usage_has_no_cost_rather_than_none_at_all() -> None:
    reply = read(message(usage=None))
    assert (reply.value, reply.usage, reply.cost) == ("A", None, None)


def test_askings_add_up() -> None:
    bad = Reply(request(), None, "malformed", Usage(10, 1), 0.5)
    lost = Reply(request(), None, "errored")
    good = Reply(request(), "A", None, Usage(10, 2), 0.25)
    assert good.after(bad.after(lost)) == Reply(request(), "A", None, Usage(20, 3), 0.75, 3)
    assert lost.after(bad) == Reply(request(), None, "errored", Usage(10, 1), 0.5, 2)
    assert lost.after(lost).cost is None


def test_only_what_chance_or_room_may_mend_is_asked_again() -> None:
    assert set(PROBLEMS) - RETRIED == {"refused", "blocked"}


@pytest.mark.parametrize("named", ["gpt-4", "claude-haiku-5-5-20261103"])
def test_a_reply_says_which_model_answered(named: str) -> None:
    assert read(message(model=named)).model == named
    assert read(message(model=named, content=[])).model == named
    lost = Reply(request(), None, "errored")
    assert read(message(model=named)).after(lost).model == named


@pytest.mark.parametrize("odd", [None, "", 7, ["gpt-4"]])
def test_a_reply_that_names_no_model_names_none(odd: Any) -> None:
    assert read(message(model=odd)).model is None


@pytest.mark.parametrize(
    "value",
    [None, "<html>", 7, [1, 2, 3], {}, {"content": float("nan")}, {"error": {"type": "x"}},
     {"content": None, "stop_reason": "end_turn"}, {"content": [], "stop_reason": None}],
)  # fmt: skip
def test_what_is_no_message_says_nothing_of_the_model(value: Any) -> None:
    reply = read(value)
    assert (reply.problem, reply.cost) == ("errored", None)
    assert reply.problem in PASSING


@pytest.mark.parametrize("text", ["[" * 100_000, '{"notes": ' * 100_000, "1" * 10_000])
def test_a_text_that_no_parser_takes_is_malformed(text: str) -> None:
    assert read(message(content=[{"type": "text", "text": text}])).problem == "malformed"


@pytest.mark.parametrize(
    "usage", [7, [], "x", {"input_tokens": True, "output_tokens": 1}, {"input_tokens": -1},
              {"input_tokens": 1e9, "output_tokens": 1}]
)  # fmt: skip
def test_odd_figures_are_none(usage: Any) -> None:
    assert read(message(usage=usage)).cost is None
    odd = {"input_tokens": 1, "output_tokens": 1, "cache_creation": usage}
    assert read(message(usage=odd)).cost is not None


def test_what_a_run_would_have_tried_again_is_no_answer() -> None:
    lost = [replace(Reply(request(), None, problem), cost=0.5).in_passing() for problem in PROBLEMS]
    assert {reply.problem for reply in lost} == {"errored", "refused", "blocked"}
    assert {reply.cost for reply in lost} == {0.5}
    assert Reply(request(), "A", None).in_passing() == Reply(request(), "A", None)
