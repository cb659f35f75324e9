import sqlite3
from pathlib import Path

import pytest

from align.choices.verdicts import Judgement
from align.store import schema
from align.store.connection import connect, in_memory
from align.store.verdicts import (
    PASSING,
    BothWays,
    Counts,
    Instrument,
    add_verdicts,
    both_ways,
    counts,
    judged_pairs,
    newest_answered,
    verdicts_of_requests,
)
from tests.store.rows import both_ways_verdicts, iter_verdicts, verdict

CLAUDE = ("claude", "m", "h")
LATER = "2026-02-01T00:00:00.000000Z"


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def test_the_newest_answer_to_a_question_is_found_by_its_request(conn: sqlite3.Connection) -> None:
    first = verdict("p", request="r1")
    again = verdict("p", winner="b", request="r1", repeat=1)
    # A repeat is newer by its number, whatever the clock said.
    set_back = verdict("p", winner="tie", request="r1", time="2026-03-01T00:00:00.000000Z")
    other = verdict("q", request="r2")
    add_verdicts(conn, [again, set_back, first, other, verdict("s")])
    assert verdicts_of_requests(conn, ["r1", "r2", "r3", ""]) == {"r1": again, "r2": other}


def test_many_more_requests_are_looked_up_than_one_query_takes(conn: sqlite3.Connection) -> None:
    add_verdicts(conn, (verdict(f"p{n}", request=f"r{n}") for n in range(1201)))
    found = verdicts_of_requests(conn, (f"r{n}" for n in range(1300)))
    assert len(found) == 1201
    assert found["r1200"].pair_id == "p1200"


@pytest.mark.parametrize("problem", PASSING)
def test_what_failed_for_a_passing_reason_is_not_on_file(
    conn: sqlite3.Connection, problem: str
) -> None:
    failed = verdict("p", "ba", None, request="r", problem=problem, certainty=None, time=LATER)
    add_verdicts(conn, [verdict("p", "ab"), failed])
    assert verdicts_of_requests(conn, ["r"]) == {}
    assert not judged_pairs(conn, *CLAUDE)
    assert list(both_ways(conn, Instrument(*CLAUDE, "", ""))) == [
        BothWays("p", Judgement("a", "high"), None, verdict("p", "ab").time)
    ]
    # It is kept all the same, and beats no earlier answer.
    assert failed in list(iter_verdicts(conn))
    answered = verdict("p", "ba", "b", request="r")
    add_verdicts(conn, [answered])
    assert verdicts_of_requests(conn, ["r"]) == {"r": answered}
    assert set().union(*judged_pairs(conn, *CLAUDE).values()) == {"p"}


def test_a_refusal_is_on_file_and_is_no_winner(conn: sqlite3.Connection) -> None:
    refused = verdict("p", "ba", None, request="r", problem="refused", certainty=None)
    add_verdicts(conn, [verdict("p", "ab"), refused])
    assert verdicts_of_requests(conn, ["r"]) == {"r": refused}
    assert set().union(*judged_pairs(conn, *CLAUDE).values()) == {"p"}
    [(_, ab, ba, _)] = both_ways(conn, Instrument(*CLAUDE, "", ""))
    assert (ab, ba) == (Judgement("a", "high"), Judgement(None, None, "refused"))


def test_pairs_are_judged_once_both_orders_are_on_file_and_by_that_judge_only(
    conn: sqlite3.Connection,
) -> None:
    add_verdicts(conn, both_ways_verdicts("p"))
    add_verdicts(conn, [verdict("q", "ab"), verdict("q", "ab", time=LATER)])
    add_verdicts(conn, both_ways_verdicts("r", model="other"))
    add_verdicts(conn, both_ways_verdicts("s", prompt_hash="other"))
    assert set().union(*judged_pairs(conn, *CLAUDE).values()) == {"p"}


def test_of_several_answers_the_newest_counts_and_pairs_come_in_order(
    conn: sqlite3.Connection,
) -> None:
    add_verdicts(conn, [*both_ways_verdicts("q", "b"), *both_ways_verdicts("p", "a")])
    add_verdicts(conn, both_ways_verdicts("p", "b", time=LATER))
    assert [
        (pair, ab and ab.winner) for pair, ab, _, _ in both_ways(conn, Instrument(*CLAUDE, "", ""))
    ] == [
        ("p", "b"),
        ("q", "b"),
    ]


def test_counts_tell_answers_pairs_and_verdicts_apart(conn: sqlite3.Connection) -> None:
    add_verdicts(conn, [*both_ways_verdicts("agreed"), *both_ways_verdicts("tied", "tie")])
    add_verdicts(conn, [verdict("swapped", "ab", "a"), verdict("swapped", "ba", "b")])
    add_verdicts(conn, [verdict("half", "ab", "a")])
    refused = verdict("refused", "ba", None, problem="refused")
    add_verdicts(conn, [verdict("refused", "ab", "a"), refused])
    add_verdicts(conn, both_ways_verdicts("agreed", judge="local"))
    assert counts(conn) == {CLAUDE: Counts(9, 5, 1), ("local", "m", "h"): Counts(2, 1, 1)}


def test_an_answer_that_the_store_cannot_hold_is_no_silent_loss(conn: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add_verdicts(conn, [verdict("p"), verdict("q", winner="neither")])  # type: ignore[arg-type]
    assert list(iter_verdicts(conn)) == []
    assert add_verdicts(conn, [verdict("p"), verdict("p")]) == (1, 1)


def test_an_older_stores_verdicts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    old = sqlite3.connect(path, isolation_level=None)
    schema.migrate(old, path, schema.shipped_migrations()[:3])
    old.execute(
        "INSERT INTO verdicts VALUES ('v', 'p', 'local', 'm', 'ab', 'h', 0, NULL, NULL, NULL, 't')"
    )
    old.close()
    [found] = iter_verdicts(connect(path))
    assert (found.id, found.request, found.problem) == ("v", "", None)
    assert found.judgement == Judgement(None, None, "malformed")


def test_answers_of_two_briefings_or_models_are_no_verdict_together(
    conn: sqlite3.Connection,
) -> None:
    add_verdicts(conn, [verdict("p", "ab", briefing="x"), verdict("p", "ba", briefing="y")])
    add_verdicts(conn, [verdict("q", "ab", answered="x"), verdict("q", "ba", answered="y")])
    add_verdicts(conn, both_ways_verdicts("r", briefing="x", answered="y"))
    assert judged_pairs(conn, *CLAUDE) == {Instrument(*CLAUDE, "x", "y"): {"r"}}
    (both,) = both_ways(conn, Instrument(*CLAUDE, "x", "y"))
    assert (both.pair_id, both.ab and both.ab.winner, both.ba and both.ba.winner) == ("r", "a", "a")


def test_what_another_model_answered_is_not_on_file(conn: sqlite3.Connection) -> None:
    by_other = verdict("p", "ab", request="r", answered="other")
    unknown = verdict("q", "ab", request="s")
    add_verdicts(conn, [by_other, unknown])
    assert newest_answered(conn, *CLAUDE[:2]) == "other"
    assert set(verdicts_of_requests(conn, ["r", "s"], "mine")) == {"s"}
    assert set(verdicts_of_requests(conn, ["r", "s"], "other")) == {"r", "s"}
