"""`align judge` against a provider that fails, refuses and costs money; through the command."""

import math
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from align.choices.verdicts import Judgement, verdict_of
from align.owner import load_owner
from align.preferences.choice_rows import build_preferences
from align.store.gates import iter_gates
from tests.anthropic_server import Server, serve
from tests.anthropic_server.faults import (
    IN_BATCHES,
    IN_HTTP,
    LOST_REPLY,
    Fault,
    error,
    page,
    random_faults,
    shortened,
)
from tests.commands.line import Line
from tests.e2e import judged_owner as judged
from tests.e2e.judged_owner import JUDGE, KEY, MODEL, OWNER, Built, GoingTo, build, ear

WAYS = {"online": "--no-batch", "batches": "--batch"}
BOTH_WAYS = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
# The bytes of a reply that was written and billed, and never came: nobody says what it cost.
LOST = ("lost reply", "cut")


class Counted:
    """A script of faults that counts those it draws."""

    def __init__(self, rate: float, seed: int, *kinds: Any) -> None:
        self._draw = random_faults(rate, seed, *kinds)
        self.drawn: Counter[str] = Counter()

    def __call__(self, number: int, said: Any) -> Fault | None:
        fault = self._draw(number, said)
        if fault is not None:
            self.drawn[fault.name] += 1
        return fault


# --- every pair once, every attempt in the egress log, every cent ---------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("waiting", [80, pytest.param(1_000, marks=pytest.mark.slow)])
def test_with_a_third_of_all_failing_each_pair_is_judged_once_or_counted(
    root: Path, align: Line, going_to: GoingTo, waiting: int, way: str
):
    built = build(root, waiting=waiting, choices=40)
    faults = Counted(0.3, 3)
    failing: dict[str, Any] = {
        "faults": faults,
        "entry_faults": random_faults(0.3, 5, IN_BATCHES),
        "http_faults": random_faults(0.3, 7, IN_HTTP),
        # The calibration's batch is made, and nobody hears of it.
        "batch_faults": [LOST_REPLY],
    }
    with serve(answer=ear(), **failing) as server:
        going_to(server)
        told = align(*JUDGE, way)
        assert sum(server.seen.faults.values()) > server.attempts() / 10
        assert_each_asked_once(built)
        assert_told(told, built)
        assert_all_in_the_egress_log(server, faults.drawn)
        again = [row for row in judged.verdicts() if row["problem"] in judged.PASSING]

        server.behaviour.faults = server.behaviour.entry_faults = server.behaviour.http_faults = (
            None
        )
        paid = len(server.seen.billed)
        align(*JUDGE, way)
        assert len(server.seen.billed) - paid == len(again)
        every = judged.places(judged.counting(judged.verdicts()))
        assert every == Counter(every.keys())
        assert len(every) == 2 * len(built.chosen + built.waiting)
        assert_all_in_the_egress_log(server, faults.drawn)


def assert_each_asked_once(built: Built) -> None:
    rows = judged.verdicts()
    wanted = {(pair, order) for pair in built.chosen + built.waiting for order in ("ab", "ba")}
    # One row a question, whatever became of it: a winner, or the kind of problem.
    assert judged.places(rows) == Counter(wanted)
    assert all((row["winner"] is None) == (row["problem"] is not None) for row in rows)
    requests = Counter(row["request"] for row in judged.counting(rows))
    assert max(requests.values()) == 1


def assert_told(told: str, built: Built) -> None:
    """What is printed is what is on file."""
    said: dict[str, dict[str, Judgement]] = {}
    for row in judged.verdicts():
        one = Judgement(row["winner"], row["certainty"], row["problem"])
        said.setdefault(row["pair_id"], {})[row["order"]] = one
    found = [verdict_of(said[pair]["ab"], said[pair]["ba"]) for pair in built.waiting]
    named = sum(each.winner is not None for each in found)
    assert f"{named:,} of {len(built.waiting):,} pairs have a verdict" in told
    assert named > 0.7 * len(found)
    problems = Counter(
        one.problem for pair in built.waiting for one in said[pair].values() if one.problem
    )
    (line,) = re.findall(r"([\d,]+) answers without use: (.*)", told)
    assert line[0] == f"{problems.total():,}"
    assert line[1] == ", ".join(f"{n:,} {kind}" for kind, n in sorted(problems.items()))


