"""The screen in a real pseudo-terminal: first pair, signals, kills, a second labeler."""

import os
import random
import re
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pexpect
import pytest

from align.paths import store_path
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.events import iter_events
from tests.labeler.stores import store_of_pairs
from tests.labeler.terminals import LABELER, Window


def owner_with_pairs(n: int, owner: str = "ann") -> Path:
    path = store_path(owner)
    store_of_pairs(path, n).close()
    return path


def answered(path: Path) -> list[str]:
    with closing(connect(path)) as conn:
        return [choice.outcome for choice in current_choices(conn)]


def test_it_opens_on_the_first_unanswered_pair_and_goes_on_there(root: Path):
    path = owner_with_pairs(40)
    window = Window("--owner", "ann")
    window.until("40 left")
    first = window.text.splitlines()[2]
    window.send("a")
    window.until("1 answered")
    second = window.text.splitlines()[2]
    window.send("q")
    assert window.end() == 0 and len(answered(path)) == 1
    assert first != second
    ended = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", window.raw).decode()
    assert "This session: 1 answered" in ended and "001-sft" in ended
    window = Window("--owner", "ann")
    assert window.until("39 left").splitlines()[2] == second
    window.send("q")
    assert window.end() == 0


def test_ctrl_c_leaves_the_terminal_as_it_was_and_ends_with_130(root: Path):
    owner_with_pairs(3)
    window = Window("--owner", "ann")
    window.until("3 left")
    window.send("a")
    window.until("1 answered")
    window.child.sendcontrol("c")
    assert window.end() == 130
    assert b"\x1b[?1049l" in window.raw and b"\x1b[?25h" in window.raw
    assert b"This session: 1 answered" in window.raw


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_in_good_order(root: Path, name: str):
    path = owner_with_pairs(3)
    window = Window("--owner", "ann")
    window.until("3 left")
    window.send("a")
    window.until("1 answered")
    window.child.kill(getattr(signal, name))
    assert window.end() == 130
    assert len(answered(path)) == 1


def test_a_resize_to_nearly_nothing_and_back_is_calm(root: Path):
    path = owner_with_pairs(3)
    window = Window("--owner", "ann")
    window.until("3 left")
    window.child.setwinsize(5, 20)
    window.until("Too small")
    window.send("a")
    # A key that is met only once the window is large again would count.
    window.read_for(0.5)
    window.child.setwinsize(40, 120)
    window.until("3 left")
    window.send("b")
    window.until("1 answered")
    window.send("q")
    assert window.end() == 0 and len(answered(path)) == 1


def events(path: Path) -> int:
    with closing(connect(path)) as conn:
        return len(list(iter_events(conn)))


