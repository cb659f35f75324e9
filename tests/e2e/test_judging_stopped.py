"""`align judge`, killed or stopped in the middle: the same command goes on, and pays once."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align.store.events import append_events
from tests.anthropic_server import Received, Server, question_of, serve
from tests.commands.line import Line
from tests.e2e import judged_owner as judged
from tests.e2e.judged_owner import JUDGE, OWNER, Built, GoingTo, build, chose, ear

BATCHES = "/v1/messages/batches"
# Requests under way at once, where nothing is said.
CONCURRENCY = 16


class Listener:
    """An ear that remembers what it was paid for, by what it was told and asked."""

    def __init__(self) -> None:
        self._hear = ear(0.9)
        self.paid: Counter[tuple[str, str]] = Counter()

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        self.paid[params["system"][0]["text"], question_of(params)] += 1
        return self._hear(params)

    @property
    def twice(self) -> set[str]:
        """The questions that were paid more than once."""
        return {question for (_, question), times in self.paid.items() if times > 1}

    @property
    def questions(self) -> Counter[str]:
        """How often each question was paid, whatever else was told with it."""
        paid = Counter[str]()
        for (_, question), times in self.paid.items():
            paid[question] += times
        return paid


class Stopper:
    """Sends a signal to a process when the n-th request of a kind arrives."""

    def __init__(self, kind: Callable[[Received], bool], nth: int, sent: signal.Signals) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.sent_at = 0.0
        self._kind, self._left, self._signal = kind, nth, sent

    def __call__(self, received: Received) -> None:
        if self.process is not None and self._kind(received):
            self._left -= 1
            if self._left == 0:
                self.sent_at = time.monotonic()
                os.kill(self.process.pid, self._signal)


def is_message(received: Received) -> bool:
    return received.path == "/v1/messages"


def makes_batch(received: Received) -> bool:
    return (received.method, received.path) == ("POST", BATCHES)


def asks_after_batch(received: Received) -> bool:
    return received.method == "GET" and received.path.count("/") == 4


def takes_results(received: Received) -> bool:
    return received.path.endswith("/results")


def stopped(server: Server, stopper: Stopper, *words: object) -> tuple[int, str, str]:
    """Run the command until it is stopped; return its exit code and what it said."""
    process = judged.judge_apart(server.url, *words)
    # Nothing arrives before it has imported what it needs.
    stopper.process, server.behaviour.watch = process, stopper
    out, err = process.communicate(timeout=60)
    server.behaviour.watch = None
    while server.seen.in_flight:
        time.sleep(0.01)
    return process.returncode, out, err


def measured(align: Line, built: Built, server: Server) -> None:
    """Have the judge measured, so that the next run begins with the pairs that wait."""
    align(*JUDGE, "--no-batch", "--limit", 0)
    assert "open" in align("judge", "--owner", OWNER, "--history")
    assert {row["pair_id"] for row in judged.verdicts()} == set(built.chosen)
    assert len(judged.questions(server)) == 2 * len(built.chosen)


def assert_all_judged(built: Built) -> None:
    every = judged.places(judged.counting(judged.verdicts()))
    wanted = {(pair, order) for pair in built.chosen + built.waiting for order in ("ab", "ba")}
    assert every == Counter(wanted)


def assert_whole() -> None:
    with judged.store() as conn:
        assert [row[0] for row in conn.execute("PRAGMA integrity_check")] == ["ok"]
    assert judged.lines("damaged") == []


def pairs_of_unfinished() -> set[str]:
    begun = judged.lines("attempt")
    return {id for line in begun if line.get("unfinished") for id in line["ids"]}


def pairs_asked(questions: set[str]) -> set[str]:
    """Return the pairs that questions show."""
    with judged.store() as conn:
        rows = conn.execute("SELECT id, text_a FROM known_pairs").fetchall()
    return {row["id"] for row in rows for text in questions if row["text_a"] in text}


# --- killed ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_killed_online_goes_on_and_what_was_under_way_stands_as_unfinished(
    root: Path, align: Line, going_to: GoingTo
):
    built, listener = build(root, waiting=80, choices=25), Listener()
    with serve(answer=listener, latency=0.05) as server:
        measured(align, built, going_to(server))
        kill = Stopper(is_message, 100, signal.SIGKILL)
        code, _, err = stopped(server, kill, "--no-batch", "--concurrency", 4)
        assert code == -signal.SIGKILL and "Traceback" not in err

        begun = judged.lines("attempt")
        unfinished = sum(bool(line.get("unfinished")) for line in begun)
        assert 1 <= unfinished <= 4
        assert f"their process is gone: {unfinished};" in align("egress", "--owner", OWNER)
        on_file, before = judged.verdicts(), len(listener.paid)
        assert len(on_file) > 50

        align(*JUDGE, "--no-batch")
        assert_all_judged(built)
        assert_whole()
        # Nothing that was on file was asked again.
        assert len(listener.twice) <= before - len(on_file) + 4
        assert max(listener.paid.values()) <= 2
        after = judged.lines("attempt")
        assert sum(bool(line.get("unfinished")) for line in after) == unfinished
        ended = [line for line in after if not line.get("unfinished")]
        assert len(ended) <= server.attempts() <= len(after)


@pytest.mark.slow
def test_a_run_killed_online_pays_again_only_for_what_was_under_way(
    root: Path, align: Line, going_to: GoingTo
):
    built, listener = build(root, waiting=40, choices=25), Listener()
    with serve(answer=listener, latency=0.02) as server:
        measured(align, built, going_to(server))
        kill = Stopper(is_message, 20, signal.SIGKILL)
        stopped(server, kill, "--no-batch", "--concurrency", 2)
        under_way = pairs_of_unfinished()
        assert len(under_way) <= 2
        align(*JUDGE, "--no-batch")
        assert_all_judged(built)
    assert pairs_asked(listener.twice) <= under_way


WAITS = pytest.param(asks_after_batch, 1, id="it waits", marks=pytest.mark.slow)
SENT = pytest.param(makes_batch, 1, id="it is sent")
COLLECTED = pytest.param(takes_results, 1, id="it is collected", marks=pytest.mark.slow)


@pytest.mark.parametrize(("kind", "nth"), [WAITS, SENT, COLLECTED])
def test_a_batch_that_a_killed_run_left_is_paid_once(
    root: Path, align: Line, going_to: GoingTo, kind: Callable[[Received], bool], nth: int
):
    built, listener = build(root, waiting=40, choices=25), Listener()
    with serve(answer=listener) as server:
        measured(align, built, going_to(server))
        server.behaviour.batch_seconds = 0.0 if kind is takes_results else None
        kill = Stopper(kind, nth, signal.SIGKILL)
        code, _, err = stopped(server, kill, "--batch")
        assert code == -signal.SIGKILL and "Traceback" not in err
        assert judged.places(judged.verdicts()).keys() == measured_places(built)

        server.finish_batches()
        align(*JUDGE, "--batch")
        assert_all_judged(built)
        assert_whole()
        assert set(listener.paid.values()) == {1}
        assert server.seen.routes[f"POST {BATCHES}"] == 1
        (settled,) = judged.lines("settled")
        assert settled["requests"] == 2 * len(built.waiting)
        assert settled["cost"] == pytest.approx(sum(judged.bills(server, "batch")))


@pytest.mark.slow
def test_a_calibration_in_a_batch_that_was_killed_is_paid_once(
    root: Path, align: Line, going_to: GoingTo
):
    built, listener = build(root, waiting=30, choices=25), Listener()
    with serve(answer=listener, batch_seconds=None) as server:
        going_to(server)
        stopped(server, Stopper(asks_after_batch, 1, signal.SIGKILL), "--batch")
        assert judged.verdicts() == []
        server.finish_batches()
        server.behaviour.batch_seconds = 0.0
        # Whether the next run would send batches itself makes no difference.
        align(*JUDGE, "--no-batch")
        assert_all_judged(built)
        assert set(listener.paid.values()) == {1}
        assert align("judge", "--owner", OWNER, "--history").count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("choices", [66, 25])
def test_what_a_killed_run_paid_for_is_kept_though_nobody_asks_it_now(
    root: Path, align: Line, going_to: GoingTo, choices: int
):
    built, listener = build(root, waiting=60, choices=choices), Listener()
    with serve(answer=listener, batch_seconds=None) as server:
        measured(align, built, going_to(server))
        stopped(server, Stopper(asks_after_batch, 1, signal.SIGKILL), "--batch")
        # The owner goes on labelling meanwhile: of these no judge is asked any more.
        with judged.store() as conn:
            append_events(conn, [chose(pair, "a") for pair in built.waiting[:10]])
        server.finish_batches()
        server.behaviour.batch_seconds = 0.0
        align(*JUDGE, "--batch")
        of_waiting = {
            question: times
            for question, times in listener.questions.items()
            if pairs_asked({question}) & set(built.waiting[10:])
        }
        assert set(of_waiting.values()) == {1}
        assert set(listener.paid.values()) == {1}
        rows = judged.places(judged.counting(judged.verdicts()))
        assert {(pair, order) for pair in built.waiting for order in ("ab", "ba")} <= rows.keys()


# --- stopped --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "kind", "nth"),
    [
        pytest.param("--no-batch", is_message, 40, id="online"),
        pytest.param("--batch", asks_after_batch, 1, id="batches"),
    ],
)
@pytest.mark.slow
def test_ctrl_c_leaves_all_whole_and_the_same_command_goes_on(
    root: Path,
    align: Line,
    going_to: GoingTo,
    way: str,
    kind: Callable[[Received], bool],
    nth: int,
):
    built, listener = build(root, waiting=40, choices=25), Listener()
    with serve(answer=listener, latency=0.02) as server:
        measured(align, built, going_to(server))
        server.behaviour.batch_seconds = None
        stop = Stopper(kind, nth, signal.SIGINT)
        code, out, err = stopped(server, stop, way)
        assert (code, out) == (130, "")
        assert time.monotonic() - stop.sent_at < 15.0
        assert err.splitlines()[-1] == "Stopped. The same command goes on from here."
        assert "Traceback" not in err and "Error" not in err
        assert_whole()
        begun = judged.lines("attempt")
        assert not any(line.get("unfinished") or line.get("underway") for line in begun)
        under_way = pairs_broken_off()

        server.finish_batches()
        align(*JUDGE, way)
        assert_all_judged(built)
        assert len(pairs_asked(listener.twice) - under_way) <= CONCURRENCY
        assert max(listener.paid.values(), default=0) <= (1 if way == "--batch" else 2)
        assert server.seen.routes[f"POST {BATCHES}"] == (way == "--batch")


@pytest.mark.slow
def test_ctrl_c_keeps_all_that_was_answered(root: Path, align: Line, going_to: GoingTo):
    built, listener = build(root, waiting=80, choices=25), Listener()
    with serve(answer=listener, latency=0.05) as server:
        measured(align, built, going_to(server))
        stop = Stopper(is_message, 100, signal.SIGINT)
        code, _, err = stopped(server, stop, "--no-batch", "--concurrency", 64)
        assert code == 130
        assert "Waiting for the answers that are under way" in err
        heard = [line for line in judged.lines("attempt") if line.get("cost") is not None]
        assert len(judged.verdicts()) == len(heard) == len(server.seen.billed)
        assert pairs_broken_off() == set()
        align(*JUDGE, "--no-batch")
        assert_all_judged(built)
        assert set(listener.paid.values()) == {1}


def pairs_broken_off() -> set[str]:
    return {id for line in judged.lines("attempt") if line.get("error") for id in line["ids"]}


def measured_places(built: Built) -> set[tuple[str, str]]:
    return {(pair, order) for pair in built.chosen for order in ("ab", "ba")}