def assert_all_in_the_egress_log(server: Server, drawn: Counter[str]) -> None:
    attempts = judged.lines("attempt")
    assert len(attempts) == server.attempts()
    assert not any(line.get("unfinished") or line.get("underway") for line in attempts)
    assert Counter(line["sha256"] for line in attempts) == Counter(
        judged.hashed(received.body) for received in server.received
    )
    billed = Counter(round(cost, 9) for cost in judged.bills(server, "standard"))
    known = Counter(round(cost, 9) for cost in judged.costs("attempt"))
    assert not known - billed
    assert (billed - known).total() == sum(drawn[name] for name in LOST)
    settled = math.fsum(judged.costs("settled"))
    assert math.isclose(settled, math.fsum(judged.bills(server, "batch")), abs_tol=1e-9)
    of_verdicts = math.fsum(row["cost"] or 0.0 for row in judged.verdicts())
    assert math.isclose(of_verdicts, settled + math.fsum(judged.costs("attempt")), abs_tol=1e-9)


# --- money ----------------------------------------------------------------------------------------


@BOTH_WAYS
def test_a_budget_is_never_passed_and_more_of_it_goes_on(
    root: Path, align: Line, going_to: GoingTo, way: str
):
    built = build(root, waiting=60, choices=40)
    failing = {"faults": random_faults(0.3, 11), "entry_faults": random_faults(0.3, 13, IN_BATCHES)}
    # As in the price file: a stand-in that caches more costs less than was said.
    with serve(answer=ear(0.9), cache_minimum=4096, **failing) as server:
        going_to(server)
        align(*JUDGE, way, "--budget-usd", 0.008, code=2, one_line=False)
        assert 0 < spent(server) <= 0.008
        missing = 80 - len(judged.verdicts())
        stopped = align.err.splitlines()[-1]
        assert f"{missing} of 80 answers missing to measure the judge" in stopped
        assert missing == unsent(align.err)

        before, more = spent(server), 0.03 if way == "--no-batch" else 0.018
        align(*JUDGE, way, "--budget-usd", more)
        assert before < spent(server) <= before + more
        of_pairs = [row for row in judged.verdicts() if row["pair_id"] in built.waiting]
        left = 2 * len(built.waiting) - len(of_pairs)
        assert 0 < left < 120
        assert f"The budget left {left} requests unasked" in align.err
        assert left == unsent(align.err)

        align(*JUDGE, way)
        assert "unasked" not in align.err
        every = judged.places(judged.verdicts())
        assert len(every) == 2 * len(built.waiting + built.chosen)


@BOTH_WAYS
def test_a_budget_of_nothing_sends_nothing(root: Path, align: Line, going_to: GoingTo, way: str):
    build(root, waiting=5, choices=20)
    with serve() as server:
        going_to(server)
        align(*JUDGE, way, "--budget-usd", 0, code=2, one_line=False)
        assert "40 of 40 answers missing" in align.err
        assert server.attempts() == 0


def unsent(told: str) -> int:
    """Return how many requests the lines of progress say were not sent."""
    return sum(map(int, re.findall(r"used up: (\d+) requests were not sent", told)))


def spent(server: Server) -> float:
    return math.fsum(judged.bills(server))


# --- the gate -------------------------------------------------------------------------------------


@BOTH_WAYS
def test_a_judge_that_guesses_stops_after_its_calibration(
    root: Path, align: Line, going_to: GoingTo, way: str
):
    built = build(root, waiting=60, choices=30)
    with serve() as server:
        going_to(server)
        out = align(*JUDGE, way)
        assert "shut" in out
        assert {row["pair_id"] for row in judged.verdicts()} == set(built.chosen)
        assert len(judged.questions(server)) == 2 * len(built.chosen)
        attempts, billed = server.attempts(), len(server.seen.billed)
        history = align("judge", "--owner", OWNER, "--history")
        assert history.count("\n") == 1
        assert "\tshut" in history and MODEL in history and "30 choices" in history

        assert "shut" in align(*JUDGE, way)
        assert (server.attempts(), len(server.seen.billed)) == (attempts, billed)
        # Nothing was asked, nothing else came of it: that is no further attempt.
        assert align("judge", "--owner", OWNER, "--history") == history


