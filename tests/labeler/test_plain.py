"""The line mode: through pipes and in a real terminal."""

import io
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pexpect
import pytest

from align.paths import store_path
from align.store.acts import owner_decisions
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.events import iter_events
from labeler.plain import label
from labeler.progress import Progress
from labeler.session import Session
from tests.labeler.stores import store_of_pairs
from tests.store.rows import append_event

LABELER = [sys.executable, "-m", "labeler.cli"]


def owner_with_pairs(n: int, owner: str = "ann") -> Path:
    path = store_path(owner)
    store_of_pairs(path, n).close()
    return path


def piped(keys: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*LABELER, *arguments], input=keys, capture_output=True, text=True, timeout=60
    )


def said(conn: sqlite3.Connection, keys: str, **options: int) -> str:
    out = io.StringIO()
    session = Session(conn, seed=1)
    progress = Progress(session, lambda: owner_decisions(conn), options.pop("goal", None))
    progress.read_earlier()
    label(session, progress, lines=io.StringIO(keys), out=out, **options)
    return out.getvalue()


def test_every_key_does_what_it_says(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 9)) as conn:
        shown = said(conn, "a\nb\n=\nn\ns\nu\nu\nx\n\nq\na\n")
        assert [event.kind for event in iter_events(conn)] == ["choice"] * 4 + [
            "skip",
            "undo",
            "undo",
        ]
        outcomes = [choice.outcome for choice in current_choices(conn)]
    assert len(outcomes) == 3 and outcomes[2] == "both"
    assert "Saved: neither does." in shown and "'x' is no key here." in shown


def test_clear_cases_and_reasons_have_letters_too(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 9)) as conn:
        shown = said(conn, "1\n4\n2\ns2\n")
        assert shown.count("Saved: clearly") == 2 and "Skipped" in shown
        events = list(iter_events(conn))
    assert [event.payload.get("clear") for event in events] == [True, True, None, None]
    assert events[-1].payload["reason"] == "both broken"


def test_the_goal_and_the_biases_of_a_block_are_said(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 60)) as conn:
        shown = said(conn, "a\n" * 24 + "e\n.\nu\na\na\n", goal=30)
    assert "· today 0 of 30" in shown and "· today 24 of 30" in shown
    assert shown.count("The last 25: left 100%") == 1
    assert "today 1 of 30" not in shown.split("today 24 of 30")[1]


@pytest.mark.parametrize("key", ["e", "m"])
@pytest.mark.parametrize("typed", ["Half a\n", "Half a", "Half\na"])
def test_a_text_that_breaks_off_is_a_draft_and_no_answer(tmp_path: Path, key: str, typed: str):
    with closing(store_of_pairs(tmp_path / "twin.db", 3)) as conn:
        assert "brings back what was typed" in said(conn, f"{key}\n{typed}")
        assert list(iter_events(conn)) == []
        shown = said(conn, f"{key}\n.\n")
        assert f"Your draft:\n{typed.strip()}" in shown
        (event,) = iter_events(conn)
        assert event.payload["text"] == typed.strip()


def test_sources_are_hidden(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 2)) as conn:
        assert "sft" not in said(conn, "a\nb\n")


def test_terminal_controls_in_answers_are_shown_as_marks(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 1)) as conn:
        conn.execute("UPDATE answers SET text = ? || text", ("\x1b]0;owned\x07\u202e[b]",))
        shown = said(conn, "")
    assert "\x1b" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert "[b]" in shown


def test_the_limit_counts_answers_only(tmp_path: Path):
    with closing(store_of_pairs(tmp_path / "twin.db", 9)) as conn:
        said(conn, "s\na\ns\nb\na\na\n", limit=2)
        assert len(current_choices(conn)) == 2


def test_a_pipe_labels_and_the_next_command_is_said(root: Path):
    owner_with_pairs(3)
    done = piped("a\nb\n", "--owner", "ann")
    assert done.returncode == 0
    assert "Pair 3 · 1 left" in done.stdout
    assert "2 answered (2 with a winner), 0 skipped" in done.stderr
    assert "Next: make pack OWNER=ann FOR=train" in done.stderr


def test_the_summary_is_one_arithmetic(root: Path, monkeypatch: pytest.MonkeyPatch):
    """What was answered here and before comes to what is answered in all, repeats apart."""
    path = owner_with_pairs(120)
    piped("a\n" * 20 + "q\n", "--owner", "ann", "--seed", "3")
    done = piped("b\n" * 95 + "s\nq\n", "--owner", "ann")
    said = re.search(r"session: (\d+) answered .*?, (\d+) answered again", done.stderr)
    assert said is not None
    here, again = said.groups()
    assert int(here) + int(again) == 95 and int(again) > 0
    assert f"In all: {20 + int(here)} of 120 pairs answered" in done.stderr
    with closing(connect(path)) as conn:
        assert len(current_choices(conn)) == 20 + int(here)