@pytest.mark.parametrize("simulated", [False, True])
def test_a_second_labeler_on_one_store_is_refused_until_the_first_is_gone(
    root: Path, simulated: bool
):
    path = owner_with_pairs(5)
    if simulated:
        (path.parent / "simulated.json").write_text("{}")
    asked = store_path("ann-sandbox") if simulated else path
    first = Window("--owner", "ann")
    first.until("5 left")
    second = subprocess.run(
        [*LABELER, "--owner", "ann"], input="a\n", capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 2 and second.stdout == ""
    assert second.stderr == (
        f"{asked.relative_to(root)}: another labeler is open here (process {first.child.pid}). "
        "Go on there, or quit that one and repeat.\n"
    )
    assert events(asked) == 0
    first.send("a")
    first.until("1 answered")
    os.kill(first.child.pid, signal.SIGKILL)
    first.rest()
    first.child.close(force=True)
    third = Window("--owner", "ann")
    third.until("1 answered")
    third.send("q")
    assert third.end() == 0 and events(asked) == 1


def test_stderr_that_goes_elsewhere_gives_lines_with_a_word_why(root: Path, tmp_path: Path):
    path = owner_with_pairs(3)
    log = tmp_path / "log"
    command = f"{LABELER[0]} -m labeler.cli --owner ann 2>{log}"
    child = pexpect.spawn("sh", ["-c", command], dimensions=(40, 120), timeout=30, encoding="utf-8")
    child.expect("sounds like you\\? ")
    child.sendline("a")
    child.expect("Saved: left")
    child.expect("sounds like you\\? ")
    child.sendline("q")
    child.expect(pexpect.EOF)
    assert "Lines instead of a screen: it is drawn on stderr" in log.read_text()
    assert len(answered(path)) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_without_utf_8_gives_lines_with_a_word_why(root: Path, encoding: str):
    path = owner_with_pairs(3)
    window = Window("--owner", "ann", PYTHONIOENCODING=encoding)
    window.until("Lines instead of a screen: this terminal takes")
    window.until("Which sounds like you?")
    window.send("a\n")
    window.until(lambda text: text.count("Which sounds like you?") == 2)
    window.send("q\n")
    assert window.end() == 0 and len(answered(path)) == 1


@pytest.mark.parametrize(
    "text", ["नमस्ते क्या हाल है क्षत्रिय ", "ภาษาไทย กำลัง ", "שָׁלוֹם עֲלֵיכֶם ", "🇩🇪🇫🇷 flags ", "မြန်မာဘာသာ "]
)
def test_scripts_whose_signs_join_tear_no_frame(root: Path, text: str):
    path = store_path("ann")
    store_of_pairs(path, 4, texts=lambda topic, i: (f"plain {topic} " * 9, text * 9)).close()
    window = Window("--owner", "ann", columns=80, rows=24)
    window.until("4 left")
    for key in ("a", "b", "u"):
        rows = [[window._screen.buffer[y][x].data for x in range(80)] for y in range(24)]
        top = next(y for y in range(24) if "← left" in "".join(rows[y]))
        for row in rows[top : next(y for y in range(top, 24) if rows[y][0] == "╰") + 1]:
            assert "".join(row[x] for x in (0, 39, 40, 79)) in ("╭╮╭╮", "││││", "╰╯╰╯"), "".join(
                row
            )
        window.send(key)
        window.read_for(0.4)
    window.send("q")
    assert window.end() == 0


def test_no_colour_needs_no_colour(root: Path):
    owner_with_pairs(3)
    window = Window("--owner", "ann", NO_COLOR="1")
    window.until("3 left")
    window.send("d")
    window.until("‹")
    window.send("q")
    assert window.end() == 0


def test_the_editor_takes_over_the_terminal_and_gives_it_back(root: Path, tmp_path: Path):
    path = owner_with_pairs(3)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "My own words" > "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    window = Window("--owner", "ann", EDITOR=str(editor), VISUAL="")
    window.until("3 left")
    window.send("x")
    window.until("1 answered")
    time.sleep(0.5)  # a key from before the frame that follows the editor is blind
    window.send("q")
    assert window.end() == 0
    with closing(connect(path)) as conn:
        (choice,) = current_choices(conn)
    assert choice.rewrite == "My own words"


def test_the_editor_shows_the_question_below_a_line_that_cuts_it_off(root: Path, tmp_path: Path):
    path, seen = owner_with_pairs(3), tmp_path / "seen"
    editor = tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\ncp "$1" {seen}\nprintf "Mine\\n" | cat - "$1" > "$1.x"\nmv "$1.x" "$1"\n'
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    window = Window("--owner", "ann", EDITOR=str(editor), VISUAL="")
    window.until("3 left")
    window.send("x")
    window.until("1 answered")
    time.sleep(0.5)  # a key from before the frame that follows the editor is blind
    window.send("q")
    assert window.end() == 0
    with closing(connect(path)) as conn:
        (choice,) = current_choices(conn)
    assert choice.rewrite == "Mine"
    assert ">8" in seen.read_text() and "They: What of" in seen.read_text()


def killed_while_keys_rush_in(owner: str, chance: random.Random) -> int:
    """Press ten keys a second, kill at any moment, and compare screen and store.

    Returns how many answers the screen had acknowledged.
    """
    path = store_path(owner)
    before = len(answered(path))
    window = Window("--owner", owner)
    window.until(f"{before} answered")
    end = time.monotonic() + chance.uniform(0, 0.8)
    sent = 0
    while (now := time.monotonic()) < end:
        window.send(chance.choice("ab=n"))
        sent += 1
        pause = time.monotonic() + min(0.1, end - now)
        while (rest := pause - time.monotonic()) > 0:
            window.read(rest)
    os.kill(window.child.pid, signal.SIGKILL)
    window.rest()
    window.child.close(force=True)
    acknowledged = window.answered() - before
    with closing(connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        pairs = [event.pair_id for event in iter_events(conn) if event.kind == "choice"]
    assert len(pairs) == len(set(pairs)), "an answer was doubled"
    # Those whose frame was still to come may be kept as well.
    assert acknowledged <= len(pairs) - before <= sent, "an acknowledged answer was lost"
    return acknowledged


def killed_often(owner: str, times: int) -> int:
    owner_with_pairs(10 * times, owner)
    chance = random.Random(owner)
    return sum(killed_while_keys_rush_in(owner, chance) for _ in range(times))


def test_kills_while_keys_rush_in_lose_nothing(root: Path):
    assert killed_often("ann", 10) > 3


@pytest.mark.slow
def test_three_hundred_kills_lose_nothing(root: Path):
    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(killed_often, ("ann", "ben", "cleo"), (100, 100, 100))) > 100