def test_verdicts_of_a_judge_that_passed_become_rows_for_training(
    root: Path, align: Line, going_to: GoingTo
):
    built = build(root, waiting=60, choices=40)
    with serve(answer=ear()) as server:
        going_to(server)
        align(*JUDGE, "--no-batch")
    assert "\topen" in align("judge", "--owner", OWNER, "--history")
    with judged.store() as conn:
        rows = build_preferences(conn, load_owner(OWNER), verdicts=True)
        (gate,) = iter_gates(conn)
        by_owner = build_preferences(conn, load_owner(OWNER))
    of_judge = [row for row in rows if row.source == "judge"]
    assert {row.pair_id for row in of_judge} == set(built.waiting)
    assert {row.weight for row in of_judge} <= set(gate.report["gate"]["weights"].values())
    assert {row.gate for row in of_judge} == {gate.id}
    # The judge is right where its ear is, and wrong elsewhere: so are the rows.
    for row in of_judge:
        is_right = judged.lot("ear", *sorted((row.chosen, row.rejected))) < 0.85
        assert (judged.VOICE in row.chosen) == is_right
    assert [row for row in rows if row.source != "judge"] == by_owner
    assert {row.pair_id for row in by_owner} == set(built.chosen)


# --- what can't begin -----------------------------------------------------------------------------


def test_without_a_key_nothing_is_sent(
    root: Path, align: Line, going_to: GoingTo, monkeypatch: pytest.MonkeyPatch
):
    build(root, waiting=5, choices=20)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with serve() as server:
        going_to(server)
        align(*JUDGE, code=2, one_line=False)
        assert align.err.splitlines()[-1].startswith("no key: neither ANTHROPIC_API_KEY")
        assert server.attempts() == 0
    assert judged.lines("consent") == []


def test_without_a_terminal_nobody_has_agreed(root: Path, align: Line, going_to: GoingTo):
    build(root, waiting=5, choices=20)
    with serve() as server:
        going_to(server)
        said = [word for word in JUDGE if word != "--yes-send"]
        align(*said, code=2, one_line=False)
        assert align.err.splitlines()[-1].startswith("consent: nothing was sent")
        assert "--yes-send" in align.err.splitlines()[-1]
        assert server.attempts() == 0
        assert judged.lines("consent") == []

        align(*JUDGE, "--no-batch")
        (consent,) = judged.lines("consent")
        assert consent["how"] == "yes-send" and server.attempts() == 40
        # Once given it holds, and is not shown again.
        align(*said, "--no-batch")
        assert "would leave this machine" not in align.err


def test_a_model_without_a_price_is_asked_nothing(root: Path, align: Line, going_to: GoingTo):
    build(root, waiting=5, choices=20)
    with serve() as server:
        going_to(server)
        align(*JUDGE, "--model", "claude-haiku-5-6", code=2, one_line=False)
        assert "claude-haiku-5-6" in align.err.splitlines()[-1]
        assert MODEL in align.err.splitlines()[-1]
        assert server.attempts() == 0


@BOTH_WAYS
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (error(401, "authentication_error", text=f"Invalid API key {KEY}"), "the key: .*(401)"),
        (error(404, "not_found_error"), f"model '{MODEL}': .*404"),
    ],
    ids=["401", "404"],
)
def test_a_provider_that_does_not_take_us_ends_the_run_in_a_line(
    root: Path,
    align: Line,
    going_to: GoingTo,
    fault: Fault,
    said: str,
    way: str,
):
    build(root, waiting=5, choices=20)
    with serve(faults=lambda *_: fault, http_faults=lambda *_: fault) as server:
        going_to(server)
        align(*JUDGE, way, code=2, one_line=False)
        assert re.match(said, align.err.splitlines()[-1])
        assert KEY not in align.err + align.out
        assert server.seen.billed == []
        # The others that were under way are stopped, some before they had left.
        begun = judged.lines("attempt")
        heard = [line for line in begun if line["status"] is not None]
        assert {line["status"] for line in heard} == {fault.status}
        assert {line["error"] for line in begun if line not in heard} <= {"CancelledError"}
        assert len(heard) <= server.attempts() <= len(begun)
    assert judged.verdicts() == []
    assert align("judge", "--owner", OWNER, "--history") == ""


