"""The arena: who won, how sure that is, and what would settle it."""

import sqlite3
from itertools import count

import pytest

from align.choices.arena import contests
from align.statistics import wilson
from align.store.choices import arena_choices
from align.store.connection import in_memory
from align.store.events import Event
from tests.store.rows import add_pair, append_event

TWINS = ("001-sft", "002-dpo")
numbers = count()


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def answered(
    conn: sqlite3.Connection,
    outcome: str,
    *,
    between: tuple[str, str] = TWINS,
    text: str | None = None,
    **more: str,
) -> Event:
    at = next(numbers)
    values = {"purpose": "arena", "split": "evaluation", "actor": "owner"} | more
    actor = values.pop("actor")
    pair = add_pair(conn, text or f"{at}?", (f"x{at}", f"y{at}"), between, **values)  # type: ignore[arg-type]
    rewritten = outcome == "rewrite"
    payload = {"text": "Mine."} if rewritten else {"outcome": outcome}
    kind = "rewrite" if rewritten else "choice"
    return append_event(conn, kind=kind, actor=actor, pair_id=pair, payload=payload)  # type: ignore[arg-type]


def test_the_newer_twin_is_held_against_the_older_whichever_is_a(conn: sqlite3.Connection) -> None:
    for outcome in ("b", "b", "b", "a", "both", "neither", "rewrite"):
        answered(conn, outcome)
    answered(conn, "a", between=TWINS[::-1])
    (contest,) = contests(arena_choices(conn))
    assert (contest.first, contest.second) == ("002-dpo", "001-sft")
    assert (contest.wins, contest.ties, contest.losses) == (4, 3, 1)
    assert contest.rate == pytest.approx(5.5 / 8)
    assert contest.interval == wilson(5.5, 8)


def test_numbers_are_ordered_as_numbers_and_the_base_is_oldest(conn: sqlite3.Connection) -> None:
    answered(conn, "a", between=("base", "1000-dpo"))
    answered(conn, "a", between=("1000-dpo", "999-sft"))
    answered(conn, "b", between=("002-dpo", "001-sft"))
    assert [(c.first, c.second, c.wins) for c in contests(arena_choices(conn))] == [
        ("1000-dpo", "999-sft", 1),
        ("1000-dpo", "base", 0),
        ("002-dpo", "001-sft", 0),
    ]


def test_only_what_the_owner_said_in_the_arena_counts(conn: sqlite3.Connection) -> None:
    answered(conn, "a", purpose="train")
    answered(conn, "a", actor="simulated")
    answered(conn, "a", actor="imported")
    taken_back = answered(conn, "a")
    undone = {"target": [taken_back.device, taken_back.counter]}
    append_event(conn, kind="undo", actor="owner", payload=undone)
    assert contests(arena_choices(conn)) == []


def test_two_answers_to_one_prompt_are_one_case(conn: sqlite3.Connection) -> None:
    for outcome in ("b", "a"):
        answered(conn, outcome, text="Asked twice?")
    answered(conn, "b")
    (contest,) = contests(arena_choices(conn))
    assert (contest.wins, contest.losses) == (2, 1)
    assert contest.rate == pytest.approx(0.75)
    assert contest.interval == wilson(1.5, 2)


def test_it_says_how_many_more_prompts_would_settle_it(conn: sqlite3.Connection) -> None:
    for outcome in ("b", "b", "b", "a"):
        answered(conn, outcome)
    (contest,) = contests(arena_choices(conn))
    # At 75 %: 4 * 1.96² = 15.4, so sixteen in all.
    assert contest.to_settle == 12
    for _ in range(2):
        answered(conn, "a")
    assert contests(arena_choices(conn))[0].to_settle is None
    assert contests(arena_choices(conn))[0].words().endswith("; even so far")
