"""What `align status` says of how the owner answers, and of the arena."""

import sqlite3
from typing import Any

import pytest

from align.status import lines, next_command, overview
from align.store.batches import batch_ended, batch_sent, plan_batch
from align.store.connection import in_memory
from align.store.gates import add_gate
from align.store.verdicts import add_verdicts
from tests.store.rows import add_pair, append_event, both_ways_verdicts, gate, verdict


@pytest.fixture
def conn(root: object) -> sqlite3.Connection:
    return in_memory()


def choose(conn: sqlite3.Connection, pair: str, outcome: str, **more: Any) -> list[Any]:
    payload = {"outcome": outcome, "left": "a", "ms": 3000, **more}
    kind = "repeat" if "of" in more else "choice"
    event = append_event(conn, kind=kind, actor="owner", pair_id=pair, payload=payload)  # type: ignore[arg-type]
    return [event.device, event.counter]


def said(conn: sqlite3.Connection, word: str) -> list[str]:
    return [each.strip() for each in lines(overview("ann", conn)) if each.startswith(f"  {word}")]


def test_status_tells_how_the_owner_answers(conn: sqlite3.Connection) -> None:
    pairs = [add_pair(conn, f"{n}?") for n in range(4)]
    of = choose(conn, pairs[0], "a")
    choose(conn, pairs[1], "both")
    choose(conn, pairs[2], "neither")
    choose(conn, pairs[3], "b", ms=5000)
    append_event(conn, kind="skip", actor="owner", pair_id=pairs[3], payload={"ms": 1000})
    choose(conn, pairs[0], "a", of=of)
    assert said(conn, "answers") == ["answers: 25% both, 25% neither, 20% skipped"]
    # Two with a winner in 3 + 3 + 3 + 5 + 1 + 3 seconds.
    assert said(conn, "pace") == ["pace: 3.0 s in the middle; 6.7 with a winner a minute"]
    assert said(conn, "self") == ["self-agreement: 100% (21% to 100%), 1 asked again"]


def test_status_says_nothing_of_what_is_not_known(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn)
    for word in ("answers", "pace", "self", "arena"):
        assert said(conn, word) == []
    append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": "a"})
    assert said(conn, "answers") == ["answers: 0% both, 0% neither, 0% skipped"]
    assert said(conn, "pace") == said(conn, "self") == []


def test_simulated_choices_are_no_answers_of_the_owner(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn)
    payload = {"outcome": "both", "ms": 1, "left": "a"}
    append_event(conn, kind="choice", actor="simulated", pair_id=pair, payload=payload)
    assert said(conn, "answers") == said(conn, "pace") == []


def test_the_arena_is_told_apart_and_is_no_choice_to_train_on(
    conn: sqlite3.Connection, root: Any
) -> None:
    (root / "checkpoints" / "ann" / "001-sft").mkdir(parents=True)
    (root / "checkpoints" / "ann" / "002-dpo").mkdir()
    add_pair(conn, "Not yet?")
    for at, outcome in enumerate("bbba"):
        twins = ("001-sft", "002-dpo")
        pair = add_pair(conn, f"{at}?", ("x", "y"), twins, "arena", split="evaluation")
        choose(conn, pair, outcome)
    found = overview("ann", conn)
    assert found.decisive == 0
    assert next_command(found)[1] == "pairs, but no choices yet"
    assert said(conn, "answers") == []
    assert said(conn, "arena") == [
        "arena: 002-dpo over 001-sft 75% (30% to 95%), 4 prompts; about 12 more would settle it"
    ]


def test_status_tells_of_a_batch_left_behind_and_how_it_is_cancelled(
    conn: sqlite3.Connection,
) -> None:
    options = {"host": "api.anthropic.com", "model": "claude-haiku-5-5", "purpose": "judge"}
    plan = plan_batch(conn, **options, requests=["a" * 32] * 238, planned="2026-11-30T20:11:00Z")
    shown = lines(overview("ann", conn))
    told = "238 requests to claude-haiku-5-5, 2026-11-30T20:11 UTC"
    assert f"batch        being sent: {told}" in shown
    batch_sent(conn, plan.id, "msgbatch_01")
    shown = lines(overview("ann", conn))
    assert f"batch        msgbatch_01: {told}" in shown
    assert any("align judge --owner ann --cancel-batches" in line for line in shown)
    batch_ended(conn, plan.id)
    assert not any("atch" in line for line in lines(overview("ann", conn)))


def test_status_tells_whether_a_judges_verdicts_count(conn: sqlite3.Connection) -> None:
    assert not any("verdicts" in line for line in lines(overview("ann", conn)))
    add_verdicts(conn, [*both_ways_verdicts("p"), *both_ways_verdicts("q"), verdict("r")])
    assert said(conn, "claude") == ["claude m: 2 verdicts on 3 pairs, not measured yet"]
    add_gate(conn, gate(weight=0.42))
    assert said(conn, "claude") == [
        "claude m: 2 verdicts on 3 pairs, gate open, weight 0.42, agrees with the owner in 78% "
        "(71% to 84%)"
    ]
    unknown = {"accuracy": None, "interval": None}
    add_gate(conn, gate(is_open=False, report=unknown, time="2026-02-01T00:00:00.000000Z"))
    add_gate(conn, gate(is_open=False, judge="local", model="tiny"))
    assert said(conn, "claude") == ["claude m: 2 verdicts on 3 pairs, gate shut"]
    assert said(conn, "local") == [
        "local tiny: 0 verdicts on 0 pairs, gate shut, agrees with the owner in 78% (71% to 84%)"
    ]
    assert "verdicts     2" in lines(overview("ann", conn))
    add_verdicts(conn, both_ways_verdicts("p", prompt_hash="0123456789abcdef"))
    assert [line.split(":")[0] for line in said(conn, "claude")] == [
        "claude m (01234567)",
        "claude m (h)",
    ]