def test_a_model_that_no_batch_knows_ends_the_run_and_is_no_attempt(
    root: Path, align: Line, going_to: GoingTo
):
    build(root, waiting=5, choices=20)
    unknown = error(404, "not_found_error", text=f"model: {MODEL}")
    with serve(entry_faults=lambda *_: unknown) as server:
        going_to(server)
        align(*JUDGE, "--batch", code=2, one_line=False)
        assert server.seen.billed == []
    assert align("judge", "--owner", OWNER, "--history") == ""


# --- faults that pass -----------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("text", ["[1, 2, 3]", '{"content": NaN}', "[" * 100_000])
def test_a_minute_of_another_server_is_forgotten(
    root: Path, align: Line, going_to: GoingTo, way: str, text: str
):
    built = build(root, waiting=10, choices=30)
    with serve(answer=ear(), faults=lambda *_: page(text), batch_faults=[page(text)]) as server:
        going_to(server)
        if way == "--no-batch":
            align(*JUDGE, way, code=2, one_line=False)
            assert "answers in a row could not be used" in align.err.splitlines()[-1]
            assert server.attempts() <= 20 + 16
            assert judged.counting(judged.verdicts()) == []
        server.behaviour.faults = None
        align(*JUDGE, way)
        every = judged.places(judged.counting(judged.verdicts()))
        assert every == Counter(every.keys()) and len(every) == 2 * len(
            built.chosen + built.waiting
        )
    assert align("judge", "--owner", OWNER, "--history").count("\n") == 1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_short_download_of_results_is_bought_once(
    root: Path, align: Line, going_to: GoingTo, share: float
):
    built = build(root, waiting=10, choices=30)
    downloads = iter([shortened(share)] * 2)

    def fails(number: int, received: Any) -> Fault | None:
        return next(downloads, None) if received.path.endswith("/results") else None

    with serve(answer=ear(), http_faults=fails) as server:
        going_to(server)
        align(*JUDGE, "--batch")
        assert len(server.seen.billed) == 2 * len(built.chosen + built.waiting)


def test_no_word_on_the_cost_is_not_said_to_be_nothing(root: Path, align: Line, going_to: GoingTo):
    build(root, waiting=5, choices=20)
    with serve(answer=ear(), without_usage=True) as server:
        going_to(server)
        align(*JUDGE, "--no-batch")
    assert re.search(r"50 answers, \$0\.00, and up to \$0\.0\d+ that nobody stated", align.err)


def test_a_batch_left_behind_is_shown_and_cancelled(root: Path, align: Line, going_to: GoingTo):
    built = build(root, waiting=10, choices=20)
    with serve(answer=ear(), batch_seconds=None, done_when_canceled=0.5) as server:
        going_to(server)
        process = judged.judge_apart(server.url, "--batch")
        while not server.seen.routes["GET /v1/messages/batches/{id}"]:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        (line,) = re.findall(
            r"batch +msgbatch_\w+: 40 requests.*", align("status", "--owner", OWNER)
        )
        assert MODEL in line
        align("judge", "--owner", OWNER, "--cancel-batches")
        paid = len(server.seen.billed)
        assert 0 < paid < 40 and f"{paid} " not in line
        assert len(judged.counting(judged.verdicts())) == paid
        assert "msgbatch_" not in align("status", "--owner", OWNER)
        align("judge", "--owner", OWNER, "--cancel-batches")
        assert "No batch waits." in align.err
        # What was done is not bought again.
        align(*JUDGE, "--no-batch")
        assert len(server.seen.billed) == 2 * len(built.chosen + built.waiting)


def test_a_store_full_of_answers_of_no_use_is_asked_again(
    root: Path, align: Line, going_to: GoingTo
):
    built = build(root, waiting=10, choices=30)
    with serve(answer=ear()) as server:
        going_to(server)
        align(*JUDGE, "--no-batch", "--limit", 0)
        with judged.store() as conn:
            # As an earlier version left them, after a minute of another server.
            conn.execute("UPDATE verdicts SET winner = NULL, problem = 'malformed'")
        align(*JUDGE, "--no-batch")
        assert len(server.seen.billed) == 2 * len(built.chosen * 2 + built.waiting)
    assert "\topen" in align("judge", "--owner", OWNER, "--history")
