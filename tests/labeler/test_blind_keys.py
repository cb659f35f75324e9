"""Keys that were pressed before their pair was seen choose nothing."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key

from align.store.events import iter_events
from labeler.key_guard import CHOICES, OF_THE_PAIR, KeyGuard
from labeler.keys import BY_NAME
from tests.labeler.screens import OpenScreen, run
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "twin.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(path, 60)) as conn:
        yield conn


def test_the_guard_knows_all_acts():
    assert set(BY_NAME) >= OF_THE_PAIR


def test_before_the_first_frame_nothing_is_taken():
    guard = KeyGuard()
    assert all(guard.is_blind(name, 5.0, is_key=True) for name in ("left", "skip", "private"))
    assert not guard.is_blind("quit", 5.0, is_key=True)
    guard.drawn(5.0)
    guard.covered()
    assert guard.is_blind("quit", 5.5, is_key=True)
    guard.drawn(6.0)
    assert guard.is_blind("quit", 5.9, is_key=True) and not guard.is_blind("quit", 6, is_key=True)
    guard = KeyGuard()
    guard.drawn(5.0)
    assert not guard.is_blind("private", 5.01, is_key=True)
    assert not guard.is_blind("left", 5.2, is_key=True)


@given(
    st.lists(st.floats(0.001, 0.4), min_size=1, max_size=60),
    st.sampled_from(sorted(CHOICES)),
    st.floats(0, 0.05),
)
def test_no_two_choices_are_nearer_than_the_least_time(
    pauses: list[float], action: str, frame_after: float
):
    """Whatever is pressed, a choice comes at least 150 ms after its pair's frame."""
    guard, now = KeyGuard(150), 10.0
    guard.drawn(now)
    frame, before = now, -1.0
    for pause in pauses:
        now += pause
        if frame > now:
            guard.pair_changed()
        else:
            guard.drawn(frame)
        if not guard.is_blind(action, now, is_key=True):
            assert now - frame >= 0.15 - 1e-9 and now - before >= 0.15 - 1e-9
            before, frame = now, now + frame_after
            guard.pair_changed()


def test_a_held_key_answers_one_pair(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.pilot.pause(0.2)
        await now.burst(*["left"] * 90, apart=0.033)
        assert len(now.outcomes()) == 1
        assert "Not taken" in now.screen() and "150 ms" in now.screen()
        await now.pilot.pause(3.2)
        await now.burst("right")
        assert len(now.outcomes()) == 2

    run(conn, do, too_soon_ms=150)


@pytest.mark.parametrize("delay", [0.2, 0.5, 1.0])
def test_the_first_repeat_of_a_held_key_is_taken_back(conn: sqlite3.Connection, delay: float):
    async def do(now: OpenScreen) -> None:
        await now.pilot.pause(0.2)
        first = now.question.pair.id
        start = time.monotonic()
        for after in (0.0, *(delay + 0.033 * n for n in range(20))):
            await now.pilot.pause(max(0.0, start + after - time.monotonic()))
            key = Key("left", None)
            key.time = start + after
            now.app.post_message(key)
            await now.pilot.pause(0.001)
        await now.seen()
        assert list(now.outcomes()) == [first]
        assert "held down" in now.screen()

    run(conn, do, too_soon_ms=150)


def test_a_key_that_is_pressed_twice_is_not_held():
    guard = KeyGuard(150)
    guard.drawn(0.0)
    for at in (1.0, 1.4, 1.42, 1.9, 2.3, 2.6, 3.0):
        if not guard.is_blind("left", at, is_key=True):
            guard.pair_changed()
            guard.drawn(at + 0.01)
        assert not guard.was_held()


@pytest.mark.parametrize("keys", ["aaaa", "abnn", ("space",) * 4, ("left", "down", "up", "right")])
def test_of_keys_in_one_packet_the_first_counts(conn: sqlite3.Connection, keys: str):
    async def do(now: OpenScreen) -> None:
        await now.burst(*keys)
        assert len(now.kinds()) == 1

    run(conn, do)


@pytest.mark.parametrize("key", ["p", "f", "e", "m"])
def test_marks_before_a_frame_are_not_put_on_the_pair_that_comes(
    conn: sqlite3.Connection, key: str
):
    async def do(now: OpenScreen) -> None:
        await now.burst("a", key)
        assert now.kinds() == ["choice"] and now.app.screen is now.app.choosing

    run(conn, do)


def locked_for(path: Path, seconds: float) -> threading.Thread:
    """Write to a store from elsewhere for so long."""
    started = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started.set()
            time.sleep(seconds)
            other.execute("ROLLBACK")

    thread = threading.Thread(target=write)
    thread.start()
    started.wait()
    return thread


@pytest.mark.parametrize("key", ["left", "n", "space", "p"])
def test_a_busy_store_takes_one_key_and_says_that_it_waits(
    conn: sqlite3.Connection, path: Path, key: str
):
    async def do(now: OpenScreen) -> None:
        writer = locked_for(path, 1.0)
        for _ in range(6):
            await now.burst(key)
        assert "Another program is writing to the store" in now.screen() and now.kinds() == []
        while writer.is_alive():
            await now.pilot.pause(0.05)
        await now.pilot.pause(0.3)
        (event,) = iter_events(conn)
        assert event.payload.get("ms", 0) < 600  # up to the key, not to the commit
        assert "Another program" not in now.screen()

    run(conn, do)