def test_the_arena_s_end_names_the_arena_s_command(root: Path):
    store_of_pairs(store_path("ann"), 2, purpose="arena").close()
    done = piped("a\nb\n", "--owner", "ann", "--arena")
    assert "align sample --compare sft dpo --owner ann" in done.stderr
    assert "make sft sample" not in done.stderr and "make pack" not in done.stderr


def test_a_sandbox_is_not_made_for_nothing(root: Path):
    (root / "data" / "eva").mkdir()
    (root / "data" / "eva" / "simulated.json").write_text("{}")
    store_of_pairs(store_path("eva"), 0).close()
    assert piped("", "--owner", "eva").returncode == 2
    assert piped("", "--owner", "eva", "--arena").returncode == 2
    assert not (root / "data" / "eva-sandbox").exists()


def test_without_a_store_or_pairs_it_says_which_command_makes_some(root: Path):
    done = piped("", "--owner", "ann")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "make ingest OWNER=ann" in done.stderr
    owner_with_pairs(0)
    done = piped("", "--owner", "ann")
    assert done.returncode == 2 and "no pairs to choose from" in done.stderr
    assert "make sft sample OWNER=ann" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--owner", "../ann"],
        ["--order", "best", "--owner", "ann"],
        ["--limit", "0"],
        ["--too-soon", "-1"],
    ],
)
def test_wrong_options_are_refused(root: Path, arguments: list[str]):
    done = piped("", *arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_real_keys_on_simulated_pairs_go_to_a_sandbox(root: Path):
    (root / "data" / "eva").mkdir()
    (root / "data" / "eva" / "simulated.json").write_text("{}")
    with closing(store_of_pairs(store_path("eva"), 3)) as conn:
        pair = conn.execute("SELECT id FROM pairs").fetchone()[0]
        payload = {"outcome": "a", "left": "a"}
        append_event(conn, kind="choice", actor="simulated", pair_id=pair, payload=payload)
    done = piped("a\nb\nn\n", "--owner", "eva")
    assert done.returncode == 0 and "in eva-sandbox's store" in done.stderr
    with closing(connect(store_path("eva"))) as conn:
        assert [choice.actor for choice in current_choices(conn)] == ["simulated"]
    with closing(connect(store_path("eva-sandbox"))) as conn:
        assert [choice.actor for choice in current_choices(conn)] == ["owner"] * 3


def terminal(*arguments: str) -> "pexpect.spawn[str]":
    child = pexpect.spawn(
        sys.executable,
        ["-m", "labeler.cli", "--plain", *arguments],
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 120),
    )
    child.delaybeforesend = None
    return child


def test_a_session_in_a_terminal(root: Path):
    path = owner_with_pairs(40)
    child = terminal("--owner", "ann")
    child.expect("Pair 1 · 40 left")
    child.expect("sounds like you\\? ")
    child.sendline("a")
    child.expect("Saved: left.")
    child.expect("Pair 2 · 39 left")
    child.sendline("u")
    child.expect("Taken back: the answer.")
    child.expect("Pair 1 · 40 left")
    child.sendline("b")
    child.expect("Saved: right.")
    child.expect("sounds like you\\? ")
    child.sendline("q")
    child.expect("1 answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    with closing(connect(path)) as conn:
        assert len(current_choices(conn)) == 1


def test_ctrl_c_ends_with_130_and_a_summary(root: Path):
    owner_with_pairs(3)
    child = terminal("--owner", "ann")
    child.expect("sounds like you\\? ")
    child.sendline("a")
    child.expect("Pair 2")
    child.expect("sounds like you\\? ")
    child.sendintr()
    child.expect("1 answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def killed_while_answering(path: Path, moment: float) -> int:
    """Rush keys in, kill at the moment, compare what was confirmed with what is kept.

    Returns how many answers were confirmed.
    """
    with closing(connect(path)) as conn:
        before = sum(event.kind in ("choice", "repeat") for event in iter_events(conn))
    child = subprocess.Popen(
        [*LABELER, "--owner", "ann"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert child.stdin and child.stdout
    seen = b""
    while b"sounds like you?" not in seen:
        seen += os.read(child.stdout.fileno(), 65536)
    child.stdin.write(b"a\nb\n=\nn\n" * 40)
    child.stdin.flush()
    time.sleep(moment)
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    confirmed = len(re.findall(rb"Saved: ", seen + rest))
    with closing(connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        kept = [(event.kind, event.pair_id) for event in iter_events(conn)]
    assert len(kept) == len(set(kept)), "an answer was doubled"
    # The one that was being confirmed may be kept as well.
    assert len(kept) - before - confirmed in (0, 1), "an acknowledged answer was lost"
    return confirmed


def test_a_kill_loses_no_confirmed_answer(root: Path):
    path = owner_with_pairs(800)
    chance = random.Random(0)
    assert sum(killed_while_answering(path, chance.uniform(0, 0.1)) for _ in range(4)) > 0


@pytest.mark.slow
def test_many_kills_lose_no_confirmed_answer(root: Path):
    path = owner_with_pairs(3600)
    chance = random.Random(1)
    assert sum(killed_while_answering(path, chance.uniform(0, 0.15)) for _ in range(20)) > 0
